"""Lines about these trained networks on other images, or other patients."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from lookright.aligned import Block, Pairs, average, per_image, ranking_names, rankings
from lookright.head_to_head.line import Line
from lookright.stats import FEWEST, bootstrap, crossed, delong, mcnemar
from lookright.stats.estimate import Estimate
from lookright.stats.tested import Tested, by_normal

Matrix = Float[np.ndarray, "_ _"]
Runs = Float[np.ndarray, "runs images"]
Flags = Bool[np.ndarray, "runs images"]


@dataclass(frozen=True)
class Match:
    """Who is compared with whom on one block: means over seeds, and pairs with the same seed."""

    block: Block

    @cached_property
    def places(self) -> dict[str, dict[int, int]]:
        """Where each objective's run of each seed stands among the block's runs."""
        found: dict[str, dict[int, int]] = {}
        for place, entry in enumerate(self.block.entries):
            found.setdefault(entry.objective, {})[entry.seed] = place
        return found

    @cached_property
    def baseline(self) -> str:
        """The first objective."""
        return next(iter(self.places))

    @cached_property
    def paired(self) -> dict[str, dict[int, tuple[int, int]]]:
        """For each other objective and seed that the baseline has too: the two runs."""
        base = self.places[self.baseline]
        every = {
            name: {seed: (place, base[seed]) for seed, place in seeds.items() if seed in base}
            for name, seeds in self.places.items()
            if name != self.baseline
        }
        return {name: seeds for name, seeds in every.items() if seeds}

    @property
    def pairs(self) -> Pairs:
        """All pairs of runs, objective after objective."""
        return [pair for seeds in self.paired.values() for pair in seeds.values()]

    def scores_of(self, objective: str) -> list[int]:
        """Say which scores of an estimate are the objective's own."""
        return list(self.places[objective].values())

    def differences_of(self, objective: str) -> list[int]:
        """Say which scores of an estimate are the objective's differences to the baseline."""
        names = [name for name, seeds in self.paired.items() for _ in seeds]
        start = len(self.block.entries)
        return [start + place for place, name in enumerate(names) if name == objective]


@dataclass(frozen=True)
class Measured:
    """A measure of all runs and pairs of a block."""

    match: Match
    measure: str
    each: Estimate  # runs, then pairs
    is_ranking: bool

    @cached_property
    def covariance(self) -> Matrix:
        """Between runs and pairs, over images."""
        return self.each.covariance(self.block.units)

    @property
    def block(self) -> Block:
        """The images."""
        return self.match.block

    def line(
        self, objective: str, seed: int | None, over: str, how: str, found: Tested, count: int
    ) -> Line:
        """Make a line about an objective's own value."""
        block = self.block
        return Line(
            block.split, block.fold, self.measure, objective, seed, "", over, how, found, count
        )

    def against(
        self, objective: str, seed: int | None, over: str, how: str, found: Tested, count: int
    ) -> Line:
        """Make a line about an objective's difference to the baseline."""
        block, base = self.block, self.match.baseline
        return Line(
            block.split, block.fold, self.measure, objective, seed, base, over, how, found, count
        )


def lines_over_images(aligned: Sequence[Block], measures: Sequence[str]) -> list[Line]:
    """Compare the runs of each block in every measure, as means over seeds and seed by seed.

    AUROCs: DeLong and, where there are not too many images, BCa. Averages: BCa and the z test of
    paired differences; accuracies of two runs: McNemar. From three seeds: seeds and images at
    once.
    """
    matches = {id(block): Match(block) for block in aligned}
    found: dict[int, list[Line]] = {id(block): [] for block in aligned}
    ranked = ranking_names(aligned[0].classes)
    for block in aligned if any(name in ranked for name in measures) else ():
        match = matches[id(block)]
        for name, each in rankings(block, match.pairs):
            if name in measures:
                found[id(block)] += _ranked(Measured(match, name, each, True))
    for block, name, values in per_image(aligned, [n for n in measures if n not in ranked]):
        match = matches[id(block)]
        measured = Measured(match, name, average(block, values, match.pairs), False)
        found[id(block)] += _averaged(measured, values)
    return [line for lines in found.values() for line in lines]


def _averaged(measured: Measured, values: Runs) -> Iterator[Line]:
    yield from _means(measured)
    if measured.measure == "accuracy":
        yield from _mcnemar(measured, values > 0)
    yield from _crossed(measured)


def _ranked(measured: Measured) -> Iterator[Line]:
    yield from _means(measured)
    if any(len(seeds) > 1 for seeds in measured.match.places.values()):
        yield from _seed_by_seed(measured)
    yield from _crossed(measured)


def _means(measured: Measured) -> Iterator[Line]:
    match, units = measured.match, measured.block.units
    rows = [(name, match.scores_of(name), False) for name in match.places]
    rows += [(name, match.differences_of(name), True) for name in match.paired]
    both = measured.each.combined(_averages([places for _, places, _ in rows], measured.each))
    spreads, resamples = np.diag(both.covariance(units)), bootstrap.affordable(both)
    resampled = bootstrap.intervals(both, units, resamples) if resamples else [None] * len(rows)
    values, counts = both.values, both.counts
    for (name, _, is_pair), value, spread, count, again in zip(
        rows, values, spreads, counts, resampled, strict=True
    ):
        make = measured.against if is_pair else measured.line
        found = _by_theory(measured, float(value), float(spread), is_pair)
        how = "DeLong" if measured.is_ranking else "paired z" if is_pair else "normal"
        yield make(name, None, units.name, how, found, int(count))
        if again:
            how = f"BCa, {resamples} resamples"
            yield make(name, None, units.name, how, again, int(count))


def _seed_by_seed(measured: Measured) -> Iterator[Line]:
    match, each, units = measured.match, measured.each, measured.block.units
    spreads = np.diag(measured.covariance)
    values, counts = each.values, each.counts
    for is_pair, make, seeds_of, places_of in (
        (False, measured.line, match.places, match.scores_of),
        (True, measured.against, match.paired, match.differences_of),
    ):
        for name, seeds in seeds_of.items():
            for seed, place in zip(seeds, places_of(name), strict=True):
                value, spread = float(values[place]), float(spreads[place])
                found = _by_theory(measured, value, spread, is_pair)
                yield make(name, seed, units.name, "DeLong", found, int(counts[place]))


def _mcnemar(measured: Measured, right: Flags) -> Iterator[Line]:
    several = len(right) > len(measured.match.places)
    for name, seeds in measured.match.paired.items():
        for seed, (one, two) in seeds.items():
            found = mcnemar.compare(right[one], right[two])
            label = seed if several else None
            yield measured.against(name, label, "images", "McNemar exact", found, right.shape[1])


def _crossed(measured: Measured) -> Iterator[Line]:
    match, units, values = measured.match, measured.block.units, measured.each.values
    for make, names, places_of in (
        (measured.line, match.places, match.scores_of),
        (measured.against, match.paired, match.differences_of),
    ):
        for name in names:
            places = places_of(name)
            if len(places) >= FEWEST:
                spread = measured.covariance[np.ix_(places, places)]
                found = crossed.over_both(values[places], spread)
                over = f"seeds and {units.name}"
                yield make(name, None, over, "Obuchowski-Rockette", found, len(places))


def _by_theory(measured: Measured, value: float, spread: float, is_pair: bool) -> Tested:
    if is_pair:
        return by_normal(value, spread)
    if not measured.is_ranking:
        plain = by_normal(value, spread)
        return Tested(value, plain.low, plain.high, note=plain.note)
    strata = np.bincount(measured.block.units.strata, minlength=len(measured.block.classes))
    positives = int(strata[1:].min())
    return delong.within_bounds(value, spread, positives, int(strata.sum()) - positives)


def _averages(places: Sequence[list[int]], each: Estimate) -> Matrix:
    matrix = np.zeros((len(places), len(each.values)))
    for row, chosen in zip(matrix, places, strict=True):
        row[chosen] = 1 / len(chosen)
    return matrix
