"""The verb that puts runs head to head."""

from pathlib import Path
from typing import Annotated

import typer

from lookright.cli.application import PLAIN, app


@app.command(context_settings=PLAIN)
def compare(
    folders: Annotated[
        list[Path], typer.Argument(help="Runs, benches, or folders of seeds; the baseline first.")
    ],
    by: Annotated[
        str | None, typer.Option(help="Column of patients; group if it has 30 values or more.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Splits, with commas; else all.")] = None,
    measure: Annotated[str | None, typer.Option(help="Measures, with commas; else all.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of compare.csv, .json, .md; a bench's own if one.")
    ] = None,
) -> None:
    """Say whether differences between runs are real.

    From their tables alone: over images, patients and seeds.

    \b
    lookright compare runs/plain runs/guided
    lookright compare runs/pneumonia --by group --split test_nih
    lookright compare runs/pneumonia/cyborg runs/other/energy --out runs/cyborg-energy
    """
    from lookright.cli.tables import show_table
    from lookright.head_to_head import head_to_head
    from lookright.head_to_head.page import LEGEND, tables

    found = head_to_head(folders, by, _listed(split), _listed(measure))
    for note in found.notes:
        typer.echo(note)
    for title, titles, rows in tables(found.lines):
        typer.echo(f"\n{title}")
        show_table(titles, rows)
    folder = out or (folders[0] if len(folders) == 1 else Path("runs") / "compare")
    found.save(folder)
    typer.echo(f"\n{LEGEND}\n{folder / 'compare.csv'}, compare.json, compare.md")


def _listed(text: str | None) -> list[str] | None:
    return [part.strip() for part in text.split(",") if part.strip()] if text else None
