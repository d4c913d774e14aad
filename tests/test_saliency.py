"""Maps against soft human maps and gaze: identities, other libraries and what is undefined."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import entropy, pearsonr
from sklearn.metrics import roc_auc_score

from known_maps import COUNTS, HUMAN, MAPS, MASKS, PRIOR, PYSALIENCY, QUANTUS
from lookright.metrics import parts
from lookright.metrics.saliency import (
    auc_judd,
    correlation,
    divergence,
    divergence_chance,
    information_gain,
    nss,
    reader_ceiling,
    shuffled_auc,
    similarity,
    similarity_chance,
)

SHAPE = (3, 4, 5)
steps = st.integers(-4, 4).map(lambda step: step / 4)
stepped = arrays.arrays(np.float64, SHAPE, elements=steps)
few = arrays.arrays(np.int64, SHAPE, elements=st.integers(0, 2))
MEASURES = {
    "correlation": correlation,
    "similarity": similarity,
    "divergence": divergence,
    "nss": nss,
    "auc_judd": auc_judd,
    "shuffled_auc": shuffled_auc,
    "information_gain": lambda maps, human: information_gain(maps, human, np.ones(human.shape[1:])),
}


@pytest.fixture
def drawn():
    generator = np.random.default_rng(0)
    human = np.maximum(generator.normal(size=(5, 8, 6)), 0)
    return generator.normal(size=(5, 8, 6)), human


# -- other libraries --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "human", "name"),
    [
        (correlation, HUMAN, "CC"),
        (similarity, HUMAN, "SIM"),
        (divergence, HUMAN, "KL"),
        (nss, COUNTS, "NSS"),
        (auc_judd, COUNTS, "AUC_JUDD"),
        (shuffled_auc, COUNTS, "SHUFFLED_AUC"),
        (partial(information_gain, baseline=PRIOR, eps=0), COUNTS, "INFORMATION_GAIN"),
    ],
    ids=list(PYSALIENCY),
)
def test_pysaliency_gives_the_same_number(measure, human, name):
    np.testing.assert_allclose(measure(MAPS, human), PYSALIENCY[name], atol=1e-6, rtol=0)


def test_quantus_gives_the_same_area_under_the_curve():
    np.testing.assert_allclose(auc_judd(MAPS, MASKS), QUANTUS["AUC"], atol=1e-6, rtol=0)


def test_scipy_gives_the_same_correlation_and_divergence(drawn):
    maps, human = drawn
    by_hand = [pearsonr(a.ravel(), b.ravel())[0] for a, b in zip(maps, human, strict=True)]
    np.testing.assert_allclose(correlation(maps, human), by_hand, atol=1e-12)
    maps = np.abs(maps) + 0.1
    by_hand = [entropy(b.ravel(), a.ravel()) for a, b in zip(maps, human, strict=True)]
    np.testing.assert_allclose(divergence(maps, human), by_hand, atol=1e-12)


# -- identities -------------------------------------------------------------------------------


def test_a_map_correlates_fully_with_a_stretched_copy_of_itself(drawn):
    maps, _ = drawn
    np.testing.assert_allclose(correlation(maps, 3 * maps + 2), 1, atol=1e-12)
    np.testing.assert_allclose(correlation(maps, -0.1 * maps), -1, atol=1e-12)


def test_a_map_is_similar_to_itself_and_diverges_from_nothing_else(drawn):
    _, human = drawn
    np.testing.assert_allclose(similarity(7 * human, human), 1, atol=1e-12)
    np.testing.assert_allclose(divergence(7 * human, human), 0, atol=1e-12)
    assert (divergence(human + 0.1, human) > 1e-3).all()


def test_maps_that_share_no_cell_have_nothing_in_common():
    left, right = np.zeros((1, 2, 4)), np.zeros((1, 2, 4))
    left[..., :2], right[..., 2:] = 1, 1
    assert similarity(left, right) == pytest.approx([0])
    assert divergence(left, right) == pytest.approx([np.log(0.25 * 2.0**52)])


def test_what_speaks_against_the_class_is_no_energy(drawn):
    maps, human = drawn
    positive = np.maximum(maps, 0)
    np.testing.assert_array_equal(similarity(maps, human), similarity(positive, human))
    np.testing.assert_array_equal(divergence(maps, human), divergence(positive, human))
    assert (similarity(maps, human, "abs") != similarity(maps, human)).all()


def test_nss_standardises_with_the_deviation_that_is_asked_for(drawn):
    maps, human = drawn
    looked = human > 0.8
    for ddof in (0, 1):
        by_hand = [
            ((each - each.mean()) / each.std(ddof=ddof))[at].mean()
            for each, at in zip(maps, looked, strict=True)
        ]
        np.testing.assert_allclose(nss(maps, looked, ddof), by_hand, atol=1e-12)
    np.testing.assert_allclose(nss(3 * maps - 1, looked), nss(maps, looked), atol=1e-12)


@given(stepped, few)
@settings(max_examples=60, deadline=None)
def test_auc_judd_is_the_roc_auc_of_fixated_against_not_also_with_ties(maps, fixations):
    for each, seen, value in zip(maps, fixations > 0, auc_judd(maps, fixations), strict=True):
        if seen.all() or not seen.any():
            assert np.isnan(value)
        else:
            assert value == pytest.approx(roc_auc_score(seen.ravel(), each.ravel()), abs=1e-12)


@given(stepped, few)
@settings(max_examples=60, deadline=None)
def test_shuffled_auc_sets_own_fixations_against_those_of_all_other_images(maps, fixations):
    for at, value in enumerate(shuffled_auc(maps, fixations)):
        others = np.delete(fixations, at, 0).sum(0)
        high = np.repeat(maps[at].ravel(), fixations[at].ravel())
        low = np.repeat(maps[at].ravel(), others.ravel())
        if len(high) and len(low):
            wins = (high[:, None] > low) + 0.5 * (high[:, None] == low)
            assert value == pytest.approx(wins.mean(), abs=1e-12)
        else:
            assert np.isnan(value)


def test_a_map_of_the_centre_is_rewarded_by_judd_but_not_by_shuffling():
    generator = np.random.default_rng(3)
    rows, cols = np.mgrid[:21, :21]
    centre = np.exp(-((rows - 10) ** 2 + (cols - 10) ** 2) / 50)
    looks = (generator.random((60, 21, 21)) < 0.2 * centre).astype(int)
    maps = np.broadcast_to(centre, looks.shape)
    assert auc_judd(maps, looks).mean() > 0.7
    assert shuffled_auc(maps, looks).mean() == pytest.approx(0.5, abs=0.02)


def test_numbers_that_only_float64_tells_apart_are_ranked():
    maps = 1 + np.array([[[0, 1e-14], [2e-14, -1e-14]]])
    assert auc_judd(maps, np.array([[[0, 0], [1, 0]]])) == pytest.approx([1])
    signs = np.array([[[-0.0, 0.0], [-1.0, -2.0]]])
    assert auc_judd(signs, np.array([[[1, 0], [0, 1]]])) == pytest.approx([1.5 / 4])


def test_the_baseline_itself_gains_no_information_and_the_truth_gains_its_divergence(drawn):
    _, human = drawn
    prior = human.mean(0) + 0.01
    same = np.broadcast_to(prior, human.shape)
    np.testing.assert_allclose(information_gain(same, human, prior), 0, atol=1e-12)
    gained = information_gain(human, human, prior)
    np.testing.assert_allclose(gained, divergence(same, human) / np.log(2), atol=1e-9)
    per_image = information_gain(human, human, same)
    np.testing.assert_array_equal(gained, per_image)


# -- chance -----------------------------------------------------------------------------------


def test_a_uniform_map_scores_the_chance_level(drawn):
    _, human = drawn
    flat = np.full(human.shape, 0.3)
    np.testing.assert_allclose(similarity(flat, human), similarity_chance(human), atol=1e-12)
    np.testing.assert_allclose(divergence(flat, human), divergence_chance(human), atol=1e-12)
    by_hand = [np.log(48) - entropy(each.ravel()) for each in human]
    np.testing.assert_allclose(divergence_chance(human), by_hand, atol=1e-12)
    np.testing.assert_allclose(auc_judd(flat, human), 0.5)


def test_chance_is_undefined_where_nobody_was_asked(drawn):
    _, human = drawn
    human[1], human[2] = np.nan, 0
    for chance in (similarity_chance, divergence_chance):
        np.testing.assert_array_equal(np.isnan(chance(human)), [False, True, True, False, False])


# -- undefined --------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("nothing", [0.0, np.nan], ids=["empty", "nobody was asked"])
def test_without_a_human_map_there_is_no_value(measure, nothing, drawn):
    maps, human = drawn
    human[1] = nothing
    values = MEASURES[measure](maps, human)
    np.testing.assert_array_equal(np.isnan(values), [False, True, False, False, False])


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_broken_map_is_undefined_and_spoils_no_other(measure, broken, drawn):
    maps, human = drawn
    whole = MEASURES[measure](maps, human)
    maps[2, 0, 0] = broken
    with np.errstate(invalid="ignore"):
        values = MEASURES[measure](maps, human)
    np.testing.assert_array_equal(np.isnan(values), [False, False, True, False, False])
    np.testing.assert_array_equal(values[[0, 1, 3, 4]], whole[[0, 1, 3, 4]])


def test_a_flat_map_has_no_shape_to_compare_but_is_a_guess():
    flat, human = np.full((1, 3, 3), 2.0), np.eye(3)[None]
    assert np.isnan(correlation(flat, human))
    assert np.isnan(correlation(human, flat))
    assert np.isnan(nss(flat, human))
    assert similarity(flat, human) == pytest.approx([3 / 9])


def test_a_map_without_energy_says_nothing():
    silent, human = -np.eye(3)[None], np.eye(3)[None]
    for measure in (similarity, divergence, MEASURES["information_gain"]):
        assert np.isnan(measure(silent, human))


# -- readers ----------------------------------------------------------------------------------


def test_the_ceiling_is_how_well_the_others_predict_each_reader(drawn):
    generator = np.random.default_rng(1)
    readings = generator.random((3, 4, 5, 6))
    by_hand = [
        correlation((readings.sum(0) - own) / 2, own) for own in readings
    ]  # each reader against the mean of the two others
    ceiling = reader_ceiling(correlation, readings)
    np.testing.assert_allclose(ceiling, np.mean(by_hand, 0), atol=1e-12)


def test_readers_who_agree_reach_the_top_and_one_alone_has_no_ceiling():
    generator = np.random.default_rng(1)
    readings = np.repeat(generator.random((1, 4, 5, 6)), 3, 0)
    readings[1:, 2] = np.nan  # one reader is left
    readings[2, 3] = np.nan  # two are
    ceiling = reader_ceiling(similarity, readings)
    np.testing.assert_allclose(ceiling, [1, 1, np.nan, 1], atol=1e-12)


def test_fixations_of_others_can_be_blurred_into_a_map():
    looks = np.zeros((2, 1, 9, 9))
    looks[0, 0, 4, 4], looks[1, 0, 4, 5] = 1, 1
    assert reader_ceiling(auc_judd, looks)[0] < 0.5
    assert reader_ceiling(auc_judd, looks, blur=1)[0] > 0.9


# -- many -------------------------------------------------------------------------------------


def test_parts_change_no_value(drawn, monkeypatch):
    whole = [measure(*drawn) for measure in MEASURES.values()]
    monkeypatch.setattr(parts, "CELLS", 100)  # two maps of 48 cells at a time
    again = [measure(*drawn) for measure in MEASURES.values()]
    np.testing.assert_allclose(whole, again, rtol=1e-12)


def test_no_image_gives_no_value():
    nothing = np.empty((0, 3, 3))
    assert all(len(measure(nothing, nothing)) == 0 for measure in MEASURES.values())


def test_memory_does_not_grow_with_the_images(monkeypatch):
    monkeypatch.setattr(parts, "CELLS", 2**13)
    maps = np.random.default_rng(0).random((300, 64, 64)).astype(np.float32)
    tracemalloc.start()
    for measure in MEASURES.values():
        measure(maps, maps)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < maps.nbytes / 2
