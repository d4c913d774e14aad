"""Run and bench folders as training and evaluation leave them, made up in a second.

Each method has a character: where its true-class map and its decision look, and how often it is
right at home and where the shortcut is gone. What the report must say of it is then known.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import yaml
from PIL import Image
from safetensors.numpy import save_file

from lookright import stats
from lookright.metrics.summary import summarise

SIDE, CELLS = 48, 7
ANGLES = [-15, -10, -5, 5, 10, 15]
COMPARED = ("auroc", "accuracy", "framing_sensitivity", "framing_decision", "flip_rate")
SPLITS = ("val", "test", "test_shifted")


@dataclass(frozen=True)
class Character:
    map_inside: float  # share of the true-class map's energy on the evidence
    decision_inside: float  # the same of the difference map
    right: dict[str, float]  # accuracy per split
    flips: float = 0.04


PLAIN = Character(0.1, 0.12, {"val": 0.97, "test": 0.95, "test_shifted": 0.1})
LYING = Character(0.75, 0.15, {"val": 0.97, "test": 0.95, "test_shifted": 0.12})
HONEST = Character(0.85, 0.85, {"val": 0.96, "test": 0.94, "test_shifted": 0.8})
METHODS = {"cross_entropy": PLAIN, "cyborg": LYING, "decision_energy": HONEST}


def write_data(folder: Path, classes=("benign", "tumour"), per_split: int = 24) -> Path:
    """Write small pictures with a blob (the evidence) and a bright frame; return the manifest."""
    rows = []
    (folder / "files").mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        for number in range(per_split):
            random = np.random.default_rng([SPLITS.index(split), number])
            name, label = f"{split}-{number:03d}", classes[number % len(classes)]
            mask = blob(random)
            image = 60 + 40 * random.random((SIDE, SIDE)) + 120 * mask
            image[:3] = image[-3:] = 240 if number % 2 else 20
            Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / f"files/{name}.png")
            ink = Image.fromarray((mask > 0.5).astype(np.uint8) * 255)
            ink.save(folder / f"files/{name}-mask.png")
            paths = f"files/{name}.png", f"files/{name}-mask.png" if number % 8 else ""
            rows.append((name, label, split, *paths, "ABC"[number % 3], f"hospital {number % 2}"))
    columns = ["id", "label", "split", "image", "mask", "group", "source"]
    table = pl.DataFrame(rows, schema=columns, orient="row")
    table.write_csv(folder / "manifest.csv")
    return folder / "manifest.csv"


def blob(random: np.random.Generator) -> np.ndarray:
    row, column = random.uniform(0.35, 0.65, 2) * SIDE
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * (SIDE / 7) ** 2))


def write_run(
    folder: Path, manifest: Path, character: Character = HONEST, objective="decision_energy", seed=0
) -> Path:
    """Write a finished, evaluated run of a method with this character."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = pl.read_csv(manifest, schema_overrides={"id": pl.String})
    classes = sorted(rows["label"].unique())
    settings = {
        "name": f"{objective}-{seed}",
        "seed": seed,
        "data": {"manifest": str(manifest), "size": SIDE, "allow_group_overlap": True},
        "model": {"name": "lookright_tiny", "weights": "random"},
        "objective": {"name": objective, "weight": 1.0},
        "training": {"epochs": 6, "batch": 32},
        "evaluation": {"angles": ANGLES},
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    facts = {"versions": {"lookright": "0.1.0", "torch": "2.13.0"}, "data_fingerprint": "ab" * 32}
    (folder / "facts.json").write_text(json.dumps({**facts, "classes": classes}))
    write_metrics(folder, character, seed)
    predictions, maps = outcome(rows, classes, character, seed)
    write_evaluation(folder, predictions, maps, classes)
    return folder


def write_evaluation(folder, predictions, maps, classes) -> None:
    predictions.write_parquet(folder / "predictions.parquet")
    summarise(predictions, classes).write_csv(folder / "results.csv")
    save_file(maps, folder / "maps.safetensors")


def write_metrics(folder: Path, character: Character, seed: int, epochs: int = 6) -> None:
    random = np.random.default_rng([seed, 7])
    with (folder / "metrics.jsonl").open("w") as file:
        for epoch in range(epochs):
            done = 1 - np.exp(-epoch)
            val = {
                "auroc": 0.5 + (character.right["val"] - 0.48) * done + 0.01 * random.normal(),
                "framing_sensitivity": 0.7 + (0.3 - character.map_inside) * done,
            }
            train = {"task": 0.7 - 0.6 * done, "guide": 0.5 - 0.4 * done}
            line = {"epoch": epoch, "step": 20 * epoch, "lr": 0.01, "train": train, "val": val}
            file.write(json.dumps(line) + "\n")


def outcome(rows: pl.DataFrame, classes: list[str], character: Character, seed: int):
    """Make up what the model said and where it looked, image by image."""
    random = np.random.default_rng([seed, len(classes)])
    lines, maps = [], []
    for row in rows.iter_rows(named=True):
        label = classes.index(row["label"])
        right = random.random() < character.right[row["split"]]
        chosen = label if right else (label + 1) % len(classes)
        logits = random.normal(0, 0.4, len(classes))
        logits[chosen] += 3
        probabilities = np.exp(logits) / np.exp(logits).sum()
        annotated = bool(row["mask"])
        maps.append(_maps(row, character, annotated, random))
        lines.append(
            _line(row, classes, chosen, probabilities, maps[-1], annotated, random, character)
        )
    stacked = {name: np.stack([each[name] for each in maps]) for name in maps[0]}
    return pl.DataFrame(lines), {name: each.astype(np.float32) for name, each in stacked.items()}


def _maps(row, character: Character, annotated: bool, random) -> dict[str, np.ndarray]:
    rows, columns = np.mgrid[:CELLS, :CELLS]
    inside = np.exp(-((rows - 3) ** 2 + (columns - 3) ** 2) / 2.5)
    ring = (rows == 0) | (rows == CELLS - 1) | (columns == 0) | (columns == CELLS - 1)
    inside, edge = inside / inside.sum(), ring / ring.sum()
    noise = random.normal(0, 0.004, (2, CELLS, CELLS))

    def look(share: float) -> np.ndarray:
        return 20 * (share * inside + (1 - share) * edge)

    difference = look(character.decision_inside) + noise[0]
    true = look(character.map_inside) + noise[1] - 0.1
    human = inside / inside.max() if annotated else np.full((CELLS, CELLS), np.nan)
    return {"true": true, "false": true - difference, "difference": difference, "human": human}


def _line(row, classes, chosen, probabilities, maps, annotated, random, character) -> dict:
    undefined = float("nan")
    framing = np.clip(1 - character.map_inside + random.normal(0, 0.05), 0, 1)
    decision = np.clip(1 - character.decision_inside + random.normal(0, 0.05), 0, 1)
    flips = {f"flip_{a}": float(random.random() < character.flips * abs(a) / 10) for a in ANGLES}
    control = {f"control_{a}": float(random.random() < character.flips / 2) for a in ANGLES}
    return {
        "id": row["id"],
        "split": row["split"],
        "label": row["label"],
        "predicted": classes[chosen],
        **{f"p_{name}": float(p) for name, p in zip(classes, probabilities, strict=True)},
        "annotated": annotated,
        "group": row["group"],
        "source": row["source"],
        "framing_sensitivity": framing if annotated else undefined,
        "framing_sensitivity_true": framing if annotated else undefined,
        "framing_decision": decision if annotated else undefined,
        "framing_chance": 0.8 if annotated else undefined,
        "energy_pointing": 1 - framing if annotated else undefined,
        "pointing_game": float(framing < 0.5) if annotated else undefined,
        "iou": 0.4 if annotated else undefined,
        **flips,
        **control,
        **{f"dp_{a}": abs(a) / 300 for a in ANGLES},
    }


def write_bench(
    folder: Path, manifest: Path, methods: dict[str, Character] = METHODS, seeds=(0, 1, 2)
) -> Path:
    """Write a finished bench: a run for each method and seed, and their comparison."""
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
        for seed in seeds:
            run = write_run(folder / label / f"seed-{seed}", manifest, character, label, seed)
            cell = {"key": f"{label}{seed}", "label": label, "seed": seed, "status": "done"}
            cells.append({**cell, "folder": f"{label}/seed-{seed}", "seconds": 4.2, "reason": ""})
            front = [pl.lit(label).alias("objective"), pl.lit(seed).alias("seed")]
            results = pl.read_csv(run / "results.csv", schema_overrides={"value_of": pl.String})
            parts.append(results.select(*front, pl.all()))
    (folder / "cells.jsonl").write_text("".join(json.dumps(cell) + "\n" for cell in cells))
    results = pl.concat(parts)
    results.write_csv(folder / "results.csv")
    compared = results.filter(pl.col("measure").is_in(COMPARED))
    stats.compare(compared).write_csv(folder / "comparison.csv")
    return folder
