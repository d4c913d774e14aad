"""`lookright data import`: another tool's annotations become maps and a manifest."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookright.cli.application import SETTINGS
from lookright.cli.data_verbs import data
from lookright.errors import ConfigError, DataError, Problem

if TYPE_CHECKING:
    from lookright.data.exchange.importer import Importer
    from lookright.data.importing.study import Imported, Items, Wishes
    from lookright.data.importing.tally import Tally


class Together(StrEnum):
    """How several people's maps of one image become one."""

    mean = "mean"
    union = "union"
    majority = "majority"
    intersection = "intersection"
    weight = "weight"


class LabelFrom(StrEnum):
    """Where the classes of images are from."""

    table = "table"
    export = "export"
    folder = "folder"
    marks = "marks"


Format = Annotated[str, typer.Argument(help="A format of `lookright list formats`.")]
Export = Annotated[Path, typer.Argument(help="What the tool wrote: a file or a folder.")]
Changes = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings of the format.")
]

Labels = Annotated[
    Path | None, typer.Option(help="A table of image (or id), label and more columns.")
]


@data.command("import", context_settings=SETTINGS)
def import_annotations(
    format: Format,
    export: Export,
    changes: Changes = None,
    images: Annotated[Path, typer.Option(help="The folder of the images.")] = Path("images"),
    labels: Labels = None,
    label_from: Annotated[
        LabelFrom | None, typer.Option(help="Where classes are from; chosen if not given.")
    ] = None,
    keep: Annotated[
        str, typer.Option(help="Labels of marks that are evidence, with commas; all if empty.")
    ] = "",
    annotators: Annotated[
        Together, typer.Option(help="How several people's maps become one.")
    ] = Together.mean,
    unmarked: Annotated[
        str, typer.Option(help="With --label-from marks: the class of images without marks.")
    ] = "none",
    out: Annotated[
        Path | None, typer.Option(help="Folder, or CSV file; the folder above --images if none.")
    ] = None,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Leave out drawings with errors, and count them.")
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Draw the first twenty on a sheet; write no maps.")
    ] = False,
) -> None:
    """Turn another tool's annotations into human maps and a manifest.

    \b
    lookright data import coco instances.json --images photos --preview
    lookright data import coco instances.json --images photos --keep person
    lookright data import masks drawn --images study/images --labels study/labels.csv
    """
    importer = _importer(format, changes)
    if not export.exists():
        what = "There is no such file or folder."
        raise DataError(Problem("EXPORT-MISSING", what, str(export)))
    manifest = _manifest(out, images)
    wanted = tuple(each.strip() for each in keep.split(",") if each.strip())
    items = importer.read(export)
    if preview:
        _preview(items, images, wanted, manifest.with_name("import-preview.png"))
        return
    from lookright.data.importing.study import Wishes

    source = label_from.value if label_from else None
    wishes = Wishes(wanted, annotators.value, labels, source, unmarked, leave_out)
    _import(items, images, manifest, wishes)


def _importer(format: str, changes: list[str] | None) -> "Importer":
    from lookright.data import importers
    from lookright.overrides import apply, parse

    return importers.make(format, apply({}, parse(changes or [])))


def _manifest(out: Path | None, images: Path) -> Path:
    if out is None:
        return images.resolve().parent / "manifest.csv"
    if out.suffix.lower() in (".parquet", ".pq"):
        fix = "Write a CSV file, or a folder."
        raise ConfigError(Problem("OUT", f"Got {str(out)!r}.", "--out", fix))
    return out if out.suffix.lower() == ".csv" else out / "manifest.csv"


def _import(items: "Items", images: Path, manifest: Path, wishes: "Wishes") -> None:
    from lookright.cli.progress import counting
    from lookright.data.importing.study import import_drawings

    with counting("images") as progress:
        done = import_drawings(items, images, manifest, wishes, progress)
    _show(done.tally)
    _summarise(done)
    typer.echo(f"Next: lookright data check {_near(done.manifest)}")


def _preview(items: "Items", images: Path, keep: tuple[str, ...], path: Path) -> None:
    from lookright.data.importing.preview import preview

    made = preview(items, images, keep)
    _show(made.tally)
    path.parent.mkdir(parents=True, exist_ok=True)
    made.sheet.save(path)
    typer.echo(f"{_near(path)}: the first {made.count} drawings; nothing else was written")


def _show(tally: "Tally") -> None:
    from lookright.cli.tables import show_table

    lines: Iterable[tuple[str, str, int, str, str]] = tally.lines()
    rows = [(level, code, str(count), what, fix) for level, code, count, what, fix in lines]
    if rows:
        show_table(("level", "code", "count", "for example", "what to do"), rows)
        typer.echo()


def _summarise(done: "Imported") -> None:
    rows = done.rows
    drawn = rows.filter(rows["mask"] != "")
    classes = rows.group_by("label").len().sort("label").iter_rows()
    people = "annotator" if done.readers == 1 else "annotators"
    typer.echo(
        f"{_near(done.manifest)}: {len(rows)} images, {len(drawn)} with a map"
        f" ({done.tally.count('MASK-EMPTY')} empty), {done.readers} {people}"
    )
    found = ", ".join(f"{label} {count}" for label, count in classes)
    typer.echo(f"classes, by {done.label_from}: {found}")


def _near(path: Path) -> Path:
    """Write a path as people would here."""
    here = Path.cwd().resolve()
    whole = path.resolve()
    return whole.relative_to(here) if whole.is_relative_to(here) else path
