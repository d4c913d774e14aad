"""Which splits a result is judged on, and which of them is away from home."""

from collections.abc import Mapping, Sequence

LEARNED_ON = ("train", "val", "valid", "validation")  # never judged when there is anything else


def ordered(splits: Sequence[str]) -> list[str]:
    """Put the splits that judge first, `test` before all, and those learned on last."""
    return sorted(splits, key=lambda name: (name in LEARNED_ON, name != "test", name))


def judged(splits: Sequence[str]) -> list[str]:
    """Keep the splits that nothing was chosen on; all of them if there is no such split."""
    return [name for name in ordered(splits) if name not in LEARNED_ON] or ordered(splits)


def farthest(splits: Sequence[str], scores: Mapping[str, float]) -> str:
    """Return the judged split on which the baseline does worst: there a shortcut shows."""
    candidates = judged(splits)
    known = [name for name in candidates if scores.get(name, float("nan")) == scores.get(name)]
    return min(known, key=lambda name: scores[name], default=candidates[0])
