"""Files of later stages that a folder may hold: explainers compared, audits, annotation costs."""

import gzip
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from markupsafe import Markup

from lookright.pictures import data_uri
from lookright.report.glossary import measure
from lookright.report.privacy import without_folders
from lookright.report.tables import Cell, Table, paged
from lookright.report.words import number, signed

PLAIN = 600_000  # bytes of a table that is carried as it is
LARGEST = 1_500_000  # bytes that are carried at most
PICTURE = 3_000_000


@dataclass(frozen=True)
class Download:
    """A table that the page itself carries."""

    name: str
    uri: str
    size: str


def downloads(folder: Path, names: tuple[str, ...]) -> list[Download]:
    """Carry the tables that are there, without folders in their texts; large ones compressed."""
    found = []
    for name in names:
        rows = _read(folder / name)
        if rows is not None:
            found.append(_download(name, rows.write_csv().encode()))
    return [each for each in found if each]


def _download(name: str, text: bytes) -> Download | None:
    kind = "text/csv"
    if len(text) > PLAIN:
        # No time in it: the same tables give the same page.
        name, text, kind = f"{name}.gz", gzip.compress(text, mtime=0), "application/gzip"
    if len(text) > LARGEST:
        return None
    uri = f"data:{kind};base64,{b64encode(text).decode()}"
    return Download(name, uri, f"{max(1, round(len(text) / 1000)):,} kB")


def faithfulness(folder: Path) -> list[Table]:
    """List what faithfulness.csv says of each explainer, one table per split."""
    rows = _read(folder / "faithfulness.csv")
    if rows is None or not {"split", "explainer", "measure", "value"} <= set(rows.columns):
        return []
    tables = []
    for (split,), part in rows.group_by("split", maintain_order=True):
        names = part["measure"].unique(maintain_order=True).to_list()
        cells = {(row["explainer"], row["measure"]): row for row in part.iter_rows(named=True)}
        lines = [
            [Cell(who), *(_explained(cells.get((who, name))) for name in names)]
            for who in part["explainer"].unique(maintain_order=True)
        ]
        head = ["explainer", *(FAITHFUL.get(name) or measure(name).title for name in names)]
        tables.append(paged(f"Explainers, {split}", head, lines))
    return tables


FAITHFUL = {
    "deletion": "deletion ↓",
    "insertion": "insertion ↑",
    "drop": "average drop ↓",
    "increase": "average increase ↑",
    "framing_sensitivity": "outside",
    "energy_pointing": "energy inside",
    "randomised_head": "alike, random head ↓",
    "randomised_all": "alike, random weights ↓",
}


def _explained(row: dict | None) -> Cell:
    if row is None:
        return Cell(number(None))
    gap = _float(row.get("gap"))
    return Cell(number(_float(row["value"])), f"gap {signed(gap, 2)}" if gap else "")


AUDITED = {
    "auroc": "AUROC",
    "changed_answers": "other answers",
    "energy_inside_true": "true map inside",
    "energy_inside_false": "false map inside",
    "energy_inside_difference": "difference map inside",
    "causal_outside": "effect of the outside",
}


def audit(folder: Path) -> Table | None:
    """List what audit.csv says before and after each attack; all its measures are in the file."""
    rows = _read(folder / "audit.csv")
    if rows is None or not {"attack", "split", "model", "measure", "value"} <= set(rows.columns):
        return None
    names = [name for name in AUDITED if name in set(rows["measure"])]
    cells = {(*_key(row), row["model"]): row for row in rows.iter_rows(named=True)}
    lines = [
        [Cell(split), Cell(attack), *(_moved(cells, (attack, split, name)) for name in names)]
        for attack, split in sorted(
            rows.select("attack", "split").unique().rows(), key=lambda pair: pair[::-1]
        )
    ]
    head = ["split", "attack", *(AUDITED[name] for name in names)]
    caption = "Passive fooling: the same classifier before → after, 95 % interval afterwards"
    return paged(caption, head, lines, 2)


def _key(row: dict) -> tuple[str, str, str]:
    return row["attack"], row["split"], row["measure"]


def _moved(cells: dict, key: tuple[str, str, str]) -> Cell:
    """Write what a measure was and what it became; all of them are shares."""
    before, after = (cells.get((*key, model), {}) for model in ("before", "after"))
    written = " → ".join(number(_float(row.get("value"))) for row in (before, after))
    low, high = _float(after.get("low")), _float(after.get("high"))
    if low is None or high is None or low != low or high != high:
        return Cell(written)
    return Cell(written, f"{number(max(low, 0))} to {number(min(high, 1))}")


def economics(folder: Path) -> tuple[Markup | None, Table | None]:
    """Show the picture and the table of what annotation buys, where they were made."""
    picture = folder / "economics.svg"
    drawn = None
    if picture.exists() and picture.stat().st_size <= PICTURE:
        # As an image, not as markup: what a drawing of others contains cannot run or load.
        uri = data_uri(picture.read_bytes(), "image/svg+xml")
        alt = "Gain over training without maps against the share and the quality of human maps"
        drawn = Markup('<img class="plate" src="{}" alt="{}">').format(uri, alt)
    rows = _read(folder / "economics.csv")
    return drawn, None if rows is None else _plain("What human maps buy", rows)


def _plain(caption: str, rows: pl.DataFrame) -> Table:
    head = [name.replace("_", " ") for name in rows.columns]
    lines = [[Cell(_written(value)) for value in row] for row in rows.rows()]
    return paged(caption, head, lines)


def _written(text: str) -> str:
    """Shorten numbers; whatever is no number stays as it is."""
    value = _float(text)
    if value is None:
        return text
    return text if text.lstrip("-").isdigit() else number(value)


def _float(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _read(path: Path) -> pl.DataFrame | None:
    return _clean(pl.read_csv(path, infer_schema=False)) if path.exists() else None


def _clean(rows: pl.DataFrame) -> pl.DataFrame:
    texts = pl.col(pl.String).fill_null("")
    return rows.with_columns(texts.map_elements(without_folders, return_dtype=pl.String))
