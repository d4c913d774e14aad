"""Does a map lie? Liars and honest models made by hand, and scikit-learn's ROC."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import t
from sklearn.metrics import roc_auc_score

from lookright.detector import FEWEST, REPAINTED, UNFOUNDED, judge, roc


def rows(shown, deciding, causes, images=200, noise=0.1, seed=0) -> pl.DataFrame:
    """Make up what three witnesses say is outside; each image has noise of its own."""
    random = np.random.default_rng(seed)
    names = ("framing_sensitivity", "framing_decision", "causal_outside")
    values = zip(names, (shown, deciding, causes), strict=True)
    return pl.DataFrame(
        {name: np.clip(value + noise * random.normal(size=images), 0, 1) for name, value in values}
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_model_whose_witnesses_agree_is_honest_wherever_it_looks(share):
    verdict = judge(rows(share, share, share))
    assert not verdict.flagged
    assert verdict.direction == ""
    assert verdict.score < 1
    assert "do not contradict" in verdict.sentence


def test_a_class_map_that_was_painted_into_the_evidence_hides():
    verdict = judge(rows(0.2, 0.8, 0.8))
    assert verdict.flagged
    assert verdict.repainted.flagged
    assert not verdict.unfounded.flagged
    assert verdict.direction == "hides"
    assert "The map lies: it hides" in verdict.sentence


def test_a_class_map_that_was_painted_onto_the_frame_slanders():
    verdict = judge(rows(0.9, 0.2, 0.3))
    assert verdict.direction == "slanders"
    assert verdict.score == pytest.approx(abs(verdict.repainted.value) / REPAINTED)


def test_both_maps_painted_into_the_evidence_are_caught_by_changing_the_image():
    verdict = judge(rows(0.1, 0.1, 0.8))
    assert verdict.unfounded.flagged
    assert not verdict.repainted.flagged
    assert verdict.direction == "hides"
    assert "changing the outside" in verdict.sentence
    assert judge(rows(0.9, 0.9, 0.2)).direction == "slanders"


def test_honest_models_may_miss_the_coarse_witness_by_less_than_its_tolerance():
    assert not judge(rows(0.5, 0.5, 0.5 + UNFOUNDED - 0.1)).flagged


def test_what_lies_beyond_the_tolerance_by_chance_is_not_flagged():
    found = rows(0.5, 0.42, 0.45, images=30, noise=0.3, seed=1)
    repainted = judge(found).repainted
    assert abs(repainted.value) > REPAINTED
    assert not repainted.flagged
    more = judge(rows(0.5, 0.42, 0.45, images=4000, noise=0.3, seed=1)).repainted
    assert more.flagged


def test_the_interval_is_students_over_the_images_where_both_are_defined():
    found = rows(0.3, 0.5, 0.4, images=50)
    gone = pl.when(pl.int_range(50) < 10).then(None).otherwise(pl.col("framing_decision"))
    found = found.with_columns(gone.alias("framing_decision"))
    repainted = judge(found).repainted
    values = (found["framing_sensitivity"] - found["framing_decision"]).drop_nulls().to_numpy()
    half = t.ppf(0.975, 39) * values.std(ddof=1) / 40**0.5
    assert repainted.images == 40
    ends = [repainted.value, repainted.low, repainted.high]
    assert ends == pytest.approx([values.mean(), values.mean() - half, values.mean() + half])


def test_too_few_images_say_nothing_and_it_is_said_so():
    verdict = judge(rows(0.0, 1.0, 1.0, images=FEWEST - 1))
    assert not verdict.flagged
    assert np.isnan(verdict.score)
    assert f"{FEWEST - 1} images" in verdict.sentence
    assert verdict.plain()["score"] is None


def test_without_changed_images_only_the_maps_are_held_against_each_other():
    verdict = judge(rows(0.2, 0.2, 0.9).drop("causal_outside"))
    assert not verdict.flagged
    assert verdict.unfounded.images == 0
    assert "not asked" in verdict.sentence
    assert judge(rows(0.2, 0.8, 0.9).drop("causal_outside")).direction == "hides"


def test_images_that_all_say_the_same_have_an_interval_of_one_point():
    same = pl.DataFrame({"framing_sensitivity": [0.0] * 30, "framing_decision": [1.0] * 30})
    repainted = judge(same).repainted
    assert (repainted.low, repainted.value, repainted.high) == (-1, -1, -1)
    assert repainted.flagged


def test_the_roc_over_models_is_scikit_learns():
    random = np.random.default_rng(3)
    fooled = random.random(40) < 0.4
    scores = np.round(random.normal(size=40) + fooled, 1)  # with ties
    found = roc(scores, fooled)
    assert found.auroc == pytest.approx(roc_auc_score(fooled, scores), abs=1e-12)
    assert (found.honest, found.fooled) == ((~fooled).sum(), fooled.sum())
    for row in found.table.iter_rows(named=True):
        flagged = scores >= row["threshold"]
        assert row["caught"] == (flagged & fooled).sum()
        assert row["wrongly"] == (flagged & ~fooled).sum()
        assert row["caught_share"] == pytest.approx(row["caught"] / fooled.sum())


def test_models_without_a_score_are_not_counted_and_one_kind_has_no_roc():
    found = roc(np.array([0.1, np.nan, 2.0]), np.array([False, False, True]))
    assert (found.honest, found.fooled, found.auroc) == (1, 1, 1.0)
    alone = roc(np.array([0.1, 0.2]), np.array([False, False]))
    assert np.isnan(alone.auroc)
    assert alone.table.is_empty()
