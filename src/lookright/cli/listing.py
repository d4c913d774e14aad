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

_NO_BREAK = "\N{NO-BREAK SPACE}"


class Kind(StrEnum):
    """What can be listed."""

    objectives = "objectives"
    models = "models"
    datasets = "datasets"


@app.command("list", context_settings=PLAIN)
def list_things(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    name: Annotated[str, typer.Argument(help="Show all about this one.")] = "",
) -> None:
    """List objectives, models or data sets.

    \b
    lookright list objectives
    lookright list objectives cyborg
    """
    lines = {Kind.objectives: _objectives, Kind.models: _models, Kind.datasets: _datasets}
    for line in lines[kind](name):
        typer.echo(line)


def _objectives(name: str) -> Iterator[str]:
    from lookright import objectives

    for each in [name] if name else objectives.names():
        yield from _class(each, objectives.find(each), whole=bool(name))


def _datasets(name: str) -> Iterator[str]:
    from lookright.data import sets

    for each in [name] if name else sets.names():
        yield from _class(each, sets.find(each), whole=bool(name))


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
    if not whole:
        yield from _entry(
            name, [about.partition("\n")[0], ", ".join(_unbroken(each) for each in settings)]
        )
        return
    yield from (f"{name}: {about}", "", inspect.getdoc(found) or "", "")
    yield from (f"    {setting}" for setting in settings or ["no settings"])


def _unbroken(text: str) -> str:
    return text.replace(" ", _NO_BREAK)


def _entry(name: str, paragraphs: list[str]) -> Iterator[str]:
    width = max(60, min(100, shutil.get_terminal_size().columns))
    margin = " " * 18
    lines = [
        line.replace(_NO_BREAK, " ")
        for paragraph in paragraphs
        for line in textwrap.wrap(paragraph, width - len(margin), break_on_hyphens=False)
    ]
    first, *rest = lines or [""]
    if len(name) >= len(margin):
        yield name
        yield f"{margin}{first}"
    else:
        yield f"{name:<{len(margin)}}{first}"
    yield from (f"{margin}{line}" for line in rest)
