"""The verb `data gaze-ceiling`: how well people predict each other's gaze."""

from pathlib import Path
from typing import Annotated

import typer

from lookright.cli.application import SETTINGS
from lookright.cli.data_verbs import data


@data.command("gaze-ceiling", context_settings=SETTINGS)
def gaze_ceiling(
    table: Annotated[Path, typer.Argument(help="A table of fixations, or a folder of them.")],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Settings of `list formats fixations`."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="The folder of the images, for their sizes.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A CSV file with one row per image.")] = None,
) -> None:
    """Say how well the gaze of all others predicts each reader's.

    \b
    lookright data gaze-ceiling fixations.csv recipe=osie
    lookright data gaze-ceiling fixations.csv sigma=9.6 --images photos --out ceiling.csv
    """
    from lookright.data.importers.fixations import Fixations
    from lookright.overrides import apply, parse
    from lookright.signature import build

    making = build(Fixations, apply({}, parse(changes or [])), "fixations").making
    from lookright.cli.progress import counting
    from lookright.cli.tables import show_table
    from lookright.data.gaze.drawing import find_looks
    from lookright.files import write_atomically
    from lookright.readers import MEASURES, readers_ceiling

    looks = find_looks(table, making)
    for note in looks.notes:
        typer.echo(f"{note.level}: {note}")
    with counting("images") as progress:
        found = readers_ceiling(
            looks, making, _sizes(looks.rows["image"].unique().to_list(), images), progress
        )
    lines = []
    for name in MEASURES:
        own, other = (found[each].drop_nans().drop_nulls() for each in (name, f"other_{name}"))
        spread = f"{own.quantile(0.05):.3f} to {own.quantile(0.95):.3f}" if len(own) else "-"
        means = [f"{each.mean():.3f}" if len(each) else "-" for each in (own, other)]
        lines.append((name, means[0], spread, means[1], str(len(own))))
    show_table(("measure", "ceiling", "5 to 95 % of images", "another image's", "images"), lines)
    if out:
        write_atomically(out, found.write_csv())
        typer.echo(out)


def _sizes(names: list[str], images: Path | None) -> dict[str, tuple[int, int]]:
    """Return the sizes of the images that are there, by the names that the table has."""
    if images is None:
        return {}
    from lookright.data.importing.joining import Joined, Pictures

    pictures = Pictures(images)
    found = {name: pictures.find(name) for name in names}
    return {
        name: pictures.size(joined.path)
        for name, joined in found.items()
        if isinstance(joined, Joined)
    }
