"""Explaining: ids and files become panels, and all that cannot be read is said at once."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from folders import write_data
from lookright import explain as explaining
from lookright.cam import contrast
from lookright.data import open_source
from lookright.errors import ConfigError, DataError
from lookright.evaluate import Trained
from lookright.explain import Subject, explain, look_at
from lookright.explainers import build_all
from lookright.model import Classifier
from lookright.run import Run
from lookright.run_folder import Facts


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A small random classifier of the made-up data, as if it had been loaded from a folder."""
    manifest = write_data(tmp_path, per_split=6)
    settings = [f"data.manifest={manifest}", "data.size=48", "data.allow_group_overlap=true"]
    torch.manual_seed(0)
    model = Classifier(nn.Conv2d(3, 8, 8, stride=8), nn.Linear(8, 2)).eval()
    facts = Facts(["benign", "tumour"], "grey", "ab", [], "holds", {})
    made = Trained(Run.load(None, settings), facts, model, torch.device("cpu"))
    monkeypatch.setattr(explaining, "load_classifier", lambda folder: made)
    return made


def test_ids_and_files_become_one_panel_each_in_the_given_order(trained, tmp_path):
    file = tmp_path / "files/test-003.png"
    paths = explain(tmp_path, ["test-002", file, "val-001"], tmp_path / "out")
    assert [path.name for path in paths] == ["test-002.png", "test-003.png.png", "val-001.png"]
    for path in paths:
        width, height = Image.open(path).size
        assert width > 2 * height > 600


def test_all_bad_images_are_reported_at_once_and_nothing_is_drawn(trained, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"<html>404</html>")
    given = ["test-0002", tmp_path / "broken.png", "test-001", tmp_path / "none.png"]
    with pytest.raises(DataError) as caught:
        explain(tmp_path, given, tmp_path / "out")
    said = str(caught.value)
    assert len(caught.value.problems) == 3
    assert "'test-002'" in said  # the nearest id
    assert "broken.png" in said
    assert "none.png" in said
    assert not (tmp_path / "out").exists()


def test_names_that_look_alike_as_files_do_not_overwrite_each_other(trained, tmp_path):
    paths = explain(tmp_path, ["test-001", "test-001", "test-001"], tmp_path / "out")
    assert [path.stem for path in paths] == ["test-001", "test-001~2", "test-001~3"]
    assert all(path.exists() for path in paths)


def test_the_maps_of_a_labelled_image_are_those_of_its_true_class(trained, tmp_path):
    source = open_source(trained.run.data, tmp_path)
    row = source.rows["id"].to_list().index("test-001")
    seen = look_at(trained, Subject("test-001", "tumour", source.sample(row)))
    image = torch.from_numpy(source.sample(row).image.copy()).movedim(-1, 0)[None] / 255
    with torch.inference_mode():
        said = trained.model(image)
        wanted = contrast(said.cams, said.logits, torch.tensor([1]))[0].numpy()
    titles = list(seen.maps)
    assert titles[0] == "tumour (true class)"
    assert titles[1] == "benign (false class)"
    np.testing.assert_allclose(seen.maps[titles[0]][0], said.cams[0, 1].numpy(), atol=1e-5)
    np.testing.assert_allclose(seen.maps[titles[2]][0], wanted, atol=1e-5)
    assert sum(seen.probabilities.values()) == pytest.approx(1)


def test_the_maps_of_a_bare_file_are_those_of_the_predicted_class(trained, tmp_path):
    source = open_source(trained.run.data, tmp_path)
    seen = look_at(trained, Subject("a file", None, source.sample(0)))
    predicted = max(seen.probabilities, key=lambda name: seen.probabilities[name])
    assert next(iter(seen.maps)) == f"{predicted} (predicted)"


def test_maps_of_further_explainers_stand_in_the_panel_and_leave_the_others_alone(
    trained, tmp_path
):
    subject = explaining._subjects(trained, ["test-001"])[0]
    plain, more = look_at(trained, subject), look_at(trained, subject, build_all(["occlusion"]))
    assert list(more.maps) == [*plain.maps, "occlusion: tumour"]
    assert all(np.array_equal(more.maps[name][0], plain.maps[name][0]) for name in plain.maps)
    drawn, scale = more.maps["occlusion: tumour"]
    assert (drawn.shape, scale) == ((48, 48), "evidence")
    both = look_at(trained, subject, build_all(["difference"]))
    assert both.maps["difference: tumour"][1] == "difference"
    narrow, wide = (
        explain(tmp_path, ["test-001"], tmp_path / str(len(names)), names)[0]
        for names in ([], ["occlusion", "gradient"])
    )
    assert Image.open(wide).size[0] > Image.open(narrow).size[0]
    with pytest.raises(ConfigError, match="Did you mean 'gradient'"):
        explain(tmp_path, ["test-001"], tmp_path / "out", ["gradiant"])
    assert not (tmp_path / "out").exists()
