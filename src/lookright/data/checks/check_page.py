"""The gallery page of a check: what was found, with the pictures it was found in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, FileSystemLoader

from lookright.data.checks.balance import counts
from lookright.data.checks.check import Checked, summary
from lookright.data.checks.finding import LEVELS
from lookright.data.checks.replay import Scanpath
from lookright.data.checks.shelf import CARDS, Shelf
from lookright.files import write_atomically


def write_page(
    checked: Checked, path: Path, scanpaths: Mapping[int, Scanpath] | None = None
) -> None:
    """Write one HTML file that needs nothing else: a table, and pictures with contours of maps.

    `scanpaths`, by row, are played back beside the pictures to look at.
    """
    shelf = Shelf(checked, scanpaths or {})
    kinds = [
        {"level": level, "code": code, "count": count, "fix": fix, "cards": shelf.cards(code)}
        for level, code, count, _, fix in summary(checked)
    ]
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("check_page.html.j2").render(
        name=checked.name,
        passed=checked.passed,
        amounts={level: checked.count(level) for level in LEVELS},
        rows=None if checked.rows is None else len(checked.rows),
        lines=summary(checked),
        splits=_splits(checked.rows),
        kinds=kinds,
        look=shelf.look(),
        replayed=bool(scanpaths),
        shown=CARDS,
    )
    write_atomically(path, page)


def _splits(rows: pl.DataFrame | None) -> list[dict[str, Any]]:
    if rows is None:
        return []
    most = max(counts(rows)["images"].to_list(), default=1)
    return [{**row, "width": 100 * row["images"] / most} for row in counts(rows).to_dicts()]
