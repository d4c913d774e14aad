"""One self-contained HTML page: no script, no network, nothing to install, readable in years."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from lookright.files import write_atomically
from lookright.report import bench_page, run_page
from lookright.report.records import BenchRecords, RunRecords, open_records

LARGEST = 15_000_000  # bytes of a page
PICTURES = (6, 4, 2, 1, 0)  # images per gallery: fewer until the page is small enough


def write_report(folder: Path, out: Path | None = None) -> Path:
    """Write the report of a run or a bench and return its path, `report.html` in the folder.

    Reads only what training, evaluation and the bench wrote, and the images by id. Raises
    RunError when the folder is neither, or not evaluated yet.
    """
    records = open_records(Path(folder))
    path = Path(out) if out is not None else Path(folder) / "report.html"
    if path.is_dir():
        path = path / "report.html"
    write_atomically(path, _small_enough(records))
    return path


def _small_enough(records: RunRecords | BenchRecords) -> str:
    html = ""
    for pictures in PICTURES:
        html = _rendered(records, pictures)
        if len(html.encode()) < LARGEST:
            break
    return html


def _rendered(records: RunRecords | BenchRecords, pictures: int) -> str:
    if isinstance(records, BenchRecords):
        return render("bench.html", bench_page.content(records, pictures))
    return render("run.html", run_page.content(records, pictures))


def render(template: str, content: dict[str, Any]) -> str:
    """Fill a template; every value is escaped unless it is markup that we drew."""
    environment = Environment(
        loader=PackageLoader("lookright.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(content)
