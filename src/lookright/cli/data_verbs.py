"""The verbs of data: init, and data check, split and make."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookright.cli.application import PLAIN, SETTINGS, app
from lookright.errors import ConfigError, DataError, Problem

if TYPE_CHECKING:
    from lookright.configuration import Data
    from lookright.data.checks.check import Checked
    from lookright.data.checks.replay import Scanpath

data = typer.Typer(no_args_is_help=True, rich_markup_mode=None, context_settings=PLAIN)
app.add_typer(data, name="data")

Manifest = Annotated[Path, typer.Argument(help="A manifest: CSV or Parquet.")]
Changes = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings of the data.")
]


@data.callback()
def about() -> None:
    """Check, split, lock and make data.

    \b
    lookright data check images/manifest.csv
    lookright data stats images/manifest.csv
    lookright data split images/manifest.csv
    lookright data make digits --out digits
    """


@app.command(context_settings=PLAIN)
def init(
    images: Annotated[Path, typer.Argument(help="Folder of one folder of images per class.")],
    masks: Annotated[Path | None, typer.Option(help="Folder of masks of the same names.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The manifest; manifest.csv above both if not given.")
    ] = None,
) -> None:
    """Write a manifest for folders of images.

    \b
    lookright init photos
    lookright init study             which holds study/images and study/masks
    lookright init here/images --masks there/masks

    \b
    images/cat/001.png               one folder per class, or
    images/train/cat/001.png         with splits above them
    masks/cat/001.png                a mask has its image's name
    """
    from lookright.data.folders import describe

    if masks is None and (images / "images").is_dir() and (images / "masks").is_dir():
        images, masks = images / "images", images / "masks"
    found = describe(images, masks, out)
    labels, annotated = found.rows["label"].n_unique(), _annotated(found.rows.to_dict())
    typer.echo(f"{found.manifest}: {len(found.rows)} images, {labels} classes, {annotated} masks")
    for path in found.ignored[:5]:
        typer.echo(f"left out: {path}")
    if len(found.ignored) > 5:
        typer.echo(f"... and {len(found.ignored) - 5} more")
    typer.echo(f"Next: lookright data check {found.manifest}")


@data.command(context_settings=SETTINGS)
def check(
    manifest: Manifest,
    changes: Changes = None,
    gaze: Annotated[
        Path | None, typer.Option(help="A table of fixations, to play back beside the images.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the findings; MANIFEST-check if not given.")
    ] = None,
) -> None:
    """Find all problems of a data set at once.

    Looks at every image and every map; writes check.json and a page with pictures. Exits with 3
    when there are errors.

    \b
    lookright data check images/manifest.csv
    lookright data check images/manifest.csv bits=12 empty_mask=background
    lookright data check images/manifest.csv --gaze fixations.csv gaze.width=800 gaze.height=600
    """
    if not manifest.is_file():
        raise DataError(Problem("MANIFEST-MISSING", "There is no such manifest.", str(manifest)))
    played = [each.removeprefix("gaze.") for each in changes or () if each.startswith("gaze.")]
    others = [each for each in changes or () if not each.startswith("gaze.")]
    settings = data_settings({"manifest": str(manifest)}, others)
    from lookright.cli.progress import counting
    from lookright.data.checks.check import check, write_json
    from lookright.data.checks.check_page import write_page
    from lookright.data.reading import Reading

    reading = Reading.of(settings.model_dump())
    with counting("images") as progress:
        checked = check(manifest, settings.classes, reading, settings.allow_group_overlap, progress)
    folder = out or manifest.with_name(f"{manifest.stem}-check")
    write_json(checked, folder / "check.json")
    write_page(checked, folder / "check.html", _scanpaths(checked, gaze, played))
    _show(checked)
    typer.echo(f"\n{folder / 'check.html'}")
    if not checked.passed:
        raise typer.Exit(3)


@data.command(context_settings=PLAIN)
def split(
    manifest: Manifest,
    shares: Annotated[
        str, typer.Option(help="The splits and how much each gets.")
    ] = "train=0.7,val=0.15,test=0.15",
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another split.")] = 0,
    within: Annotated[str | None, typer.Option(help="Divide this split only.")] = None,
    out: Annotated[Path | None, typer.Option(help="Another manifest instead of this one.")] = None,
) -> None:
    """Draw splits and write them down.

    Rows of one group (a patient, a subject) stay together; every class gets its share.

    \b
    lookright data split images/manifest.csv
    lookright data split images/manifest.csv --within train --shares train=0.9,val=0.1
    """
    parts = _shares(shares)
    from lookright.data.split import write_split

    written = write_split(manifest, parts, seed, within, out)
    typer.echo(f"{written}\nNext: lookright data check {written}")


@data.command(context_settings=SETTINGS)
def make(
    name: Annotated[str, typer.Argument(help="A data set of `lookright list datasets`.")],
    changes: Changes = None,
    out: Annotated[Path | None, typer.Option(help="A new folder; NAME if not given.")] = None,
) -> None:
    """Write an embedded data set as files.

    \b
    lookright data make digits
    lookright data make digits correlation=0.8 marker=corner --out corner
    """
    settings = data_settings({"name": name}, changes)
    from lookright.cli.progress import counting
    from lookright.data import open_source
    from lookright.data.export import export

    source = open_source(settings, Path())
    with counting("images") as progress:
        typer.echo(export(source, out or Path(name), progress))


def data_settings(given: dict[str, object], changes: list[str] | None) -> "Data":
    """Check the settings of data, which may be written with or without `data.` in front."""
    from lookright.configuration import Data
    from lookright.overrides import apply, parse
    from lookright.validation import validate

    words = {key.removeprefix("data."): value for key, value in parse(changes or []).items()}
    return validate(Data, apply(given, words), "data")


def _scanpaths(
    checked: "Checked", gaze: Path | None, words: list[str]
) -> "dict[int, Scanpath] | None":
    """Read where people looked at the images, and say how many of them are known."""
    if gaze is None or checked.rows is None:
        return None
    from lookright.data.checks.replay import read_scanpaths
    from lookright.overrides import apply, parse

    found = read_scanpaths(gaze, checked.rows, apply({}, parse(words)))
    typer.echo(f"{gaze.name}: gaze at {len(found)} of {len(checked.rows)} images\n")
    return found


def _shares(text: str) -> dict[str, float]:
    """Read `train=0.7,val=0.3`."""
    try:
        pairs = [part.split("=") for part in text.split(",") if part.strip()]
        return {name.strip(): float(share) for name, share in pairs}
    except ValueError:
        fix = "Write --shares train=0.7,val=0.15,test=0.15."
        raise ConfigError(Problem("SHARES", f"Got {text!r}.", "--shares", fix)) from None


def _annotated(columns: dict) -> int:
    return sum(bool(mask) for mask in columns.get("mask", ()))


def _show(checked: "Checked") -> None:
    """Print one row for each kind of finding, and the counts."""
    from lookright.cli.tables import show_table
    from lookright.data.checks.check import summary

    rows = [
        (level, code, str(count), example, fix)
        for level, code, count, example, fix in summary(checked)
    ]
    if rows:
        show_table(("level", "code", "count", "for example", "what to do"), rows)
    amounts = [(checked.count(level), level) for level in ("error", "warning", "notice")]
    counts = [f"{count} {level}{'' if count == 1 else 's'}" for count, level in amounts]
    typer.echo(f"\n{checked.name}: {', '.join(counts)}")
