"""Two runs on the same images: what guidance changed, for better and for worse."""

from dataclasses import dataclass

import polars as pl

from lookright.report.album import Album, Bar, shared
from lookright.report.gallery import Exhibit, Gallery, Side, ranked, rival_name
from lookright.report.records import RunRecords
from lookright.report.words import number, signed

REASON = "framing_decision"  # what decides, rather than what the class map shows


@dataclass(frozen=True)
class Seen:
    """A run as one of the two sides."""

    run: RunRecords
    label: str  # its objective
    kind: str  # its colour


def galleries(plain: Seen, guided: Seen, album: Album, split: str, most: int) -> list[Gallery]:
    """Show the images whose true class gained and lost most, and the right for a wrong reason."""
    if not most or not plain.run.maps or not guided.run.maps:
        return []
    rows = paired(plain.run.predictions, guided.run.predictions, split)
    right = rows.filter(pl.col("predicted_b") == pl.col("label"))
    reason = REASON if f"{REASON}_b" in rows.columns else "framing_sensitivity"
    chosen = [
        (
            "Most improved",
            f"The true class becomes most more probable from {plain.label} to {guided.label}.",
            ranked(rows.filter(pl.col("change") > 0), "change", most, highest=True),
        ),
        (
            "Most harmed",
            f"The true class becomes most less probable from {plain.label} to {guided.label}.",
            ranked(rows.filter(pl.col("change") < 0), "change", most, highest=False),
        ),
        (
            "Right for the wrong reason",
            f"Right answers of {guided.label} whose decision comes most from outside the evidence.",
            ranked(right, f"{reason}_b", most, highest=True),
        ),
    ]
    return [_gallery((plain, guided), album, *each) for each in chosen]


def _gallery(
    both: tuple[Seen, Seen], album: Album, title: str, about: str, picked: pl.DataFrame
) -> Gallery:
    rows = picked.to_dicts()
    bars = tuple(
        _bars(seen, [row[key] for row in rows])
        for seen, key in zip(both, ("row", "row_b"), strict=True)
    )
    exhibits = tuple(_exhibit(both, album, row, bars) for row in rows)
    return Gallery(title, about, exhibits, tuple(bar for pair in bars for bar in pair))


def _bars(seen: Seen, rows: list[int]) -> tuple[Bar, Bar]:
    """Give each model scales of its own: the size of one's logits says nothing of another's."""
    true, difference = (
        [[seen.run.maps[name][row]] for row in rows] for name in ("true", "difference")
    )
    return (
        shared(true, "evidence", seen.label, seen.kind),
        shared(difference, "difference", seen.label, seen.kind),
    )


def paired(plain: pl.DataFrame, guided: pl.DataFrame, split: str) -> pl.DataFrame:
    """Join two runs' predictions image by image; the second one's columns end in _b.

    `change` is how much more probable the second run holds the true class.
    """
    tables = []
    for predictions in (plain, guided):
        rows = predictions.filter(pl.col("split") == split)
        rows = rows.with_columns(true_p=true_probability(rows))
        kept = ["id", "row", "label", "predicted", "true_p", "framing_sensitivity", REASON]
        tables.append(rows.select([name for name in kept if name in rows.columns]))
    joined = tables[0].join(tables[1], on="id", suffix="_b", how="inner", maintain_order="left")
    return joined.with_columns(change=pl.col("true_p_b") - pl.col("true_p"))


def true_probability(predictions: pl.DataFrame) -> pl.Expr:
    """Return the probability that each image's own label was given."""
    given = [name for name in predictions.columns if name.startswith("p_")]
    named = [pl.when(pl.col("label") == name[2:]).then(pl.col(name)) for name in given]
    return pl.coalesce([*named, pl.lit(None, pl.Float64)])


def _exhibit(
    both: tuple[Seen, Seen], album: Album, row: dict, bars: tuple[tuple[Bar, Bar], ...]
) -> Exhibit:
    name, label = row["id"], row["label"]
    sides = (
        Side((album.image(name),)),
        _side(both[0], album, row, "", bars[0]),
        _side(both[1], album, row, "_b", bars[1]),
    )
    before, after = number(row["true_p"], 2), number(row["true_p_b"], 2)
    words = f"{label}, its probability {before} → {after} ({signed(row['change'], 2)})"
    return Exhibit(name, words, sides)


def _side(seen: Seen, album: Album, row: dict, end: str, bars: tuple[Bar, Bar]) -> Side:
    name, label, index = row["id"], row["label"], row[f"row{end}"]
    maps, rival = seen.run.maps, rival_name(seen.run.classes, label)
    tiles = (
        album.map(name, maps["true"][index], label, bars[0]),
        album.map(name, maps["difference"][index], f"{label} − {rival}", bars[1]),
    )
    return Side(tiles, f"{seen.label}: {row[f'predicted{end}']}", seen.kind)
