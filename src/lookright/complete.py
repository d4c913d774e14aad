"""Complete a recipe: what its objectives and its data set take is checked and filled in."""

from collections.abc import Callable, Mapping
from typing import Any

from lookright import objectives
from lookright.configuration import Data, Method
from lookright.data import sets
from lookright.errors import ConfigError, Problem
from lookright.run import Run
from lookright.signature import resolve

Resolve = Callable[[str, Mapping[str, Any]], dict[str, Any]]


def complete(run: Run) -> Run:
    """Return the run with every setting of its objectives and its data set written out.

    Raises one ConfigError with all that is wrong in any of them.
    """
    problems: list[Problem] = []
    data = run.data
    if data.name:
        data = _completed(data, data.name, _resolve_set, problems)
    chosen = [_method(method, problems) for method in (run.objective, *run.bench.objectives)]
    if problems:
        raise ConfigError(*dict.fromkeys(problems))
    bench = run.bench.model_copy(update={"objectives": tuple(chosen[1:])})
    return run.model_copy(update={"data": data, "objective": chosen[0], "bench": bench})


def _resolve_set(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return resolve(sets.find(name), settings, "data", also=set(Data.model_fields) - {"settings"})


def _method(method: Method, problems: list[Problem]) -> Method:
    return _completed(method, method.name, objectives.resolve, problems)


def _completed(section: Any, name: str, made: Resolve, problems: list[Problem]) -> Any:
    try:
        return section.model_copy(update={"settings": made(name, section.settings)})
    except ConfigError as error:
        problems.extend(error.problems)
        return section
