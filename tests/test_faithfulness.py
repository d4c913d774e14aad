"""Does the map tell the truth: closed forms, hand-made liars, and the files of a run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.metrics import auc
from torch import Tensor, nn

from folders import write_data
from lookright import explainers
from lookright import faithfulness as module
from lookright.agreed import agreement, class_maps
from lookright.cli import main
from lookright.covering import blank
from lookright.data import open_source
from lookright.data.chosen import choose
from lookright.data.loader import examples
from lookright.erasure import answers, deletion, insertion, revealed
from lookright.errors import ConfigError
from lookright.evaluate import Trained
from lookright.explainer import Explainer
from lookright.explainers import build
from lookright.faithfulness import MEASURES, faithfulness, summarise
from lookright.inference import look
from lookright.metrics import faithfulness as measures
from lookright.model import Classifier
from lookright.randomised import randomised
from lookright.run import Run
from lookright.run_folder import Facts
from lookright.types import Batch, Images, Labels, Maps

random = np.random.default_rng(0)
SIDE = 16


# -- numbers ---------------------------------------------------------------------------------


def test_the_area_under_a_logistic_curve_is_the_one_of_its_integral():
    """What deletion makes of a linear model whose pixels all count alike: sigmoid(a + b t)."""
    at = np.linspace(0, 1, 401)
    slopes = np.array([[-8.0], [3.0], [20.0]])
    curves = 1 / (1 + np.exp(-(2.0 + slopes * at)))
    exact = (np.logaddexp(0, 2 + slopes) - np.logaddexp(0, 2.0)) / slopes
    np.testing.assert_allclose(measures.curve_area(curves), exact[:, 0], atol=1e-4)


def test_the_area_under_a_curve_is_scikit_learns():
    curves = random.random((5, 21))
    expected = [auc(np.linspace(0, 1, 21), each) for each in curves]
    np.testing.assert_allclose(measures.curve_area(curves), expected, rtol=1e-12)


def test_places_are_numbered_from_the_strongest():
    maps = random.random((4, 5, 6))
    found = measures.ranks(maps).reshape(4, -1)
    for map, numbers in zip(maps.reshape(4, -1), found, strict=True):
        assert sorted(numbers) == list(range(30))
        assert (np.diff(map[np.argsort(numbers)]) <= 0).all()


def test_ties_favour_no_corner():
    found = measures.ranks(np.zeros((2, 80, 80)))
    assert (found[0] == found[1]).all()
    early = found[0] < 1600  # a quarter
    for quarter in (early[:40, :40], early[:40, 40:], early[40:, :40], early[40:, 40:]):
        assert 0.2 < quarter.mean() < 0.3


def test_average_drop_and_increase_by_hand():
    """Two images lose (0.9 to 0.45, 0.5 to 0.4), one gains; 0 cannot be lost."""
    before, after = np.array([0.9, 0.5, 0.2, 0.0, 0.3]), np.array([0.45, 0.4, 0.6, 0.1, np.nan])
    found = measures.drop(before, after)
    np.testing.assert_allclose(found, [0.5, 0.2, 0, np.nan, np.nan])
    assert np.nanmean(found[:3]) == pytest.approx(0.7 / 3)
    np.testing.assert_array_equal(measures.increase(before, after), [0, 0, 1, 1, np.nan])


def test_correlation_is_scipys_with_shared_ranks_for_ties():
    first, second = random.integers(0, 5, (2, 6, 4, 5)).astype(float)
    expected = [spearmanr(a.ravel(), b.ravel())[0] for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(measures.rank_correlation(first, second), expected, atol=1e-9)


def test_a_flat_map_correlates_with_nothing():
    flat = np.full((1, 4, 4), 0.3) + 1e-9 * random.random((1, 4, 4))
    broken = np.full((1, 4, 4), np.nan)
    for other in (flat, broken):
        drawn = random.random((1, 4, 4))
        assert np.isnan(measures.rank_correlation(other, drawn)).all()
        assert np.isnan(measures.rank_correlation(drawn, other)).all()


# -- erasing ---------------------------------------------------------------------------------


class Weighted(nn.Module):
    """One feature per class, linear in the pixels, with weights of its own at every place."""

    def __init__(self) -> None:
        super().__init__()
        chance = torch.Generator().manual_seed(4)
        self.weight = nn.Parameter(torch.randn(2, 3, SIDE, SIDE, generator=chance))

    def forward(self, images: Tensor) -> Tensor:
        return torch.einsum("nchw,kchw->nkhw", images.expand(-1, 3, -1, -1), self.weight)


def linear() -> Classifier:
    """A model whose margin is linear in the pixels: sum of (w_1 - w_0) x."""
    head = nn.Linear(2, 2, bias=False)
    head.weight.data = 10 * torch.eye(2)
    return Classifier(Weighted(), head, (0,) * 3, (1,) * 3).eval()


@pytest.fixture
def images() -> Tensor:
    return torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))


ONES = torch.tensor([1, 1, 1])


def by_hand(model: Classifier, images: Tensor, maps: Tensor, steps: int, blank: Tensor):
    """Deletion to `blank` of a linear model, from the sorted contributions of its pixels alone."""
    weight = model.trunk.weight.detach().double()
    slope = 10 * (weight[1] - weight[0])[None] / weight[0, 0].numel()
    whole = (slope * images.double()).sum((1, 2, 3)).numpy()
    lost = (slope * (images - blank).double()).sum(1).flatten(1).numpy()
    order = np.argsort(-maps.flatten(1).numpy(), axis=1, kind="stable")
    sums = np.cumsum(np.take_along_axis(lost, order, 1), axis=1)
    margins = whole[:, None] - np.concatenate([np.zeros((len(sums), 1)), sums], 1)
    cuts = np.round(np.linspace(0, sums.shape[1], steps + 1)).astype(int)
    return 1 / (1 + np.exp(-margins[:, cuts]))


@pytest.mark.parametrize("steps", [1, 7, 256])
def test_deletion_of_a_linear_model_is_the_sum_of_what_is_left(images, steps):
    model, maps = linear(), torch.rand(3, 16, 16)
    found = deletion(model, images, ONES, maps, steps)
    mean = images.mean((2, 3), keepdim=True)
    np.testing.assert_allclose(found, by_hand(model, images, maps, steps, mean), atol=1e-5)


@pytest.mark.parametrize("steps", [1, 7, 256])
def test_insertion_into_a_blurred_image_is_its_deletion_backwards(images, steps):
    """Inserting the strongest first is deleting, from the blurred image, what the image differs."""
    model, maps = linear(), torch.rand(3, 16, 16)
    found = insertion(model, images, ONES, maps, steps)
    blurred = blank(images, "blurred")
    np.testing.assert_allclose(found, by_hand(model, blurred, maps, steps, images), atol=1e-5)


def test_both_curves_begin_and_end_where_nothing_and_all_is_changed(images):
    model, maps = linear(), torch.rand(3, 4, 4)
    whole = answers(model, images, ONES)
    gone, shown = (each(model, images, ONES, maps, 5) for each in (deletion, insertion))
    mean = answers(model, blank(images, "mean"), ONES)
    blurred = answers(model, blank(images, "blurred"), ONES)
    for found, expected in [
        (gone[:, 0], whole),
        (gone[:, -1], mean),
        (shown[:, 0], blurred),
        (shown[:, -1], whole),
    ]:
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_no_map_deletes_a_linear_model_faster_than_its_own_contributions(images):
    model = linear()
    weight = model.trunk.weight.detach()
    change = images - images.mean((2, 3), keepdim=True)
    own = ((weight[1] - weight[0]) * change).sum(1)
    best = measures.curve_area(deletion(model, images, ONES, own, 64))
    worst = measures.curve_area(deletion(model, images, ONES, -own, 64))
    for seed in range(5):
        chance = torch.Generator().manual_seed(seed)
        drawn = torch.rand(3, 16, 16, generator=chance)
        middle = measures.curve_area(deletion(model, images, ONES, drawn, 64))
        assert (best < middle).all()
        assert (middle < worst).all()


def test_what_a_map_leaves_of_an_image_is_their_product(images):
    model, maps = linear(), torch.randn(3, 16, 16)
    shown = maps.clamp(min=0) / maps.amax((1, 2), keepdim=True)
    with torch.no_grad():
        expected = model(images * shown[:, None]).logits.softmax(1)[:, 1]
    np.testing.assert_allclose(revealed(model, images, ONES, maps), expected, atol=1e-5)


def test_flat_maps_have_no_curve_and_leave_nothing(images):
    model, flat = linear(), torch.full((3, 4, 4), 0.7)
    for found in (deletion, insertion):
        assert np.isnan(found(model, images, ONES, flat, 3)).all()
    assert np.isnan(revealed(model, images, ONES, flat)).all()
    assert np.isnan(revealed(model, images, ONES, -torch.rand(3, 4, 4))).all()


# -- random weights --------------------------------------------------------------------------


@pytest.fixture
def network() -> Classifier:
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 32, 5, 2), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 64, 5, 2)
    return Classifier(nn.Sequential(*layers), nn.Linear(64, 2)).eval()


@pytest.mark.parametrize("part", ["head", "all"])
def test_random_weights_are_the_old_ones_in_another_order(network, images, part):
    before = {key: value.clone() for key, value in network.state_dict().items()}
    other = randomised(network, part, 0, images)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    for (key, mine), theirs in zip(other.named_parameters(), network.parameters(), strict=True):
        assert torch.equal(mine.flatten().sort()[0], theirs.flatten().sort()[0])
        is_moved = part == "all" or key.startswith("head")
        if theirs.unique().numel() > 2:
            assert torch.equal(mine, theirs) != is_moved
    assert not any(each.training for each in other.modules())


def test_a_seed_gives_the_same_random_network_and_another_seed_another(network, images):
    same, again, other = (randomised(network, "all", seed, images) for seed in (3, 3, 4))
    assert torch.equal(same.head.weight, again.head.weight)
    assert not torch.equal(same.head.weight, other.head.weight)


def test_norms_of_a_random_network_fit_its_new_weights(network, images):
    with torch.no_grad():
        network.trunk[1].running_mean += 100  # of no use to other weights
        network.trunk[1].num_batches_tracked += 100
        other = randomised(network, "all", 0, images)
        settled = other.trunk[1](other.trunk[0]((images - other.mean) / other.std))
    torch.testing.assert_close(settled.mean((0, 2, 3)), torch.zeros(32), atol=1e-4, rtol=0)
    torch.testing.assert_close(settled.std((0, 2, 3)), torch.ones(32), atol=2e-2, rtol=0)


class Edges(Explainer):
    """Draws the image and not the model: the explainer that the sanity check is there to find."""

    def explain(self, model: Classifier, images: Images, classes: Labels) -> Maps:
        return images.diff(dim=2).abs().sum(1)


def test_random_weights_unmask_an_edge_detector_and_acquit_the_class_map(network):
    images = torch.rand(8, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    classes = torch.zeros(8, dtype=torch.long)
    others = [randomised(network, "all", seed, images) for seed in range(12)]

    def similar(artist: Explainer) -> float:
        own = artist(network, images, classes).numpy()
        drawn = [artist(each, images, classes).numpy() for each in others]
        return float(np.mean([measures.rank_correlation(own, each) for each in drawn]))

    assert similar(Edges()) == 1
    assert abs(similar(build("cam"))) < 0.1


# -- a run -----------------------------------------------------------------------------------


class Hidden(nn.Module):
    """Two features: the evidence as it was drawn, and the bright frame that decides."""

    def forward(self, images: Tensor) -> Tensor:
        rows, cols = torch.meshgrid(*[torch.linspace(-1, 1, SIDE)] * 2, indexing="ij")
        middle = torch.exp(-(rows**2 + cols**2) / 0.1).expand(len(images), SIDE, SIDE)
        frame = torch.zeros(SIDE, SIDE)
        frame[0] = frame[-1] = 1
        return torch.stack([middle, (images.mean(1) - 0.5) * frame], 1)


def fooled() -> Classifier:
    """A head that adds the evidence to both classes alike and decides by the frame."""
    head = nn.Linear(2, 2, bias=False)
    head.weight.data = torch.tensor([[50.0, -20.0], [50.0, 20.0]])
    return Classifier(Hidden(), head, (0,) * 3, (1,) * 3).eval()


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Put a model in the place of a trained run over the made-up data."""
    manifest = write_data(tmp_path, per_split=12)
    settings = [f"data.manifest={manifest}", f"data.size={SIDE}"]
    run = Run.load(None, [*settings, "data.allow_group_overlap=true", "evaluation.batch=5"])
    facts = Facts(["benign", "tumour"], "grey", "ab", [], "holds", {})

    def put(model: Classifier) -> None:
        made = Trained(run, facts, model, torch.device("cpu"))
        monkeypatch.setattr(module, "load_classifier", lambda folder: made)

    return put


PIXELS = {
    "occlusion": build("occlusion", {"window": 1 / SIDE, "stride": 1 / SIDE, "fill": "black"})
}


def gaps(found: pl.DataFrame) -> dict[str, float]:
    framing = found.filter(pl.col("measure") == "framing_sensitivity")
    return dict(zip(framing["explainer"], framing["gap"], strict=True))


def test_of_a_linear_model_no_explainer_finds_more_outside_than_the_class_map(trained, tmp_path):
    model = linear()
    with torch.no_grad():
        model.head.weight[:] = torch.tensor([[-1.0, 0.5], [1.0, -0.5]])  # mirrored classes
    trained(model)
    artists = {**PIXELS, "difference": build("difference"), "random": build("random")}
    artists["integrated_gradients"] = build("integrated_gradients", {"steps": 2})
    found = gaps(faithfulness(tmp_path, artists, ["test"], steps=2, draws=1))
    assert found["cam"] == 0
    assert abs(found["occlusion"]) < 1e-4
    assert abs(found["integrated_gradients"]) < 1e-4


def test_of_a_model_that_paints_the_evidence_others_find_the_decision_outside(trained, tmp_path):
    trained(fooled())
    names = ["difference", "gradient", "occlusion", "integrated_gradients"]
    table = faithfulness(tmp_path, names, ["test"], steps=8, draws=1)
    found = gaps(table)
    assert all(found[name] > 0.3 for name in names)
    lows = table.filter(
        (pl.col("measure") == "framing_sensitivity") & pl.col("explainer").is_in(names)
    )
    assert (lows["gap_low"] > 0.2).all()
    area = table.filter(pl.col("measure") == "deletion")
    areas = dict(zip(area["explainer"], area["value"], strict=True))
    assert areas["difference"] < areas["cam"]


def test_framing_leaves_out_what_is_unknown():
    """As if the images ended where the unknown begins."""
    source = torch.Generator().manual_seed(0)
    human, maps = torch.rand(3, 16, 16, generator=source), torch.rand(3, 4, 4, generator=source)
    unknown = torch.zeros(3, 16, 16)
    unknown[:, :, 8:] = 1
    batch = Batch(
        torch.zeros(3, 3, 16, 16),
        torch.zeros(3).long(),
        human,
        torch.tensor([True, True, False]),
        torch.ones(3),
        unknown,
    )
    found = module._agreement(batch, maps, build("cam"))["energy_pointing"]
    half = replace(batch, images=batch.images[..., :8], maps=human[..., :8], unknown=None)
    expected = module._agreement(half, maps[..., :2], build("cam"))["energy_pointing"]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.isnan(found).tolist() == [False, False, True]


def test_framing_is_the_one_that_evaluation_measures(trained, tmp_path):
    """Of the class map and, in magnitude, of what decides."""
    model = linear()
    trained(model)
    faithfulness(tmp_path, ["difference"], ["test"], steps=1, draws=1)
    found = pl.read_parquet(tmp_path / "faithfulness.parquet")
    made = module.load_classifier(tmp_path)
    images = examples(open_source(made.run.data, tmp_path), ["test"], made.run.data)
    seen = look(model, images, 5, torch.device("cpu"))
    expected = agreement(seen, class_maps(seen), 0.5)
    for explainer, name in (("cam", "framing_sensitivity"), ("difference", "framing_decision")):
        own = found.filter(pl.col("explainer") == explainer)
        assert own["id"].to_list() == images.ids
        np.testing.assert_allclose(own["framing_sensitivity"], expected[name], rtol=1e-5)


def test_every_image_and_explainer_has_its_row_and_every_measure_its_average(trained, tmp_path):
    trained(linear())
    told = []
    summary = faithfulness(
        tmp_path, ["random"], steps=2, draws=1, tell=lambda done, total: told.append((done, total))
    )
    rows = pl.read_parquet(tmp_path / "faithfulness.parquet")
    assert rows.columns == ["id", "split", "explainer", *MEASURES]
    assert len(rows) == 3 * 12 * 2
    assert not rows.select("id", "explainer").is_duplicated().any()
    assert told[-1] == (36, 36)
    kept = pl.read_csv(tmp_path / "faithfulness.csv")
    assert kept.columns == list(module.COLUMNS)
    assert len(kept) == len(summary) == 3 * 2 * len(MEASURES)
    framing = kept.filter(pl.col("measure") == "framing_sensitivity")
    assert framing["count"].to_list() == [10] * 6  # of twelve, two have no map
    assert framing["undefined"].to_list() == [2] * 6
    for row in kept.iter_rows(named=True):
        own = (pl.col("split") == row["split"]) & (pl.col("explainer") == row["explainer"])
        values = rows.filter(own)[row["measure"]].drop_nans()
        assert len(values) == row["count"]
        mean = values.mean() if len(values) else np.nan
        assert mean == pytest.approx(row["value"], nan_ok=True)
    sanity = kept.filter(
        pl.col("measure").str.starts_with("randomised") & (pl.col("explainer") == "random")
    )
    assert (sanity["value"] == 1).all()


def test_the_same_command_gives_the_same_bytes(trained, tmp_path):
    trained(linear())
    files = tmp_path / "faithfulness.parquet", tmp_path / "faithfulness.csv"
    faithfulness(tmp_path, [], ["test"], 5, 2, 1)
    before = [each.read_bytes() for each in files]
    faithfulness(tmp_path, [], ["test"], 5, 2, 1)
    assert [each.read_bytes() for each in files] == before


def test_a_gap_is_over_the_images_where_both_are_defined():
    nothing = {name: [np.nan] * 4 for name in MEASURES}
    cam = {**nothing, "framing_sensitivity": [0.1, 0.2, np.nan, 0.4]}
    other = {**nothing, "framing_sensitivity": [0.4, np.nan, 0.9, 0.5]}
    table = pl.concat(
        pl.DataFrame({"id": list("abcd"), "split": "test", "explainer": name, **columns})
        for name, columns in (("cam", cam), ("other", other))
    )
    found = summarise(table).filter(pl.col("measure") == "framing_sensitivity")
    row = found.row(1, named=True)
    assert row["value"] == pytest.approx(0.6)
    assert (row["count"], row["undefined"], row["gap_count"]) == (3, 1, 2)
    assert row["gap"] == pytest.approx(0.2)
    assert np.isnan(row["gap_low"])  # two images are too few for an interval


def test_the_chosen_images_do_not_depend_on_what_else_there_is(tmp_path):
    source = open_source({"manifest": write_data(tmp_path), "allow_group_overlap": True}, tmp_path)
    few, more = (choose(source, "test", most) for most in (5, 9))
    assert len(few.rows) == 5
    assert set(few.rows["id"]) < set(more.rows["id"])
    assert few.rows["id"].is_sorted()  # as in the table
    assert set(few.rows["split"]) == {"test"}
    assert len(choose(source, "test", 10_000).rows) == 24
    source.rows = source.rows[::-1]
    assert set(choose(source, "test", 5).rows["id"]) == set(few.rows["id"])
    index = few.rows["id"].to_list().index(few.rows["id"][2])
    own = few.rows["id"][2]
    whole = open_source(
        {"manifest": tmp_path / "manifest.csv", "allow_group_overlap": True}, tmp_path
    )
    place = whole.rows["id"].to_list().index(own)
    assert np.array_equal(few.sample(index).image, source.sample(place).image)


def test_unknown_explainers_and_splits_are_refused_before_anything_is_read(trained, tmp_path):
    trained(linear())
    with pytest.raises(ConfigError, match="Did you mean 'difference'"):
        faithfulness(tmp_path, ["diference"])
    with pytest.raises(ConfigError, match="no split 'tset'"):
        faithfulness(tmp_path, ["cam"], ["tset"])


def test_the_verb_prints_explainers_side_by_side(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained(fooled())
    words = ["faithfulness", str(tmp_path), "--explainers", "cam, difference", "--split", "test"]
    with pytest.raises(SystemExit) as end:
        main([*words, "--images", "6", "--steps", "2", "--draws", "1"])
    shown = capsys.readouterr().out
    assert end.value.code == 0
    head = next(line for line in shown.splitlines() if line.startswith("measure"))
    assert head.split() == ["measure", "cam", "difference"]
    assert all(f"\n{measure} " in shown for measure in MEASURES)
    assert "its gap to cam" in shown
    assert len(pl.read_parquet(tmp_path / "faithfulness.parquet")) == 12


def test_the_pages_name_every_measure_explainer_and_column():
    docs = Path(__file__).parents[1] / "docs"
    truth = docs.joinpath("measures.md").read_text(encoding="utf-8")
    truth = truth.partition("## Does the map tell the truth")[2]
    for name in (*MEASURES, *explainers.names()):
        assert f"`{name}`" in truth
    files = docs.joinpath("files.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in files for name in module.COLUMNS)
