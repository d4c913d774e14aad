"""How far along the learning rate is, as a pure function of numbers: nothing to save or resume."""

from math import cos, pi

from lookright.configuration import Schedule

START, END = 1 / 25, 1 / 25e4  # of one_cycle, relative to its peak: Smith and Topin's policy


def factor(schedule: Schedule, share: float, epoch: int, losses: list[float]) -> float:
    """Return what the learning rate is multiplied with.

    `share` in [0, 1] is the part of all steps that is done, `epoch` counts from zero, `losses` are
    the validation losses so far (only `plateau` reads them).
    """
    if share < schedule.warmup:
        return _rise(schedule, share / schedule.warmup)
    after = (share - schedule.warmup) / (1 - schedule.warmup)
    if schedule.name == "cosine":
        return _between(1, 0, after)
    if schedule.name == "one_cycle":
        return _between(1, END, after)
    if schedule.name == "step":
        return schedule.gamma ** (epoch // schedule.step_epochs)
    if schedule.name == "plateau":
        return schedule.gamma ** plateaus(losses, schedule.patience)
    return 1.0


def plateaus(losses: list[float], patience: int) -> int:
    """Count how often the loss went `patience` epochs without a new minimum."""
    best, waited, count = float("inf"), 0, 0
    for loss in losses:
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited > patience:
            count, waited = count + 1, 0
    return count


def _rise(schedule: Schedule, part: float) -> float:
    return _between(START, 1, part) if schedule.name == "one_cycle" else part


def _between(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + cos(pi * part)) / 2
