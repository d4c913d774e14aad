"""Which epoch is kept, and by which measures."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from lookright.errors import ConfigError
from lookright.inference import Looks
from lookright.selection import MEASURES, best, measure, require_measure

scores = st.lists(st.one_of(st.none(), st.sampled_from([0.0, 0.5, 0.75, 1.0])), min_size=1)


def history(values: list[float | None], select: str = "auroc") -> list[dict]:
    return [{"val": {select: value}} for value in values]


@given(scores, st.sampled_from(["auroc", "loss"]))
def test_no_epoch_is_better_and_no_later_one_as_good(
    values: list[float | None], select: str
) -> None:
    chosen, sign = best(history(values, select), select), MEASURES[select]
    defined = [sign * value for value in values if value is not None]
    if not defined:
        assert chosen == len(values) - 1
        return
    value = values[chosen]
    assert value is not None  # undefined never wins over defined
    assert sign * value == max(defined)
    assert value not in values[chosen + 1 :]


def test_an_unknown_measure_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no measure 'aurco'.*auroc"):
        require_measure("aurco")
    for name in MEASURES:
        require_measure(name)


def looks(labels: list[int], count: int = 6, annotated: bool = True) -> Looks:
    draw = np.random.default_rng(0)
    evidence = (draw.random((count, 4, 4)) > 0.5).astype(np.float32)
    return Looks(
        labels=np.array(labels),
        logits=draw.normal(size=(count, 2)).astype(np.float32),
        cams=draw.normal(size=(count, 2, 4, 4)).astype(np.float32),
        evidence=evidence if annotated else np.full_like(evidence, np.nan),
        known=np.ones_like(evidence),
        maps=np.zeros((count, 8, 8), np.float32),
        views=np.zeros((count, 0, 2), np.float32),
    )


def test_validation_measures_what_its_names_say() -> None:
    seen = looks([0, 1, 0, 1, 1, 0])
    found = measure(seen)
    assert set(found) == set(MEASURES)
    chances = seen.probabilities
    assert found["auroc"] == pytest.approx(roc_auc_score(seen.labels, chances[:, 1]))
    assert found["loss"] == pytest.approx(log_loss(seen.labels, chances))
    assert found["accuracy"] == np.mean(chances.argmax(1) == seen.labels)
    shares = []
    for cams, evidence, predicted in zip(seen.cams, seen.evidence, seen.predicted, strict=True):
        energy = np.maximum(cams[predicted], 0).astype(float)
        shares.append((energy * (1 - evidence)).sum() / energy.sum())
    assert found["framing_sensitivity"] == pytest.approx(np.mean(shares))


def test_TR09_what_one_class_cannot_say_is_undefined_and_not_zero() -> None:
    found = measure(looks([1] * 6))
    assert found["auroc"] is None
    assert found["loss"] is not None


def test_without_human_maps_framing_is_undefined() -> None:
    assert measure(looks([0, 1, 0, 1, 1, 0], annotated=False))["framing_sensitivity"] is None


def test_a_certain_mistake_costs_much_and_not_infinity() -> None:
    seen = looks([0, 1, 0, 1, 1, 0])
    seen.logits[0] = [-5000, 5000]
    loss = measure(seen)["loss"]
    assert loss is not None
    assert 50 < loss < math.inf
