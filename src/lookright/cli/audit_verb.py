"""The verb `audit`: can the maps of a classifier be made to lie, and would anybody notice."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lookright.cli.application import PLAIN, app
from lookright.cli.progress import counting

if TYPE_CHECKING:
    from lookright.audit import Found

_SHOWN = (
    ("auroc", "AUROC"),
    ("changed_answers", "other answers"),
    ("energy_inside_true", "true map inside"),
    ("energy_inside_false", "false map inside"),
    ("energy_inside_difference", "difference inside"),
    ("causal_outside", "causes outside"),
)


@app.command(context_settings=PLAIN)
def audit(
    folder: Annotated[Path, typer.Argument(help="The folder of a run, or of many.")],
    attacks: Annotated[
        str | None, typer.Option(help="Attacks, with commas; all if not given.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Splits, with commas; all but train if not given.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Batches that an attack is taught for.")] = 200,
    images: Annotated[int, typer.Option(min=1, help="At most so many images of a split.")] = 512,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of training images.")] = 0,
    liars: Annotated[
        str, typer.Option(help="Of many runs: objectives that lie, with commas.")
    ] = "fooling",
) -> None:
    """Make the maps of a classifier lie, and see whether it shows.

    Attacks keep the answers and move the maps; the detector judges the classifier before and
    after each. Of a folder of many runs, prints how well it tells honest ones from fooled ones.

    \b
    lookright audit runs/first
    lookright audit runs/first --attacks "whitewash,closed_form target=edge" --split test
    lookright audit runs/pneumonia --steps 100
    """
    options: dict[str, Any] = {
        "attacks": _listed(attacks) or None,
        "splits": _listed(split) or None,
        "steps": steps,
        "most": images,
        "seed": seed,
    }
    if (folder / "run.yaml").is_file() or not folder.is_dir():
        from lookright.audit import audit

        with counting("attacks") as tell:
            audit(folder, **options, tell=tell)
        _show_run(folder)
        typer.echo(f"\n{folder / 'audit.csv'}\nNext: lookright report {folder}")
    else:
        from lookright.audit import audit_bench

        with counting("runs") as tell:
            found = audit_bench(folder, **options, liars=_listed(liars), tell=tell)
        _show_bench(found)
        typer.echo(f"\n{folder / 'audit.csv'}\n{folder / 'detector.csv'}")


def _show_run(folder: Path) -> None:
    """Print one table per split: models down, measures across, and what the detector says."""
    import json

    import polars as pl

    from lookright.cli.tables import show_table

    rows = pl.read_csv(folder / "audit.csv", infer_schema_length=None)
    cells = {(r["attack"], r["split"], r["model"], r["measure"]): r for r in rows.to_dicts()}
    verdicts = json.loads((folder / "audit.json").read_text())["verdicts"]
    first = rows["attack"][0]
    for split in rows["split"].unique(maintain_order=True):
        typer.echo(f"\n{split}")
        lines = []
        for each in (verdict for verdict in verdicts if verdict["split"] == split):
            key = (each["attack"] or first, split, each["model"])
            values = [_number(cells[*key, measure]["value"]) for measure, _ in _SHOWN]
            lines.append([each["attack"] or "before", *values, _verdict(each)])
        show_table(["", *(title for _, title in _SHOWN), "detector"], lines)
        chance = cells[first, split, "before", "energy_inside_chance"]
        typer.echo(f"Of the area, {_number(chance['value'])} is inside.")


def _show_bench(found: "Found") -> None:
    """Print how many models of each kind are flagged, and the AUROC of the detector's score."""
    import polars as pl

    from lookright.cli.tables import show_table

    for (split,), part in found.models.group_by("split", maintain_order=True):
        typer.echo(f"\n{split}")
        kinds = part.group_by("objective", "attack", maintain_order=True).agg(
            pl.len(), pl.col("flagged").sum(), pl.col("score", "changed_answers", "parted").mean()
        )
        lines = [
            [
                each["objective"],
                each["attack"] or "before",
                f"{each['flagged']} of {each['len']}",
                *(_number(each[name]) for name in ("score", "changed_answers", "parted")),
            ]
            for each in kinds.sort("attack", maintain_order=True).to_dicts()
        ]
        show_table(["objective", "attack", "flagged", "score", "other answers", "parted"], lines)
        curves = found.curves.filter(split=split).unique("which", maintain_order=True)
        typer.echo("")
        names = ["which", "honest", "fooled", "auroc"]
        titles = ["fooled models", "honest", "fooled", "AUROC of the detector"]
        lines = [[w, str(h), str(f), _number(a)] for w, h, f, a in curves.select(names).rows()]
        show_table(titles, lines)


def _verdict(verdict: dict[str, Any]) -> str:
    score = _number(verdict["score"])
    return f"LIES, {verdict['direction']} ({score})" if verdict["flagged"] else f"no ({score})"


def _number(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3f}"


def _listed(words: str | None) -> list[str]:
    return [part.strip() for part in (words or "").split(",") if part.strip()]
