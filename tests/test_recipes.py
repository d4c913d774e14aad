"""Every recipe loads, and those that name a paper ask for what its tables need."""

from pathlib import Path

import pytest

from lookright import published
from lookright.complete import complete
from lookright.run import Run

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))
PAPERS = [path for path in RECIPES if Run.load(path).bench.published]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_complete_and_says_its_command(path: Path):
    run = complete(Run.load(path))
    assert run.name == path.stem
    assert complete(Run.of(run.model_dump(mode="json"))) == run
    head = path.read_text().partition("\nname:")[0]
    assert f" recipes/{path.name} " in head
    assert "\n# Result: " in head


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.stem)
def test_a_recipe_of_a_paper_repeats_its_methods_seeds_and_protocol(path: Path):
    run = Run.load(path)
    task = published.find(run.bench.published or "")
    names = [method.name for method in run.bench.objectives]
    assert set(task.methods) < set(names)
    kinds = {table.of for table in task.tables}
    assert ("fold" in kinds) == (run.bench.folds is not None)
    assert ("part" in kinds) == (run.evaluation.shared is not None)
    assert {table.runs for table in task.tables} == {len(run.bench.seeds)}
    assert (run.model.name, run.optimiser.lr, run.training.epochs) == ("densenet121", 0.002, 50)


def test_every_published_task_has_its_recipe():
    assert sorted(Run.load(path).bench.published or "" for path in PAPERS) == published.names()
