"""Which images are worth showing, and what is shown of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from lookright.report.album import Album, Bar, Tile, shared
from lookright.report.records import RunRecords
from lookright.report.words import number, percent


@dataclass(frozen=True)
class Side:
    """Tiles that belong together: the image alone, or what one model says of it."""

    tiles: tuple[Tile, ...]
    name: str = ""
    kind: str = ""  # the model's colour


@dataclass(frozen=True)
class Exhibit:
    """One image: its tiles, and what was said of it."""

    name: str
    words: str
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Gallery:
    """Some images that make one point."""

    title: str
    about: str
    exhibits: tuple[Exhibit, ...]
    bars: tuple[Bar, ...]


def run_galleries(run: RunRecords, album: Album, splits: Sequence[str], most: int) -> list[Gallery]:
    """Show where a run is right for the wrong reason, where it is wrong, and where it is best."""
    if not run.maps or not most:
        return []
    rows = run.predictions.filter(pl.col("split").is_in(list(splits)))
    right, wrong = _by_outcome(rows)
    chosen = [
        (
            "Right for the wrong reason",
            "Right answers whose map lies farthest outside the evidence.",
            ranked(right, "framing_sensitivity", most, highest=True),
        ),
        (
            "Wrong",
            "Wrong answers given with the most confidence.",
            ranked(_with_confidence(wrong, run.classes), "confidence", most, highest=True),
        ),
        (
            "Right for the right reason",
            "Right answers whose map lies farthest inside the evidence.",
            ranked(right, "framing_sensitivity", most, highest=False),
        ),
    ]
    return [_gallery(run, album, *each) for each in chosen]


def _gallery(
    run: RunRecords, album: Album, title: str, about: str, picked: pl.DataFrame
) -> Gallery:
    rows = picked.to_dicts()
    both = [[run.maps[name][row["row"]] for name in ("true", "false")] for row in rows]
    apart = [[run.maps["difference"][row["row"]]] for row in rows]
    bars = (shared(both, "evidence"), shared(apart, "difference"))
    return Gallery(title, about, tuple(_exhibit(run, album, row, bars) for row in rows), bars)


def _by_outcome(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    is_right = pl.col("predicted") == pl.col("label")
    return rows.filter(is_right), rows.filter(~is_right)


def ranked(rows: pl.DataFrame, by: str, most: int, highest: bool) -> pl.DataFrame:
    """Take the first rows by a column; rows where it is undefined do not take part."""
    if by not in rows.columns:
        return rows.head(0)
    known = rows.filter(pl.col(by).is_finite())
    return known.sort([by, "id"], descending=[highest, False]).head(most)


def _with_confidence(rows: pl.DataFrame, classes: Sequence[str]) -> pl.DataFrame:
    given = [f"p_{name}" for name in classes if f"p_{name}" in rows.columns]
    return rows.with_columns(confidence=pl.max_horizontal(given) if given else pl.lit(None))


def _exhibit(run: RunRecords, album: Album, row: dict, bars: tuple[Bar, Bar]) -> Exhibit:
    evidence, difference = bars
    name, index, label = row["id"], row["row"], row["label"]
    rival = rival_name(run.classes, label)
    tiles = (
        album.image(name),
        album.map(name, run.maps["true"][index], f"for {label} (true)", evidence),
        album.map(name, run.maps["false"][index], f"for {rival}", evidence),
        album.map(name, run.maps["difference"][index], f"{label} − {rival}", difference),
    )
    given = row.get(f"p_{row['predicted']}")
    framing = row.get("framing_sensitivity")
    words = f"{label}, answered {row['predicted']} ({number(given, 2)})"
    if framing is not None and framing == framing:
        words += f" · {percent(framing)} of the map outside"
    return Exhibit(name, f"{row['split']} · {words}", (Side(tiles),))


def rival_name(classes: Sequence[str], label: str) -> str:
    """Say what a label is held against: the other class, or all others."""
    others = [name for name in classes if name != label]
    return others[0] if len(others) == 1 else "the others"
