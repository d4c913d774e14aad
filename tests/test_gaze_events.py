"""Fixations in raw samples: against brute force."""

import numpy as np
import pytest

from gaze_tables import read, table
from lookright.data.gaze import events
from lookright.errors import ConfigError


def slow_dispersed(time, x, y, most, shortest, gap):
    """Try every start and every end."""
    found, first = [], 0
    while first < len(time):
        good = []
        for last in range(first, len(time)):
            run = slice(first, last + 1)
            if np.ptp(x[run]) + np.ptp(y[run]) > most or (np.diff(time[run]) > gap).any():
                break
            good.append(last)
        if time[good[-1]] - time[first] >= shortest:
            found.append((first, good[-1]))
            first = good[-1] + 1
        else:
            first += 1
    return found


def slow_by_velocity(time, x, y, fastest, shortest, gap):
    def moves(i):
        step = time[i] - time[i - 1]
        return step > gap or np.hypot(x[i] - x[i - 1], y[i] - y[i - 1]) > fastest * step / 1000

    runs = [[0]]
    for i in range(1, len(time)):
        if moves(i):
            runs.append([i])
        else:
            runs[-1].append(i)
    return [(r[0], r[-1]) for r in runs if len(r) > 1 and time[r[-1]] - time[r[0]] >= shortest]


@pytest.mark.parametrize("seed", range(6))
def test_events_are_those_that_brute_force_finds(seed):
    random = np.random.default_rng(seed)
    rests = np.repeat(random.uniform(0, 300, (12, 2)), random.integers(1, 40, 12), axis=0)
    x, y = (rests + random.normal(0, 2, rests.shape)).T
    time = np.cumsum(random.choice([4.0, 4.0, 4.0, 90.0], len(x)))
    found = events.dispersed(time, x, y, 18.0, 30.0, 75.0)
    assert [tuple(each) for each in found] == slow_dispersed(time, x, y, 18.0, 30.0, 75.0)
    found = events.slow(time, x, y, 1500.0, 30.0, 75.0)
    assert [tuple(each) for each in found] == slow_by_velocity(time, x, y, 1500.0, 30.0, 75.0)
    assert len(found)


def test_no_sample_is_no_fixation():
    none = np.zeros(0)
    assert len(events.slow(none, none, none, 1, 1, 1)) == 0
    assert len(events.dispersed(none, none, none, 1, 1, 1)) == 0


@pytest.mark.parametrize("by", [{"dispersion": 10}, {"by": "velocity", "velocity": 500}])
def test_raw_samples_become_the_map_of_their_fixations(tmp_path, by):
    lines = [
        f"a,{o},{x},{y},{t}"
        for o, x, y, t0 in ((1, 10, 10, 0), (1, 40, 20, 300), (2, 5, 5, 0))
        for x, y, t in [(x, y, t0 + 10 * k) for k in range(21)]
    ]
    lines.append("a,1,,,1000")
    path = table(tmp_path, "\n".join(["image,observer,x,y,time", *lines]))
    (drawn,), _ = read("gaze_samples", path, sigma=3, weight="duration", **by)
    text = "image,observer,x,y,duration\na,1,10,10,200\na,1,40,20,200\na,2,5,5,200\n"
    (expected,), _ = read("fixations", table(tmp_path, text, "f.csv"), sigma=3)
    np.testing.assert_allclose(drawn.map((60, 40)), expected.map((60, 40)), rtol=1e-5)
    with pytest.raises(ConfigError, match="ERR-GAZE-EVENTS"):
        read("gaze_samples", path, sigma=3)
