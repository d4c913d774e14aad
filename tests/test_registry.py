"""A directory is a registry: a file is a name, and its class is what the name stands for."""

from pathlib import Path

import pytest

from lookright import attacks, explainers, objectives
from lookright.attack import Attack, Constructed, Taught
from lookright.data import exporters, importers, public, sets
from lookright.errors import ConfigError
from lookright.objective import Objective
from lookright.registry import Registry

PACKAGES = (objectives, attacks, explainers, sets, importers, exporters, public)
every_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)


@every_package
def test_the_files_of_a_package_are_its_names(package) -> None:
    files = [file.stem for file in Path(package.__file__).parent.glob("*.py")]
    assert package.names() == sorted(set(files) - {"__init__"})


@every_package
def test_every_name_finds_one_class_of_its_own_file(package) -> None:
    for name in package.names():
        assert package.find(name).__module__ == f"{package.__name__}.{name}"


@every_package
def test_a_name_that_is_unknown_is_named_with_the_one_that_may_be_meant(package) -> None:
    first = package.names()[0]
    with pytest.raises(ConfigError) as caught:
        package.find(first + "x")
    (problem,) = caught.value.problems
    assert repr(first + "x") in problem.what
    assert first in problem.fix


def test_the_two_kinds_of_attack_are_both_found() -> None:
    kinds = [attacks.find(name) for name in attacks.names()]
    assert all(issubclass(kind, Attack) for kind in kinds)
    assert any(issubclass(kind, Taught) for kind in kinds)
    assert any(issubclass(kind, Constructed) for kind in kinds)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty package that can be imported by its folder's name."""
    made = tmp_path / f"methods_{tmp_path.name}"
    made.mkdir()
    (made / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return made


def registry(package: Path) -> Registry[Objective]:
    return Registry(package.name, Objective, "OBJECTIVE", "There is no {!r}.")


@pytest.mark.parametrize("own", ["", "class One(Objective): ...\nclass Two(Objective): ...\n"])
def test_a_file_must_define_exactly_one(package: Path, own: str) -> None:
    """What a file merely imports is not its own."""
    (package / "mine.py").write_text("from lookright.objective import Objective\n" + own)
    with pytest.raises(ValueError, match="values to unpack"):
        registry(package).find("mine")


def test_listing_names_imports_none_of_the_files(package: Path) -> None:
    (package / "broken.py").write_text("raise RuntimeError")
    assert registry(package).names() == ["broken"]
    with pytest.raises(RuntimeError):
        registry(package).find("broken")
