"""A run: read, changed, checked, written, compared."""

from pathlib import Path

import pytest

from lookright.configuration import Section
from lookright.errors import ConfigError
from lookright.objectives import build
from lookright.overrides import pairs
from lookright.plain_yaml import read, write
from lookright.run import Run
from lookright.signature import describe, resolve


def load(*overrides: str) -> Run:
    return Run.load(None, ["data=digits", *overrides])


def refused(*overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        Run.load(None, overrides)
    return str(caught.value)


def recipe(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("epohcs=3", "'training.epochs'"),
        ("training.epohcs=3", "'epochs'"),
        ("lr=0.1", "'optimiser.lr'"),
        ("modle=resnet18", "'model'"),
        ("optimizer.lr=0.1", "'optimiser'"),
    ],
)
def test_CF01_an_unknown_key_is_answered_with_the_nearest_right_one(given: str, right: str):
    message = refused("data=digits", given)
    assert "Unknown setting" in message
    assert f"Did you mean {right}?" in message


def test_CF01_a_misspelt_key_beside_a_manifest_is_not_taken_for_a_setting_of_a_set():
    assert "Did you mean 'size'?" in refused("data.manifest=a.csv", "data.siez=64")


def test_CF02_every_offender_is_named_at_once_with_path_given_and_expected():
    lines = refused(
        "data=digits",
        "training.batch=many",
        "optimiser.name=sdg",
        "augmentation.flip=2",
        "training.workers=true",
        "data.colors=rgb",
        "objective.name=[1]",
    ).splitlines()
    found = dict(line.split(": ", 1) for line in lines)
    assert found["training.batch"].startswith("Got 'many', expected integer.")
    assert "Did you mean 'sgd'?" in found["optimiser.name"]
    assert found["augmentation.flip"].startswith("Got 2, expected less than or equal to 1.")
    assert found["training.workers"].startswith("Got true")
    assert found["objective.name"].startswith("Got ['1'], expected string.")
    assert len(lines) == 5  # what stands beside a name belongs to the data set


def test_CF02_what_is_missing_is_named_with_the_rest():
    message = refused("training.epochs=0")
    assert "data: Says not where images are." in message
    assert "training.epochs: Got 0" in message


def test_CF02_a_manifest_and_a_name_exclude_each_other():
    assert "both" in refused("data.manifest=a.csv", "data.name=digits")


def test_CF02_a_set_by_name_has_classes_of_its_own():
    assert "leave data.classes out" in refused("data=digits", "data.classes=[a, b]")


def test_CF02_a_section_that_is_no_section_is_refused():
    assert "training: Got 3, expected settings with names" in refused("data=digits", "training=3")
    assert "seed" in refused("data=digits", "seed=3", "seed.more=4")


def test_CF03_a_key_may_stand_only_once(tmp_path: Path):
    path = recipe(tmp_path, "seed: 1\ndata: {name: digits}\nseed: 2\n")
    with pytest.raises(ConfigError, match=r"recipe.yaml, line 3: 'seed' stands here twice"):
        Run.load(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("012", "012"),
        ("12:30:00", "12:30:00"),
        ("2024-01-01", "2024-01-01"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1e-4", 1e-4),
        ("1E4", 1e4),
        (".5", 0.5),
        ("-3", -3),
        ("'3'", "3"),
        ("true", True),
        ("~", None),
        ("", None),
    ],
)
def test_CF04_what_is_written_is_what_is_read(text: str, value: object):
    found = read(text)
    assert found == value
    assert type(found) is type(value)


def test_CF04_class_names_are_text_whatever_they_look_like(tmp_path: Path):
    path = recipe(
        tmp_path, "name: 012\ndata: {manifest: a.csv, classes: [no, 07, 1.10, 3, null]}\n"
    )
    run = Run.load(path)
    assert run.data.classes == ("no", "07", "1.10", "3", "null")
    assert run.name == "012"
    changed = Run.load(path, ["data.classes=[07,no]"])
    assert changed.data.classes == ("07", "no")
    assert Run.load(path, ["data.classes=null"]).data.classes is None
    assert changed.hash != run.hash


def test_CF04_numbers_in_scientific_notation_are_numbers(tmp_path: Path):
    path = recipe(tmp_path, "data: digits\noptimiser: {lr: 1e-4}\n")
    assert Run.load(path).optimiser.lr == 1e-4
    assert load("optimiser.lr=1e-4").optimiser.lr == 1e-4


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("seed: !!python/object/apply:os.system ['true']", "Tags such as"),
        ("seed: !!python/name:os.system", "Tags such as"),
        ("seed: !env HOME", "Tags such as"),
        (LAUGHS, "Unfolds to more than"),
        ("a: &a [*a]", "Contains itself"),
        ("seed: 1 #" + "x" * (1 << 20), "larger than 1 MiB"),
        ("[" * 5000, "nested too deeply"),
        ("seed: [1", "not valid YAML: .* in line 1, column 9"),
        ("? [1, 2]\n: 3", "A key must be one word"),
        ("- 1\n- 2", "expected settings"),
        ("just words", "expected settings"),
    ],
)
def test_CF05_hostile_or_broken_yaml_is_refused(tmp_path: Path, text: str, reason: str):
    with pytest.raises(ConfigError, match=reason):
        Run.load(recipe(tmp_path, text))


def test_CF05_a_file_that_is_no_text_or_not_there_is_refused(tmp_path: Path):
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        Run.load(tmp_path / "binary.yaml")
    with pytest.raises(ConfigError, match="no such recipe"):
        Run.load(tmp_path / "absent.yaml")


def test_an_alias_that_is_no_bomb_is_read():
    assert read("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}


def test_CF06_nothing_is_looked_up_in_the_environment(monkeypatch):
    monkeypatch.setenv("SECRET", "leaked")
    assert load("name=${oc.env:SECRET}").name == "${oc.env:SECRET}"


@pytest.mark.parametrize("key", ["_target_", "class_path", "init_args"])
def test_CF07_class_paths_are_unknown_settings_like_any(key: str):
    assert f"Unknown setting {key!r}" in refused("data=digits", f"optimiser.{key}=os.system")
    with pytest.raises(ConfigError, match=f"Unknown setting {key!r}"):
        build("cyborg", {key: "os.system"})


@pytest.mark.parametrize(
    "words",
    [
        ["optimiser.lr=0.01", "seed=3"],
        ["--optimiser.lr", "0.01", "--seed", "3"],
        ["--optimiser.lr=0.01", "seed=3"],
    ],
)
def test_CF08_three_ways_to_write_a_change_are_one(words: list[str]):
    assert pairs(words) == ["optimiser.lr=0.01", "seed=3"]
    assert load(*words).seed == 3


def test_CF08_a_change_without_a_value_is_refused():
    assert "--seed stands without a value" in refused("data=digits", "--seed")
    assert "key=value" in refused("data=digits", "cyborg")


def test_a_change_to_a_name_keeps_or_replaces_what_stands_beside_it(tmp_path: Path):
    path = recipe(
        tmp_path,
        "data: {name: digits, size: 64}\nobjective: {name: contrast, alpha: 0.7}\n"
        "optimiser: {name: sgd, lr: 0.1}\n",
    )
    run = Run.load(path, ["objective=cyborg", "optimiser=adam"])
    assert (run.objective.name, run.objective.settings) == ("cyborg", {})
    assert (run.optimiser.name, run.optimiser.lr) == ("adam", 0.1)
    assert Run.load(path, ["objective.beta=1"]).objective.settings == {"alpha": 0.7, "beta": 1}


def test_settings_join_a_name_that_stands_alone(tmp_path: Path):
    path = recipe(tmp_path, "data: digits\nobjective: cyborg\nmodel: null\n")
    run = Run.load(path, ["objective.alpha=0.3", "model.name=resnet34", "data.size=64"])
    assert run.objective.settings == {"alpha": 0.3}
    assert (run.model.name, run.data.name, run.data.size) == ("resnet34", "digits", 64)


def test_values_may_be_lists_mappings_and_sentences():
    run = load("bench.seeds=[4, 5]", "evaluation.splits=test,test_nih", "name=a: b, c")
    assert run.bench.seeds == (4, 5)
    assert run.evaluation.splits == ("test", "test_nih")
    assert run.name == "a: b, c"
    run = load("bench.seeds=4,5", "evaluation.angles=-5,5", "bench.objectives=energy,cyborg")
    assert (run.bench.seeds, run.evaluation.angles) == ((4, 5), (-5, 5))
    assert [method.name for method in run.bench.objectives] == ["energy", "cyborg"]
    assert "expected a list such as" in refused("data=digits", "bench.seeds=3")
    methods = load("bench.objectives=[cyborg, {name: cyborg, alpha: 0.1, label: low}]").bench
    assert [method.title for method in methods.objectives] == ["cyborg", "low"]


def test_two_rows_of_a_comparison_need_two_names():
    assert "label" in refused("data=digits", "bench.objectives=[cyborg, {name: cyborg, alpha: 1}]")
    assert "every entry once" in refused("data=digits", "bench.seeds=[1, 1]")


def test_a_run_survives_being_written_and_read(tmp_path: Path):
    run = load(
        "name=no",
        "data.digits=[1e3, 012, yes, 'a: b']",
        "data.marker=frame",
        "objective=cyborg",
        "objective.alpha=1e-5",
        "training.precision=32",
        "optimiser.betas=[0.8, 0.9]",
        "bench.objectives=[cross_entropy, {name: cyborg, alpha: 0.3, label: 1e3}]",
    )
    run.save(tmp_path / "run.yaml")
    assert Run.load(tmp_path / "run.yaml") == run
    assert Run.load(tmp_path / "run.yaml").hash == run.hash


@pytest.mark.parametrize(
    "value", ["1e-4", "1e4", "012", "no", "12:30", "~", "3.", "", "a\nb", 1e-7]
)
def test_yaml_is_read_as_it_was_written(value: object):
    assert read(write({"key": value})) == {"key": value}


def test_files_are_found_from_the_recipe_and_from_here(tmp_path: Path, monkeypatch):
    (tmp_path / "recipes").mkdir()
    path = recipe(tmp_path / "recipes", "data: {manifest: ../images.csv}\n")
    monkeypatch.chdir(tmp_path / "recipes")
    assert Run.load(path).data.manifest == (tmp_path / "images.csv").resolve()
    run = Run.load(path, ["data.manifest=other.csv", "model.weights=w.safetensors"])
    assert run.data.manifest == (tmp_path / "recipes" / "other.csv").resolve()
    assert run.model.weights == str((tmp_path / "recipes" / "w.safetensors").resolve())
    assert load("model.weights=pretrained").model.weights == "pretrained"
    run.save(tmp_path / "far" / "run.yaml")
    assert Run.load(tmp_path / "far" / "run.yaml") == run


HARMLESS = [
    "name=other",
    "data.cache=none",
    "objective.label=row",
    "training.workers=4",
    "training.device=cpu",
    "training.checkpoint_steps=7",
    "training.processes=2",
    "evaluation.angles=[-5, 5]",
    "bench.jobs=2",
]
DECIDING = [
    "seed=1",
    "data.size=64",
    "data.marker=corner",
    "augmentation.flip=0.5",
    "model=resnet34",
    "objective=cyborg",
    "objective.alpha=0.1",
    "optimiser.lr=0.01",
    "schedule=step",
    "training.batch=16",
    "training.precision=bf16",
]


@pytest.mark.parametrize("change", HARMLESS)
def test_CK16_harmless_changes_make_no_difference(change: str):
    assert load(change).hash == load().hash
    assert load().differences(load(change)) == []


@pytest.mark.parametrize("change", DECIDING)
def test_CK16_what_decides_the_result_makes_a_difference(change: str):
    assert load(change).hash != load().hash
    assert load().differences(load(change))


def test_CK16_differences_are_listed_with_both_values():
    before, after = (
        load("seed=1", "objective=cyborg"),
        load("optimiser.lr=0.01", "training.workers=3"),
    )
    found = dict((key, (old, new)) for key, old, new in before.differences(after))
    assert found == {
        "seed": (1, 0),
        "objective.name": ("cyborg", "cross_entropy"),
        "optimiser.lr": (3e-4, 0.01),
    }


def test_a_project_may_move_but_another_manifest_is_another_run():
    def run(path: str) -> Run:
        return Run.load(None, [f"data.manifest={path}"])

    assert run("here/a.csv").hash == run("there/a.csv").hash
    assert run("here/a.csv").hash != run("here/b.csv").hash


@pytest.mark.parametrize(
    "change",
    [
        "optimiser.lr=0",
        "optimiser.lr=-1",
        "optimiser.lr=.nan",
        "optimiser.lr=.inf",
        "optimiser.momentum=1",
        "optimiser.weight_decay=-0.1",
        "optimiser.betas=[0.9, 1]",
        "schedule.warmup=1",
        "schedule.gamma=0",
        "training.epochs=0",
        "training.epochs=2.5",
        "training.epochs=true",
        "training.batch=0",
        "training.clip=0",
        "training.workers=-1",
        "training.device=gpu",
        "training.precision=16",
        "model.weights=weights.pth",
        "augmentation.crop=0",
        "evaluation.angles=[200]",
        "seed=-1",
    ],
)
def test_TR14_a_number_that_cannot_be_right_is_refused(change: str):
    key = change.partition("=")[0]
    assert refused("data=digits", change).startswith(f"{key}")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("cyborg", {"alpha": 1.5}),
        ("cyborg", {"alpha": -0.1}),
        ("cyborg", {"alpha": float("nan")}),
        ("cyborg", {"variant": "papre"}),
        ("decision_energy", {"weight": -1}),
        ("decision_energy", {"weight": "heavy"}),
    ],
)
def test_TR14_settings_of_objectives_are_checked_against_their_constructors(name, settings):
    (key,) = settings
    with pytest.raises(ConfigError, match=rf"^objective\.{key}: Got "):
        build(name, settings)


def test_TR14_a_misspelt_setting_of_an_objective_is_answered_with_the_right_one():
    with pytest.raises(ConfigError, match="Did you mean 'alpha'"):
        build("cyborg", {"alhpa": 0.3})
    with pytest.raises(ConfigError, match="There are no settings here"):
        build("cross_entropy", {"alpha": 0.3})


def test_settings_reach_the_objective():
    assert build("cyborg", {"alpha": "0.25"}).alpha == 0.25


class Example:
    """An example of what constructors may take."""

    def __init__(
        self, sizes: tuple[str, ...], share: float | None = None, fast: bool = True, seed: int = 3
    ) -> None:
        self.given = (sizes, share, fast, seed)


def test_a_constructor_is_described_in_words():
    assert [str(setting) for setting in describe(Example)] == [
        "sizes = ? (list of text)",
        "share = null (number | null)",
        "fast = true (true | false)",
        "seed = 3 (whole number)",
    ]


def test_defaults_are_filled_in_and_numbers_may_be_names():
    found = resolve(Example, {"sizes": [3, "08"]})
    assert found == {"sizes": ("3", "08"), "share": None, "fast": True, "seed": 3}
    with pytest.raises(ConfigError, match=r"here\.sizes: Is missing"):
        resolve(Example, {}, where="here")


def test_a_run_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load().seed = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_every_section_is_documented():
    undocumented = [each.__name__ for each in Section.__subclasses__() if not each.__doc__]
    assert undocumented == []
