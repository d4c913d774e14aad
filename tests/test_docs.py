"""The reference pages say what the code does: every key, setting, measure and column."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from lookright import objectives, stats
from lookright.data import sets, table
from lookright.interventions import INTERVENTIONS
from lookright.metrics import changes, summary
from lookright.run import Run
from lookright.selection import MEASURES
from lookright.signature import Setting, describe

DOCS = Path(__file__).parents[1] / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def rows(text: str) -> dict[str, list[str]]:
    """Read the tables of a text: the cells of each row by what stands in code in its first cell."""
    lines = re.findall(r"^\| `(.+?)\| *$", text, re.MULTILINE)
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)] for line in lines]
    return {first.split("`")[0]: rest for first, *rest in cells}


def named(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


def section(text: str, heading: str) -> str:
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def kind(setting: Setting) -> str:
    return setting.kind.replace(" | ", " or ").replace("list of Method", "list of objectives")


def keys(section: type[BaseModel] = Run, above: str = "") -> dict[str, Setting]:
    """List every key of a run that people write, with its kind and default."""
    found: dict[str, Setting] = {}
    for own in describe(section):
        inner = section.model_fields[own.name].annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= keys(inner, f"{above}{own.name}.")
        elif own.name != "settings":
            found[above + own.name] = own
    return found


def test_the_page_about_configuration_lists_every_key_its_kind_and_its_default():
    written = {key: tuple(cells[:2]) for key, cells in rows(page("configuration.md")).items()}
    assert written == {key: (kind(each), each.default) for key, each in keys().items()}


@pytest.mark.parametrize("name", objectives.names())
def test_the_page_about_methods_lists_every_setting_and_its_default(name: str):
    text = section(page("methods.md"), name)
    assert "L = " in text
    written = {key: tuple(cells[:2]) for key, cells in rows(text).items()}
    assert written == {e.name: (e.default, kind(e)) for e in describe(objectives.find(name))}


def test_the_readme_and_the_overview_name_every_method():
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert set(rows(section(readme, "Methods"))) == set(objectives.names())
    assert set(re.findall(r"^\| \[(\w+)\]", page("methods.md"), re.MULTILINE)) == set(
        objectives.names()
    )


@pytest.mark.parametrize("name", sets.names())
def test_the_page_about_data_lists_every_setting_of_a_set_and_its_default(name: str):
    written = {k: tuple(v[:2]) for k, v in rows(section(page("data.md"), name)).items()}
    assert written == {e.name: (kind(e), e.default) for e in describe(sets.find(name))}


def test_the_page_about_data_lists_every_column_of_a_manifest():
    assert set(rows(section(page("data.md"), "A manifest"))) == {*table.REQUIRED, *table.OPTIONAL}


def test_the_page_about_measures_defines_every_measure():
    made = ["flip_rate", "flip_rate_any", "flip_rate_right", "flip_rate_wrong"]
    made += ["flip_rate_control", "mean_dp", "worst_group_accuracy"]
    assert {*summary.SCORES, *summary.PER_IMAGE, *made} <= named(page("measures.md"))


def test_the_page_about_files_lists_every_column():
    text = page("files.md")
    assert {*stats.COLUMNS, *summary.COLUMNS, *summary.PER_IMAGE} <= named(text)
    history = text.partition("**metrics.jsonl**")[2].partition("\n\n")[0]
    assert all(name in history for name in MEASURES)


def test_the_page_about_measures_defines_every_intervention_and_what_is_made_of_it():
    text = page("measures.md").partition("\n### Interventions\n")[2].partition("\n## ")[0]
    kinds = ("drop", "changed", "area", "auroc", "auroc_change", "accuracy")
    made = {f"{kind}_<intervention>" for kind in kinds}
    assert {*INTERVENTIONS, *made, *changes.MEANS} <= named(text)
    columns = {"drop_<intervention>", "changed_<intervention>", "area_<intervention>"}
    assert {*columns, *changes.MEANS} <= named(page("files.md"))
