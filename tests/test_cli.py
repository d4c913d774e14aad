"""The command line: quick, plain, and helpful when it is given nonsense."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lookright
from lookright.cli import app, failure, main, tables
from lookright.complete import complete
from lookright.errors import ConfigError, DataError, Problem, Stopped
from lookright.run import Run

VERBS = ["list", "train", "evaluate", "bench", "explain", "report", "demo", "init", "data"]
VERBS += ["audit", "compare", "economics", "faithfulness", "gate"]
HEAVY = ("torch", "polars", "numpy", "matplotlib", "rich", "yaml", "timm", "sklearn")


@pytest.fixture
def call(capsys, tmp_path: Path, monkeypatch):
    """Call lookright in an empty folder; return its status, output and complaints."""
    monkeypatch.chdir(tmp_path)

    def called(*words: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as end:
            main(words)
        return (end.value.code, *capsys.readouterr())

    return called


def process(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["trian"], ["--version"]])
def test_CF09_help_and_typos_are_answered_without_importing_anything_heavy(words, tmp_path: Path):
    program = (
        "import sys\nfrom lookright.cli import main\n"
        f"try: main({words!r})\n"
        f"except SystemExit: print('LOADED', [n for n in {HEAVY!r} if n in sys.modules])"
    )
    assert process("-c", program, folder=tmp_path).stdout.endswith("LOADED []\n")


def test_CF09_a_wrong_setting_is_answered_before_torch_is_imported(tmp_path: Path):
    program = (
        "import sys\nfrom lookright.cli import main\n"
        "try: main(['train', 'data=digits', 'epohcs=3'])\n"
        "except SystemExit as end: print(end.code, 'torch' in sys.modules)"
    )
    done = process("-c", program, folder=tmp_path)
    assert done.stdout == "2 False\n"
    assert "Did you mean 'training.epochs'?" in done.stderr


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_CF09_every_help_fits_one_screen_and_shows_examples(call, verb: str):
    status, shown, _ = call(*([verb] if verb else []), "-h")
    assert status == 0
    assert len(shown.splitlines()) <= 36
    assert f"  lookright {verb}".rstrip() in shown


@pytest.mark.parametrize(
    "environment",
    [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"CI": "true", "GITHUB_ACTIONS": "true"}],
)
def test_CF10_piped_output_holds_no_colours(environment: dict[str, str], tmp_path: Path):
    for words in (["--help"], ["trian"], ["train"], ["evaluate", "--nope"]):
        done = process("-m", "lookright", *words, folder=tmp_path, **environment)
        assert "\x1b" not in done.stdout + done.stderr


def test_CF10_a_console_without_a_character_shows_another(tmp_path: Path):
    (tmp_path / "añb→.yaml").write_text("data: digits\n")
    done = process(
        "-m", "lookright", "train", "añb→.yaml", "x=1", folder=tmp_path, PYTHONIOENCODING="cp1252"
    )
    assert done.returncode == 2
    assert "Unknown setting 'x'" in done.stderr


def test_CF01_an_unknown_setting_exits_with_2_and_no_traceback(call):
    status, _, complaint = call("train", "data=digits", "training.epohcs=3")
    assert status == 2
    assert "Did you mean 'epochs'?" in complaint
    assert "Traceback" not in complaint


@pytest.mark.parametrize("words", [["seed=x"], ["--seed", "x"], ["--seed=x"]])
def test_CF08_settings_with_and_without_dashes_mean_the_same(call, words: list[str]):
    status, _, complaint = call("train", "data=digits", *words, "--out", "here")
    assert (status, complaint) == (
        2,
        "seed: Got 'x', expected integer. [ERR-CONFIG-VALUE]\n",
    )


def test_CF11_a_device_that_does_not_exist_by_name_is_refused(call):
    status, _, complaint = call("train", "data=digits", "training.device=gpu")
    assert status == 2
    assert "cuda:0" in complaint


def test_CF13_a_crash_is_short_and_leaves_a_file(call, tmp_path: Path, monkeypatch):
    def crash(*_: object) -> None:
        raise KeyError("inner working")

    monkeypatch.setattr(failure, "_check_verb", crash)
    status, _, complaint = call("list", "objectives")
    (file,) = tmp_path.glob("crash-*.txt")
    assert status == 1
    assert "Traceback" not in complaint
    assert file.name in complaint
    text = file.read_text()
    assert "Traceback" in text
    assert re.search(r"^torch \d", text, re.MULTILINE)
    assert text.startswith("lookright list objectives\n")


def test_CF13_debug_shows_the_traceback(call, monkeypatch):
    monkeypatch.setattr(failure, "_check_verb", lambda *_: 1 / 0)
    status, _, complaint = call("list", "objectives", "--debug")
    assert status == 1
    assert "Traceback" in call("--debug", "list")[2]
    assert "ZeroDivisionError" in complaint


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (ConfigError(Problem("X", "Wrong.")), 2, "Wrong. [ERR-X]"),
        (DataError(Problem("X", "Broken."), Problem("Y", "Gone.")), 3, "Broken. [ERR-X]\nGone."),
        (Stopped(Problem("X", "Stopped.")), 75, "Stopped."),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (OSError(28, "No space left on device", "a.bin"), 75, "a.bin: No space left on device."),
        (PermissionError(13, "Permission denied", "out"), 1, "out: Permission denied."),
    ],
)
def test_every_kind_of_failure_has_its_status(call, monkeypatch, error, status: int, text: str):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(failure, "_check_verb", fail)
    found, _, complaint = call("list", "objectives")
    assert found == status
    assert complaint.startswith(text)


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (["trian"], "Did you mean 'train'?"),
        (["list", "objectives", "cybrog"], "Did you mean 'cyborg'?"),
        (["list", "datasets", "digit"], "Did you mean 'digits'?"),
        (["list", "models", "resnet81"], "Did you mean 'resnet18'?"),
        (["list", "objektives"], "objectives"),
        (["train", "data=digit"], "Did you mean 'digits'?"),
        (["train", "data=digits", "objective=cybrog"], "Did you mean 'cyborg'?"),
        (["train", "data=digits", "data.correlatoin=1"], "Did you mean 'correlation'?"),
        (["train", "data=digits", "data.siez=64"], "Did you mean 'size'?"),
        (["train", "data=digits", "objective=cyborg", "objective.alhpa=1"], "mean 'alpha'?"),
        (["train", "recpie.yaml"], "Did you mean 'recipe.yaml'?"),
        (["train", "data=digits", "--resum", "x"], "--resume"),
    ],
)
def test_CF14_a_wrong_name_is_answered_with_the_right_one(call, tmp_path, words, right: str):
    (tmp_path / "recipe.yaml").write_text("data: digits\n")
    status, _, complaint = call(*words)
    assert status == 2
    assert right in complaint


def test_mistakes_in_all_parts_of_a_recipe_are_told_together():
    run = Run.load(
        None,
        [
            "data=digits",
            "data.marker=sticker",
            "objective=cyborg",
            "objective.alpha=2",
            "bench.objectives=[nonsense, {name: contrast, beta: -1}]",
        ],
    )
    with pytest.raises(ConfigError) as caught:
        complete(run)
    places = [problem.where for problem in caught.value.problems]
    assert places == [
        "data.marker",
        "objective.alpha",
        "bench.objectives.0",
        "bench.objectives.1.beta",
    ]


def test_a_complete_run_has_every_setting_written_out(tmp_path: Path):
    run = complete(Run.load(None, ["data=digits", "objective=cyborg", "objective.alpha=1"]))
    assert run.objective.settings == {"alpha": 1.0, "variant": "paper"}
    assert run.data.settings["correlation"] == 0.95
    run.save(tmp_path / "run.yaml")
    again = complete(Run.load(tmp_path / "run.yaml"))
    assert again.hash == run.hash
    assert complete(run) == run


@pytest.mark.parametrize("kind", ["objectives", "models", "datasets"])
def test_everything_there_is_can_be_listed(call, kind: str):
    from lookright import backbones, objectives
    from lookright.data import sets

    names = {
        "objectives": objectives.names(),
        "models": list(backbones.names()),
        "datasets": sets.names(),
    }[kind]
    status, shown, _ = call("list", kind)
    assert status == 0
    assert all(re.search(rf"^{name}\b", shown, re.MULTILINE) for name in names)
    assert names


def test_a_listing_names_settings_with_range_and_default(call):
    _, shown, _ = call("list", "objectives")
    assert "alpha = 0.5 (number in [0, 1])" in shown
    _, shown, _ = call("list", "objectives", "cyborg")
    assert "variant = paper (paper | released)" in shown
    assert "L = alpha CE" in shown


def test_two_recipes_are_refused(call):
    status, _, complaint = call("train", "a.yaml", "b.yaml")
    assert status == 2
    assert "a.yaml, b.yaml" in complaint


def test_a_folder_without_a_run_cannot_go_on(call):
    status, _, complaint = call("train", "--resume", "nowhere")
    assert status == 2
    assert complaint.startswith("nowhere: ")


TINY = [
    "data=digits",
    "data.train=16",
    "data.val=8",
    "data.test=8",
    "data.test_shifted=8",
    "data.size=32",
    "data.side=32",
    "model=lookright_tiny",
    "training.epochs=1",
    "training.batch=8",
    "evaluation.angles=[5]",
]


def test_CK15_train_makes_a_new_folder_each_time_and_never_overwrites(call, tmp_path: Path):
    assert call("train", *TINY)[0] == 0
    status, shown, _ = call("train", *TINY, "objective=cross_entropy")
    assert status == 0
    assert sorted(each.name for each in (tmp_path / "runs").iterdir()) == [
        "digits-cross_entropy-s0",
        "digits-cross_entropy-s0-2",
    ]
    assert re.search(r"^auroc +\S+ +\S+ +\S+ *$", shown, re.MULTILINE)
    status, _, complaint = call("train", *TINY, "--out", "runs/digits-cross_entropy-s0")
    assert status == 2
    assert "--resume" in complaint
    status, _, complaint = call("train", "--resume", "runs/digits-cross_entropy-s0", "seed=3")
    assert status == 2
    assert "seed was 0" in complaint
    status, _, _ = call("train", "--resume", "runs/digits-cross_entropy-s0", "training.workers=0")
    assert status == 0
    status, shown, _ = call("evaluate", "runs/digits-cross_entropy-s0", "--split", "test")
    assert status == 0
    assert "test_shifted" not in shown
    status, _, complaint = call("evaluate", "runs/digits-cross_entropy-s0", "--split", "tset")
    assert status == 2
    assert "Did you mean 'test'?" in complaint


def test_a_training_that_is_refused_leaves_no_folder(call, tmp_path: Path):
    status, _, complaint = call("train", *TINY, "model=resnet81", "--out", "deep/run")
    assert status == 2
    assert "Did you mean 'resnet18'?" in complaint
    assert not (tmp_path / "deep" / "run").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    assert call("train", *TINY, "model=resnet81", "--out", "mine")[0] == 2
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"


def test_runs_and_comparisons_do_not_share_a_folder(call, tmp_path: Path):
    for file in ("run.yaml", "bench.yaml"):
        (tmp_path / file).write_text("")
    for verb in ("train", "bench"):
        status, _, complaint = call(verb, *TINY, "--out", ".")
        assert status == 2
        assert "already" in complaint


SMALL = ["train=12", "val=4", "test=4", "test_shifted=4", "side=32"]


def test_from_folders_of_images_to_a_checked_manifest(call, tmp_path: Path):
    assert call("data", "make", "digits", *SMALL, "--out", "made")[0] == 0
    for number, image in enumerate(sorted((tmp_path / "made" / "images").iterdir())):
        for kind in ("images", "masks"):
            target = tmp_path / "study" / kind / ("odd", "even")[number % 2] / image.name
            target.parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "made" / kind / image.name).rename(target)
    status, shown, _ = call("init", "study")
    assert status == 0
    assert "24 images, 2 classes, 24 masks" in shown
    status, shown, _ = call("data", "split", "study/manifest.csv", "--seed", "1")
    assert status == 0
    status, shown, _ = call("data", "check", "study/manifest.csv")
    assert status == 0
    assert "0 errors" in shown
    assert (tmp_path / "study" / "manifest-check" / "check.html").is_file()
    assert (tmp_path / "study" / "manifest-check" / "check.json").is_file()


def test_a_check_that_finds_errors_exits_with_3(call, tmp_path: Path):
    assert call("data", "make", "digits", *SMALL, "--out", "made")[0] == 0
    next((tmp_path / "made" / "images").iterdir()).write_bytes(b"no image")
    status, shown, _ = call("data", "check", "made/manifest.csv", "--out", "found")
    assert status == 3
    assert "1 error," in shown
    assert (tmp_path / "found" / "check.html").is_file()


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["check", "nope.csv"], 3, "There is no such manifest"),
        (["check", "real.csv", "bits=11"], 2, "data.bits: Got 11"),
        (["check", "real.csv", "--siez", "3"], 2, "Did you mean 'size'?"),
        (["make", "digit"], 2, "Did you mean 'digits'?"),
        (["make", "digits", "correlatoin=1"], 2, "Did you mean 'correlation'?"),
        (["split", "real.csv", "--shares", "train"], 2, "--shares: Got 'train'."),
        (["split", "real.csv", "--shares", "train=1,tset=1"], 2, "'tset' is no split"),
    ],
)
def test_mistakes_with_data_are_explained(call, tmp_path: Path, words, status: int, text: str):
    (tmp_path / "real.csv").write_text("image,label\na.png,a\n")
    found, _, complaint = call("data", *words)
    assert found == status
    assert text in complaint


def test_tables_leave_out_single_angles_and_show_what_is_undefined(tmp_path: Path, capsys):
    (tmp_path / "results.csv").write_text(
        "split,by,value_of,measure,value,count,undefined\n"
        "test,all,,auroc,0.91234,10,0\ntest,all,,flip_-15,0.1,10,0\n"
        "test,group,a,auroc,0.1,5,0\nother,all,,auroc,NaN,10,10\n"
    )
    tables.show_results(tmp_path)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["measure", "test", "other"], ["auroc", "0.9123", "-"]]


def test_every_public_name_is_there_and_nothing_is_imported_before(tmp_path: Path):
    program = (
        "import sys, lookright\n"
        "assert not [n for n in ('torch', 'pydantic', 'numpy') if n in sys.modules]\n"
        "print(all(getattr(lookright, name) is not None for name in lookright.__all__))"
    )
    assert process("-c", program, folder=tmp_path).stdout == "True\n"


def test_objectives_can_be_imported_by_their_class_names():
    from lookright import objectives

    for name in objectives.names():
        found = objectives.find(name)
        assert getattr(lookright, found.__name__) is found
    with pytest.raises(AttributeError, match="Nonsense"):
        _ = lookright.Nonsense


def test_the_application_is_the_one_that_the_verbs_registered_with():
    assert {*VERBS} == set(failure.verbs(app))
