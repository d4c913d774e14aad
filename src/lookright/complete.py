"""Complete a recipe: what its objectives and its data set take is checked and filled in."""

from dataclasses import replace
from typing import TypeVar

from lookright import objectives
from lookright.configuration import Data, Method, Section
from lookright.data import sets
from lookright.errors import ConfigError, Problem
from lookright.run import Run
from lookright.signature import resolve

Named = TypeVar("Named", Data, Method)


def complete(run: Run) -> Run:
    """Return the run with every setting of its objectives and its data set written out.

    Raises one ConfigError with all that is wrong in any of them.
    """
    problems: list[Problem] = []
    data = _filled(run.data, "data", problems) if run.data.name else run.data
    objective = _filled(run.objective, "objective", problems)
    rows = tuple(
        _filled(method, f"bench.objectives.{number}", problems)
        for number, method in enumerate(run.bench.objectives)
    )
    if problems:
        raise ConfigError(*problems)
    bench = run.bench.model_copy(update={"objectives": rows})
    return run.model_copy(update={"data": data, "objective": objective, "bench": bench})


def _filled(section: Named, where: str, problems: list[Problem]) -> Named:
    try:
        return section.model_copy(update={"settings": _settings(section, where)})
    except ConfigError as error:
        problems.extend(replace(each, where=each.where or where) for each in error.problems)
        return section


def _settings(section: Data | Method, where: str) -> dict[str, object]:
    package = sets if isinstance(section, Data) else objectives
    maker = package.find(section.name or "")
    return resolve(maker, section.settings, where, also=_beside(type(section)))


def _beside(section: type[Section]) -> set[str]:
    """Name what else may stand beside a data set's own settings."""
    return set(section.model_fields) - {"settings"} if section is Data else set()
