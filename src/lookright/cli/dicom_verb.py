"""`lookright data import-dicom`: a folder from a hospital becomes pictures and a manifest."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookright.cli.application import PLAIN
from lookright.cli.data_verbs import data
from lookright.errors import ConfigError, Problem

if TYPE_CHECKING:
    from lookright.data.dicom.labels import Labels
    from lookright.data.dicom.study import Imported


class Contrast(StrEnum):
    """Which values are black and which are white."""

    voi = "voi"
    auto = "auto"
    full = "full"


@data.command("import-dicom", context_settings=PLAIN)
def import_dicom(
    folder: Annotated[Path, typer.Argument(help="A folder of DICOM files, at any depth.")],
    out: Annotated[Path, typer.Option(help="The folder of the study.")],
    labels: Annotated[
        Path | None, typer.Option(help="A table: image (a path or a name), label, split, mask.")
    ] = None,
    label_from_folder: Annotated[
        bool, typer.Option("--label-from-folder", help="Classes are the names of folders.")
    ] = False,
    window: Annotated[
        Contrast, typer.Option(help="The file's own, its extremes, or the whole range.")
    ] = Contrast.voi,
    frame: Annotated[
        int | None, typer.Option(min=1, help="Which picture of files that hold several.")
    ] = None,
    salt: Annotated[
        Path | None, typer.Option(help="The secret that hides patients; OUT.salt if not given.")
    ] = None,
    keep_burned_in: Annotated[
        bool, typer.Option("--keep-burned-in", help="Keep pictures with text burned in.")
    ] = False,
) -> None:
    """Write the pictures of DICOM files as 16-bit PNG, without a word in them, and a manifest.

    Patients become salted hashes in the column group. What is left out is listed.

    \b
    lookright data import-dicom from_pacs --out study --labels labels.csv
    lookright data import-dicom from_pacs --out study --label-from-folder
    """
    from lookright.cli.progress import counting
    from lookright.data.dicom.study import import_dicom
    from lookright.data.reading import Reading

    reading = Reading(dicom_window=window.value, frame=frame)
    label = _label(labels, label_from_folder)
    with counting("files") as progress:
        found = import_dicom(folder, out, label, reading, salt, keep_burned_in, progress)
    _show(found)


def _label(table: Path | None, by_folder: bool) -> Callable[[Sequence[str]], "Labels"]:
    from lookright.data.dicom import labels

    if table and by_folder:
        what = "Labels are from a table and from folders."
        raise ConfigError(Problem("LABELS", what, "--labels", "Choose one of them."))
    if table:
        return lambda files: labels.by_table(table, files)
    return labels.by_folder if by_folder else labels.unlabelled


def _show(found: "Imported") -> None:
    """Print what was written, and one line for each kind of file that was left out."""
    rows = found.rows
    patients, classes = rows["group"].n_unique(), sorted(set(rows["label"]) - {""})
    counts = f"{len(rows)} images of {patients} patients, {len(classes)} classes"
    typer.echo(f"{found.manifest}: {counts}")
    for code in dict.fromkeys(each.code for each in found.left_out):
        kind = [each for each in found.left_out if each.code == code]
        typer.echo(f"left out: {len(kind)} x {code}, such as {kind[0]}")
    for note in found.notes:
        typer.echo(str(note))
    typer.echo(f"{found.salt} is the secret that leads back to patients: it never travels along.")
    if not classes:
        typer.echo("Fill in the column label, or import again with --labels.")
    typer.echo(f"Next: look for names in the pictures: lookright data check {found.manifest}")
