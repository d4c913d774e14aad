"""What later stages leave in a folder, made up: changed images, explainers, audits, folds."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import yaml

from folders import (
    HONEST,
    LYING,
    METHODS,
    PLAIN,
    SIDE,
    Character,
    write_run,
)
from lookright.bench.folds import compared
from lookright.metrics.changes import summarise_changes
from lookright.metrics.summary import summarise

TAKES = ("occlude_inside", "background_only")
LEAVES = ("occlude_outside", "foreground_only", "background_swap", "border_paint", "text_marker")
TELLING = Character(0.55, 0.4, {"val": 0.96, "test": 0.95, "test_shifted": 0.5})


def write_whole_run(folder: Path, manifest: Path, character=HONEST, objective="energy", seed=0):
    """Write a run that was evaluated with every change of the image."""
    write_run(folder, manifest, character, objective, seed)
    add_changes(folder, character, seed)
    return folder


def add_changes(folder: Path, character: Character, seed: int = 0) -> None:
    """Give a run what changed images say of it: it falls by what its decision stands on."""
    classes = json.loads((folder / "facts.json").read_text())["classes"]
    table = pl.read_parquet(folder / "predictions.parquet")
    random = np.random.default_rng([seed, 99])
    columns, changed = {}, []
    for name in (*TAKES, *LEAVES):
        stands = character.decision_inside if name in TAKES else 1 - character.decision_inside
        share = 0.2 * stands if name in ("border_paint", "text_marker") else stands
        after = _weakened(table, classes, share, random)
        changed.append(_answers(table, classes, after, name))
        chosen = [classes.index(label) for label in table["predicted"]]
        before = table.select(f"p_{each}" for each in classes).to_numpy()
        at = np.arange(len(table))
        columns[f"drop_{name}"] = before[at, chosen] - after[at, chosen]
        columns[f"changed_{name}"] = (after.argmax(1) != chosen).astype(float)
        columns[f"area_{name}"] = np.full(len(table), 0.4)
    noise = random.normal(0, 0.05, len(table))
    asked = table["annotated"].to_numpy()
    outside = np.where(asked, (1 - character.decision_inside + noise).clip(0, 1), np.nan)
    columns["causal_outside"] = outside
    columns["gap"] = table["framing_sensitivity"].to_numpy() - outside
    columns["gap_decision"] = table["framing_decision"].to_numpy() - outside
    table = table.with_columns(pl.Series(name, values) for name, values in columns.items())
    table.write_parquet(folder / "predictions.parquet")
    results = summarise(table, classes)
    extra = summarise_changes(table, pl.concat(changed), classes, results)
    pl.concat([results, extra]).write_csv(folder / "results.csv")


def _weakened(table, classes, share, random) -> np.ndarray:
    before = table.select(f"p_{each}" for each in classes).to_numpy()
    lost = np.clip(share + random.normal(0, 0.15, len(table)), 0, 1)[:, None]
    return before * (1 - lost) + lost * random.dirichlet(np.ones(len(classes)), len(table))


def _answers(table, classes, after, name) -> pl.DataFrame:
    images = table.select("id", "split").with_columns(intervention=pl.lit(name))
    return images.with_columns(
        pl.Series(f"p_{each}", after[:, index]) for index, each in enumerate(classes)
    )


def write_faithfulness(folder: Path, splits=("test", "test_shifted")) -> None:
    """Write the averages of three explainers."""
    rows = [
        (split, who, name, 0.3 + 0.1 * number, 24, 0, 0.1 * number, 0.05, 0.15, 24)
        for split in splits
        for number, who in enumerate(("cam", "gradient", "random"))
        for name in ("deletion", "insertion", "drop", "increase", "framing_sensitivity")
    ]
    names = ["split", "explainer", "measure", "value", "count", "undefined"]
    names += ["gap", "gap_low", "gap_high", "gap_count"]
    pl.DataFrame(rows, schema=names, orient="row").write_csv(folder / "faithfulness.csv")


def write_audit(folder: Path) -> None:
    """Write an audit in which the map moves and the answers stay."""
    rows = [
        (attack, "test", model, name, value, value - 0.02, value + 0.02)
        for attack in ("edge_ring", "closed_form")
        for name, pair in {"auroc": (0.91, 0.9), "energy_inside_true": (0.6, 0.05)}.items()
        for model, value in zip(("before", "after"), pair, strict=True)
    ]
    names = ["attack", "split", "model", "measure", "value", "low", "high"]
    pl.DataFrame(rows, schema=names, orient="row").write_csv(folder / "audit.csv")


def write_whole_bench(
    folder: Path, manifest: Path, methods=METHODS, seeds=(0, 1, 2), folds=("",)
) -> Path:
    """Write a bench of such runs, over folds if any are named."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "name": "planted frame",
        "data": {"manifest": str(manifest), "size": SIDE},
        "model": {"name": "lookright_tiny"},
        "bench": {"objectives": list(methods), "seeds": list(seeds), "jobs": 1},
    }
    (folder / "bench.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    parts, cells = [], []
    for label, character in methods.items():
        for place, fold in enumerate(folds):
            for seed in seeds:
                inner = "/".join(filter(None, [label, fold, f"seed-{seed}"]))
                number = seed + 100 * place
                run = write_whole_run(folder / inner, manifest, character, label, number)
                cell = {"key": inner, "label": label, "seed": seed, "status": "done"}
                cells.append({**cell, "folder": inner, "seconds": 4.2, "reason": ""})
                front = {"objective": label, "seed": seed, "fold": fold}
                table = pl.read_csv(run / "results.csv", schema_overrides={"value_of": pl.String})
                names = (pl.lit(value).alias(name) for name, value in front.items())
                parts.append(table.select(*names, pl.all()))
    (folder / "cells.jsonl").write_text("".join(json.dumps(cell) + "\n" for cell in cells))
    results = pl.concat(parts)
    results.write_csv(folder / "results.csv")
    compared(results).write_csv(folder / "comparison.csv")
    return folder


EIGHT = {
    "cross_entropy": PLAIN,
    "cyborg": LYING,
    "decision_energy": HONEST,
    "contrast": TELLING,
    "difference": Character(0.5, 0.55, {"val": 0.95, "test": 0.93, "test_shifted": 0.55}),
    "adversarial": Character(0.3, 0.3, {"val": 0.96, "test": 0.95, "test_shifted": 0.3}),
    "energy": Character(0.9, 0.7, {"val": 0.94, "test": 0.9, "test_shifted": 0.7}),
    "suppress_all": Character(0.2, 0.35, {"val": 0.97, "test": 0.95, "test_shifted": 0.35}),
}
