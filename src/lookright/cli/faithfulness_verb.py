"""The verb `faithfulness`: does the map tell the truth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookright.cli.application import PLAIN, app
from lookright.cli.progress import counting

if TYPE_CHECKING:
    import polars as pl


@app.command(context_settings=PLAIN)
def faithfulness(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    explainers: Annotated[
        str | None,
        typer.Option(help="Explainers, with commas; those without extras if not given."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Splits, with commas; all but train if not given.")
    ] = None,
    images: Annotated[int, typer.Option(min=1, help="At most so many images of a split.")] = 256,
    steps: Annotated[int, typer.Option(min=1, help="Steps of deletion and insertion.")] = 20,
    draws: Annotated[int, typer.Option(min=1, help="Random networks of each kind.")] = 3,
) -> None:
    """Ask whether the maps of a run tell the truth.

    What covering their places changes, whether random weights give other maps, and how far other
    explainers agree with the one that was guided.

    \b
    lookright faithfulness runs/first
    lookright faithfulness runs/first --explainers cam,occlusion --split test --images 64
    """
    from lookright.faithfulness import DEFAULT
    from lookright.faithfulness import faithfulness as measure

    with counting("images") as tell:
        chosen, splits = _listed(explainers) or list(DEFAULT), _listed(split)
        found = measure(run, chosen, splits, images, steps, draws, tell)
    show(found)
    typer.echo(f"\n{run / 'faithfulness.csv'}\nNext: lookright report {run}")


def show(found: "pl.DataFrame") -> None:
    """Print one table per split: measures down, explainers across, and the gap in framing."""
    from lookright.cli.tables import show_table

    for (split,), part in found.group_by("split", maintain_order=True):
        typer.echo(f"\n{split}")
        names = list(dict.fromkeys(part["explainer"]))
        lines = [
            [str(measure), *(f"{value:.4f}" for value in rows["value"])]
            for (measure,), rows in part.group_by("measure", maintain_order=True)
        ]
        framing = part.filter(part["measure"] == "framing_sensitivity")
        ends = zip(framing["gap"], framing["gap_low"], framing["gap_high"], strict=True)
        lines.append(["its gap to cam", *(_gap(*each) for each in ends)])
        show_table(["measure", *names], lines)


def _gap(middle: float, low: float, high: float) -> str:
    return f"{middle:+.4f}" + ("" if low != low else f" ({low:+.4f} to {high:+.4f})")


def _listed(words: str | None) -> list[str]:
    return [part.strip() for part in (words or "").split(",") if part.strip()]
