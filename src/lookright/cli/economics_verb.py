"""The verb that asks what annotation is worth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookright.cli.application import SETTINGS, app
from lookright.cli.recipe import Words, load, recipe_and_changes, refuse_folder_with

if TYPE_CHECKING:
    import polars as pl


@app.command(context_settings=SETTINGS)
def economics(
    words: Words = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder; runs/NAME-economics if not given.")
    ] = None,
) -> None:
    """Ask what annotation is worth.

    Trains with fewer and with worse maps than there are, and draws what each state of the
    annotation gains over the first objective, which learns without any. The states are
    bench.annotations, or a default list. Repeat the command to go on where it stopped.

    \b
    lookright economics data=digits bench.objectives=[cross_entropy,decision_energy]
    lookright economics recipes/pneumonia.yaml --out runs/pneumonia-economics
    """
    run = load(*recipe_and_changes(words, ("--out",)))
    folder = out or Path("runs") / f"{run.name}-economics"
    refuse_folder_with("run.yaml", folder, "a run")
    from lookright.economics import economics

    picture = economics(run, folder)
    _show(folder)
    typer.echo(f"\n{picture}\nNext: lookright report {folder}")


def _show(folder: Path) -> None:
    """Print the gains of every state, a table per measure and split, then what follows."""
    import polars as pl

    from lookright.economics.finding import findings, gains, shown

    table = pl.read_csv(folder / "economics.csv", infer_schema_length=None)
    known = gains(table).filter(pl.col("kind") != "none")
    for measure, split in shown(table):
        print(f"\n{measure}, {split}: gain over training without maps, 95 % interval")
        _show_part(known.filter(measure=measure, split=split))
    print("", *findings(table), sep="\n")


def _show_part(part: "pl.DataFrame") -> None:
    from lookright.cli.tables import show_table
    from lookright.economics.finding import state

    cells: dict[str, dict[str, str]] = {}
    for row in part.iter_rows(named=True):
        cells.setdefault(state(row), {})[row["method"]] = _gain(row)
    methods = part["method"].unique(maintain_order=True).to_list()
    lines = [[name, *(found.get(each, "") for each in methods)] for name, found in cells.items()]
    show_table(["maps", *methods], lines)


def _gain(row: dict[str, float | None]) -> str:
    gain, low, high = (row[name] for name in ("gain", "gain_low", "gain_high"))
    if gain is None or gain != gain:
        return "-"
    known = low is not None and high is not None and low == low
    return f"{gain:+.3f}" + (f" [{low:+.3f}, {high:+.3f}]" if known else "")
