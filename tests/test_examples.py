"""Every example in a docstring runs, and every public name has one."""

import ast
import doctest
import inspect
from importlib import import_module
from pathlib import Path

import pytest

import lookright
from lookright import objectives
from lookright.objective import Objective

SOURCE = Path(lookright.__file__).parent
METHODS = [objectives.find(name).__name__ for name in objectives.names()]


def examples() -> dict[str, str]:
    """Find the docstrings with examples, by where they stand.

    In the source and not in the modules: what checks shapes in tests hides functions from doctest.
    """
    found: dict[str, str] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        place = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if ">>>" in text else ():
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                about = ast.get_docstring(node) or ""
                if ">>>" in about:
                    found[f"{place}:{getattr(node, 'name', '')}"] = about
    return found


def run(place: str, about: str) -> doctest.TestResults:
    names = dict(vars(import_module(place.partition(":")[0].removesuffix(".__init__"))))
    test = doctest.DocTestParser().get_doctest(about, names, place, place, 0)
    return doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)


@pytest.mark.parametrize("place", examples())
def test_an_example_gives_what_it_says(place: str):
    result = run(place, examples()[place])
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("name", lookright.__all__)
def test_every_public_name_has_an_example(name: str):
    assert ">>>" in (inspect.getdoc(getattr(lookright, name)) or "")


@pytest.mark.parametrize("method", METHODS)
def test_every_objective_is_used_as_the_example_of_all_objectives_says(method: str):
    about = inspect.getdoc(Objective) or ""
    assert about.count("Cyborg") == 2
    assert run("lookright.objective:Objective", about.replace("Cyborg", method)).failed == 0
