"""`lookright list`: what there is to choose from, each with one line and its settings."""

import inspect
import shutil
import sys
import textwrap
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer

from lookright.cli.application import PLAIN, app
from lookright.errors import ConfigError, Problem
from lookright.names import suggestion

_MARGIN = 23  # characters; the longest name has 21
_NO_BREAK = "\N{NO-BREAK SPACE}"


class Kind(StrEnum):
    """What can be listed."""

    objectives = "objectives"
    models = "models"
    datasets = "datasets"
    explainers = "explainers"
    attacks = "attacks"
    formats = "formats"
    public = "public"


@app.command("list", context_settings=PLAIN)
def list_things(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    name: Annotated[str, typer.Argument(help="Show all about this one.")] = "",
) -> None:
    """List objectives, models, data sets, explainers, attacks, formats or public sets.

    \b
    lookright list objectives
    lookright list objectives cyborg
    """
    lines = {
        Kind.objectives: _objectives,
        Kind.models: _models,
        Kind.datasets: _datasets,
        Kind.explainers: _explainers,
        Kind.attacks: _attacks,
        Kind.formats: _formats,
        Kind.public: _public,
    }
    for line in lines[kind](name):
        typer.echo(line)


def _objectives(name: str) -> Iterator[str]:
    from lookright import objectives

    for each in [name] if name else objectives.names():
        yield from _class(each, objectives.find(each), whole=bool(name))


def _attacks(name: str) -> Iterator[str]:
    from lookright import attacks

    for each in [name] if name else attacks.names():
        yield from _class(each, attacks.find(each), whole=bool(name))


def _datasets(name: str) -> Iterator[str]:
    from lookright.data import sets

    for each in [name] if name else sets.names():
        yield from _class(each, sets.find(each), whole=bool(name))


def _explainers(name: str) -> Iterator[str]:
    from lookright import explainers

    for each in [name] if name else explainers.names():
        yield from _class(each, explainers.find(each), whole=bool(name))


def _public(name: str) -> Iterator[str]:
    from lookright.cli.public_list import all_sets, one_set

    yield from one_set(name) if name else all_sets()


def _formats(name: str) -> Iterator[str]:
    from lookright.data import importers

    for each in [name] if name else importers.names():
        yield from _class(each, importers.find(each), whole=bool(name))


def _models(name: str) -> Iterator[str]:
    from lookright import backbones

    tested = backbones.names()
    if name and name not in tested:
        fix = suggestion(name, tested)
        raise ConfigError(Problem("MODEL", f"There is no tested model {name!r}.", fix=fix))
    for each in [name] if name else tested:
        yield from _entry(each, [tested[each]])
    yield ""
    yield "Any other timm network that ends in average pooling and one linear layer works as well."


def _class(name: str, found: type, whole: bool) -> Iterator[str]:
    from lookright.signature import describe

    about = inspect.getdoc(sys.modules[found.__module__]) or ""
    settings = [str(setting) for setting in describe(found)]
    if whole:
        yield from (f"{name}: {about}", "", inspect.getdoc(found) or "", "")
        yield from (f"    {setting}" for setting in settings or ["no settings"])
    else:
        unbroken = [setting.replace(" ", _NO_BREAK) for setting in settings]
        yield from _entry(name, [about.partition("\n")[0], ", ".join(unbroken)])


def _entry(name: str, paragraphs: list[str]) -> Iterator[str]:
    """Write a name on the left and wrapped text on the right."""
    width = max(60, min(100, shutil.get_terminal_size((100, 24)).columns)) - _MARGIN
    wrapped = [_lines(text, width) for text in paragraphs]
    for number, line in enumerate(each for lines in wrapped for each in lines):
        left = name if number == 0 else ""
        yield f"{left:<{_MARGIN}}{line}".replace(_NO_BREAK, " ")


def _lines(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)
