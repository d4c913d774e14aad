"""Agreement with people counts what they know: unknown pixels are in neither map."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from lookright.agreed import agreement, class_maps
from lookright.configuration import Data
from lookright.data import open_source
from lookright.data.loader import examples
from lookright.inference import Looks, look
from lookright.metrics import agreement as measures
from lookright.metrics import regions
from lookright.metrics.parts import known_alone
from lookright.types import Images, Prediction

CPU = torch.device("cpu")

PLACED = {
    "pointing_game": measures.pointing_game,
    "iou": measures.iou,
    "iou_otsu": regions.iou_otsu,
    "iou_mean": regions.iou_mean,
    "relevance_rank": regions.relevance_rank,
}
draw = np.random.default_rng(0)


def looks(cams: np.ndarray, evidence: np.ndarray, known: np.ndarray, human: np.ndarray) -> Looks:
    count = len(cams)
    return Looks(
        labels=np.arange(count) % 2,
        logits=np.random.default_rng(1).normal(size=(count, 2)).astype(np.float32),
        cams=cams.astype(np.float32),
        evidence=evidence.astype(np.float32),
        known=known.astype(np.float32),
        maps=human.astype(np.float32),
        views=np.zeros((count, 0, 2), np.float32),
    )


def measured(seen: Looks) -> dict[str, np.ndarray]:
    return agreement(seen, class_maps(seen), 0.5)


ON_CELLS = (
    "framing_sensitivity",
    "framing_sensitivity_true",
    "framing_decision",
    "framing_chance",
    "energy_pointing",
    "cc",
    "sim",
    "kl",
)


def test_unknown_cells_count_as_if_the_maps_ended_before_them() -> None:
    cams, evidence = draw.normal(size=(5, 2, 6, 8)), draw.random((5, 6, 8))
    known, human = np.ones((5, 6, 8)), draw.random((5, 12, 16))
    known[:, :, 5:] = 0
    found = measured(looks(cams, evidence, known, human))
    shorter = cams[..., :5], evidence[..., :5], known[..., :5], human[..., :10]
    expected = measured(looks(*shorter))
    for name in ON_CELLS:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, err_msg=name)
        assert np.isfinite(found[name]).all()


def test_a_cell_known_by_a_third_is_one_of_three_equal_cells() -> None:
    """Weights of 1 and 3 are the same as cells once and three times."""
    cams, evidence = draw.random((4, 2, 1, 6)), draw.random((4, 1, 6))
    times = np.array([1, 3, 1, 2, 3, 1])
    human = draw.random((4, 2, 12))
    found = measured(looks(cams, evidence, np.broadcast_to(times, (4, 1, 6)) / 3, human))
    repeated = np.repeat(cams, times, 3), np.repeat(evidence, times, 2)
    expected = measured(looks(*repeated, np.ones((4, 1, times.sum())), human))
    for name in ON_CELLS:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("energy", measures.ENERGIES)
def test_weights_are_how_often_a_cell_counts(energy: measures.Energy) -> None:
    maps, evidence = draw.normal(size=(4, 1, 6)), draw.random((4, 1, 6))
    times = np.array([1, 3, 0, 2, 3, 1])
    maps[..., 2] = 0.0  # neither end of the range, so that rescaling is the same without it
    weights = np.broadcast_to(times / 3, (4, 1, 6))
    found = measures.energy_pointing(maps, evidence, energy, weights)
    repeated = np.repeat(maps, times, 2), np.repeat(evidence, times, 2)
    np.testing.assert_allclose(found, measures.energy_pointing(*repeated, energy), rtol=1e-12)


@pytest.mark.parametrize("name", PLACED)
def test_unknown_pixels_count_as_if_the_image_ended_before_them(name: str) -> None:
    maps, human = draw.normal(size=(6, 10, 14)), (draw.random((6, 10, 14)) > 0.7).astype(float)
    human[1:4, :, 9:] = np.nan
    human[4] = np.nan
    found = known_alone(PLACED[name], maps, human)
    for image in range(6):
        end = 9 if image in (1, 2, 3) else 14
        alone = PLACED[name](maps[image : image + 1, :, :end], human[image : image + 1, :, :end])
        np.testing.assert_allclose(found[image], alone[0], rtol=1e-12)
    assert np.isnan(found).tolist() == [False] * 4 + [True, False]


class Still(nn.Module):
    """Shows the same maps of 4 x 4 cells, whatever it sees."""

    def forward(self, images: Images) -> Prediction:
        cams = torch.arange(32.0).view(1, 2, 4, 4).expand(len(images), -1, -1, -1)
        return Prediction(cams.mean((2, 3)), cams, lambda: cams)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Three images of 32 pixels: a quarter of one cell is unknown, nothing is, nobody was asked."""
    drawn, unknown = np.zeros((32, 32), np.uint8), np.zeros((32, 32), np.uint8)
    drawn[:16], unknown[:4, :4] = 255, 255
    pictures = {"mask": drawn, "unknown": unknown} | {str(n): drawn // 2 + n for n in range(3)}
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    rows = ["mask.png,unknown.png", "mask.png,", ","]
    lines = [f"{place}.png,{each},{place % 2},test" for place, each in enumerate(rows)]
    text = "\n".join(["image,mask,unknown,label,split", *lines])
    (tmp_path / "manifest.csv").write_text(text)
    return tmp_path / "manifest.csv"


def test_evidence_of_a_cell_is_that_of_its_known_part(study: Path) -> None:
    data = Data(manifest=study, size=32)
    seen = look(Still(), examples(open_source(data, Path()), ["test"], data), 2, CPU)
    assert seen.evidence[:2, :2].min() == 1  # what is known of the first cell is all marked
    assert seen.known[0, 0, 0] / seen.known[0, 3, 3] == pytest.approx(0.75)
    assert (seen.known[1:] == 1).all()
    assert np.isnan(seen.maps).sum((1, 2)).tolist() == [16, 0, 32 * 32]
    assert np.isnan(seen.evidence).all((1, 2)).tolist() == [False, False, True]
    energy = np.arange(16, 32).astype(float)
    expected = energy[:8].sum() / energy.sum()
    energy[0] *= 0.75
    found = measured(seen)["energy_pointing"]
    np.testing.assert_allclose(found[:2], [energy[:8].sum() / energy.sum(), expected], rtol=1e-6)
    assert np.isnan(found[2])
