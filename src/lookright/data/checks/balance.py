"""Who is in which split, and who was asked: classes, splits and the share of annotated images."""

from collections import Counter
from collections.abc import Sequence

import polars as pl
from scipy.stats import chi2_contingency

from lookright.data.checks.finding import Level
from lookright.data.checks.inspection import Inspection
from lookright.errors import Problem

_RARE = 0.01  # a dependence this unlikely by chance is worth a warning
_DIFFERENCE = 0.02  # between annotated shares of classes; less is harmless
_FIRST = {"train": 0, "val": 1}  # the order in which people think of splits
_LIKE_NOTHING = {"na", "n/a", "nan", "none", "null", "?", "-"}


def counts(rows: pl.DataFrame) -> pl.DataFrame:
    """Count images and annotated images by split and label."""
    return (
        rows.group_by("split", "label")
        .agg(pl.len().alias("images"), pl.col("annotated").sum())
        .sort(pl.col("split").replace_strict(_FIRST, default=2), "split", "label")
        .with_columns((pl.col("annotated") / pl.col("images")).alias("share"))
    )


def missing_classes(rows: pl.DataFrame, name: str) -> list[Problem]:
    """Find classes that a split does not have, and splits that training needs."""
    splits = rows["split"].unique().sort().to_list()
    if splits == [""]:
        fix = "`lookright data split` makes them."
        return [Problem("SPLIT-NONE", "There are no splits.", name, fix, "notice")]
    problems = [
        Problem("SPLIT-NONE", f"No image is in {needed!r}.", name, level="warning")
        for needed in ("train", "val")
        if needed not in splits
    ]
    classes = set(rows["label"].unique())
    for split in splits:
        absent = sorted(classes - set(rows.filter(pl.col("split") == split)["label"].unique()))
        for label in absent:
            what = f"Split {split!r} has no image of class {label!r}."
            level: Level = "error" if split == "train" else "warning"
            problems.append(Problem("CLASS-MISSING", what, name, level=level))
    return problems


def unequal_annotation(rows: pl.DataFrame, name: str) -> list[Problem]:
    """Warn when whether an image is annotated depends on its class."""
    asked = (
        rows.group_by("label")
        .agg(pl.col("annotated").sum().alias("yes"), (~pl.col("annotated")).sum().alias("no"))
        .sort("label")
        .with_columns((pl.col("yes") / (pl.col("yes") + pl.col("no"))).alias("share"))
    )
    if len(asked) < 2 or not asked["yes"].sum() or not asked["no"].sum():
        return []
    table = asked.select("yes", "no").to_numpy()
    chance = float(chi2_contingency(table)[1])  # type: ignore[arg-type]
    shares = asked["share"].to_numpy()
    if chance > _RARE or shares.max() - shares.min() < _DIFFERENCE:
        return []
    told = ", ".join(
        f"{label} {share:.1%}" for label, share in asked.select("label", "share").iter_rows()
    )
    what = f"Whether an image is annotated depends on its class: {told}."
    fix = "Guidance, and dropping images without a mask, then favours a class."
    return [Problem("ANNOTATION-CLASS", what, name, fix, "warning")]


def odd_cells(rows: pl.DataFrame, name: str, has_group: bool) -> list[Problem]:
    """Find labels that look like no label, ids with hidden spaces, and a missing group."""
    problems = []
    for label in rows["label"].unique().sort():
        if label.strip().lower() in _LIKE_NOTHING:
            what = f"The label {label!r} looks like a missing value; it is read as a class."
            problems.append(Problem("LABEL-NOTHING", what, name, level="warning"))
    spaced = rows.filter(pl.col("id") != pl.col("id").str.strip_chars())["id"].to_list()
    if spaced:
        what = f"{len(spaced)} ids begin or end with a space, such as {spaced[0]!r}."
        problems.append(Problem("ID-SPACE", what, name, level="warning"))
    if not has_group:
        what = "Without a group column (patient, subject) a leak between splits cannot be seen."
        problems.append(Problem("GROUP-NONE", what, name, level="notice"))
    return problems


def odd_names(rows: pl.DataFrame, name: str) -> list[Problem]:
    """Find file names that some computers cannot hold, and those that need care in a shell."""
    paths = rows["image"]
    portable = r'[<>:"|?*\x00-\x1f]|[^./][ .]+(/|$)|(^|/) '
    rules: tuple[tuple[str, str, str, Level], ...] = (
        ("PATH-PORTABLE", portable, "cannot exist on Windows", "warning"),
        ("PATH-LONG", r"[^/]{201}|^.{241}", "are too long for some systems", "warning"),
        ("PATH-SPACE", " ", "contain spaces", "notice"),
        ("PATH-UNICODE", r"[^\x00-\x7f]", "contain letters beyond ASCII", "notice"),
    )
    problems = []
    for code, pattern, reason, level in rules:
        found = paths.filter(paths.str.contains(pattern))
        if len(found):
            what = f"{len(found)} paths {reason}, such as {found[0]!a}."
            problems.append(Problem(code, what, name, level=level))
    return problems


def mixed(seen: Sequence[Inspection], name: str, declared_bits: bool) -> list[Problem]:
    """Find data sets that mix colours or depths, so that one setting cannot fit all."""
    read = [each for each in seen if each.coloured is not None]
    problems = []
    coloured = sum(bool(each.coloured) for each in read)
    if 0 < coloured < len(read):
        what = f"{coloured} images are in colour and {len(read) - coloured} are grey."
        fix = "Declare data.colours."
        problems.append(Problem("MIXED-COLOURS", what, name, fix, "warning"))
    depths = Counter(each.bits for each in read)
    if len(depths) > 1 and not declared_bits:
        told = ", ".join(f"{bits} in {count}" for bits, count in sorted(depths.items()))
        what = f"The significant bits differ between images: {told}."
        fix = "Declare data.bits, so that equal values mean equal brightness."
        problems.append(Problem("MIXED-BITS", what, name, fix, "warning"))
    return problems
