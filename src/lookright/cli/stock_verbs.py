"""`lookright data stats` and `data lock`: what a data set holds, and that it stays so."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookright.cli.application import PLAIN, SETTINGS
from lookright.cli.data_verbs import Changes, Manifest, data, data_settings

if TYPE_CHECKING:
    import polars as pl


@data.command(context_settings=SETTINGS)
def stats(manifest: Manifest, changes: Changes = None) -> None:
    """Count what a data set holds, and say what chance scores on it.

    Images by split and class, groups and sources, how much of the image is evidence, what knowing
    nothing would score, and what is missing.

    \b
    lookright data stats images/manifest.csv
    """
    settings = data_settings({"manifest": str(manifest)}, changes)
    from lookright.cli.progress import counting
    from lookright.data.checks.inventory import take_inventory
    from lookright.data.reading import Reading

    with counting("maps") as progress:
        found = take_inventory(manifest, Reading.of(settings.model_dump()), progress)
    typer.echo(f"{manifest.name}: {found.rows:,} rows")
    _show("Images", found.images)
    _show("Groups and sources (largest: images of one)", found.groups)
    _show("Evidence (area: mean share of the image, and where 90 % of maps lie)", found.evidence)
    _show("Chance (always the majority; a point, or energy, anywhere falls inside)", found.chance)
    _show("Missing", found.missing)


@data.command(context_settings=PLAIN)
def lock(
    manifest: Manifest,
    out: Annotated[Path | None, typer.Option(help="Another manifest instead of this one.")] = None,
    renew: Annotated[bool, typer.Option("--renew", help="Accept files that changed.")] = False,
) -> None:
    """Write the SHA-256 of every image and map into the manifest.

    From then on a changed file is an error that names it, in check and in training. Locking again
    tells which files changed.

    \b
    lookright data lock images/manifest.csv
    lookright data lock images/manifest.csv --renew
    """
    from lookright.data.lock import lock

    found = lock(manifest, out, renew)
    again = f", {found.renewed} of them renewed" if found.renewed else ""
    typer.echo(f"{found.manifest}: {found.images} images and {found.maps} maps locked{again}")


def _show(title: str, rows: "pl.DataFrame") -> None:
    from lookright.cli.tables import show_table

    if not len(rows):
        return
    typer.echo(f"\n{title}")
    show_table(rows.columns, [[_cell(value) for value in row] for row in rows.iter_rows()])


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1%}" if isinstance(value, float) else str(value) or "(none)"
