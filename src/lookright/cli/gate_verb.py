"""The verb that closes the gate on a run that got worse."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookright.cli.application import PLAIN, app
from lookright.errors import ConfigError, Problem

if TYPE_CHECKING:
    from lookright.gate import Checked


@app.command(context_settings=PLAIN)
def gate(
    run: Annotated[Path, typer.Argument(help="A run, or a folder of seeds of one objective.")],
    baseline: Annotated[Path | None, typer.Option(help="The table of limits.")] = None,
    write: Annotated[Path | None, typer.Option(help="Make the table of limits instead.")] = None,
    split: Annotated[str | None, typer.Option(help="Splits, with commas; else all.")] = None,
    by: Annotated[
        str | None, typer.Option(help="With --write: column of patients; see compare.")
    ] = None,
) -> None:
    """Stop a run that got worse.

    Exits with 1 when AUROC or evidence falls beyond its limits, for continuous integration.

    \b
    lookright gate runs/pneumonia/decision_energy --write baseline.csv
    lookright gate runs/new --baseline baseline.csv
    """
    if (baseline is None) == (write is None):
        what = "Give either --baseline TABLE or --write TABLE."
        raise ConfigError(Problem("OPTION", what))
    splits = [part.strip() for part in split.split(",") if part.strip()] if split else None
    if write:
        from lookright.gate import write_limits

        limits = write_limits(run, write, splits, by)
        overs = ", ".join(dict.fromkeys(limit.over for limit in limits))
        typer.echo(f"{write}: {len(limits)} limits over {overs}")
        typer.echo(f"Next: lookright gate RUN --baseline {write}")
    elif baseline:
        from lookright.gate import gate

        _answer(gate(run, baseline, splits))


def _answer(checked: "list[Checked]") -> None:
    from lookright.cli.tables import show_table

    titles = ["split", "measure", "better", "baseline", "limits", "now", "verdict"]
    show_table(titles, [_row(each) for each in checked])
    for name, before, now in dict.fromkeys(
        (each.limit.split, each.limit.images, each.images)
        for each in checked
        if each.limit.measure == "auroc" and each.limit.images not in (0, each.images)
    ):
        typer.echo(f"Note: {name} has {now} images; the baseline had {before}.")
    closed = [each for each in checked if not each.is_open]
    if closed:
        what = ", ".join(f"{each.limit.measure} on {each.limit.split}" for each in closed)
        typer.echo(f"Closed: {what}.", err=True)
        raise typer.Exit(1)
    typer.echo(f"Open: all {len(checked)} limits hold.")


def _row(each: "Checked") -> list[str]:
    limit = each.limit
    limits = f"[{limit.low:.4f}, {limit.high:.4f}]"
    if limit.better == "zero":
        limits = f"|now| <= {max(abs(limit.low), abs(limit.high)):.4f}"
    values = f"{limit.value:.4f}", limits, f"{each.now:.4f}"
    return [limit.split, limit.measure, limit.better, *values, each.verdict]
