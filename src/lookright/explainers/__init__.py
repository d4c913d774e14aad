"""Ways to draw where a model looks, one file each. The directory is the registry."""

import inspect
from collections.abc import Mapping, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from lookright import signature
from lookright.errors import ConfigError, Problem
from lookright.explainer import Explainer, missing
from lookright.names import suggestion


def names() -> list[str]:
    """List the explainers, by file name."""
    return sorted(module.name for module in iter_modules(__path__))


def find(name: str) -> type[Explainer]:
    """Return the explainer that the file of this name defines."""
    if name not in names():
        raise ConfigError(_unknown(name))
    module = import_module(f"{__name__}.{name}")
    (found,) = (each for each in vars(module).values() if _is_defined_in(each, module.__name__))
    return found


def build(name: str, settings: Mapping[str, Any] | None = None) -> Explainer:
    """Make the explainer of this name; ConfigError for wrong settings and for a missing extra."""
    lacking = missing(name, find(name))
    if lacking:
        raise ConfigError(*lacking)
    return signature.build(find(name), settings or {}, where=name)


def build_all(wanted: Sequence[str]) -> dict[str, Explainer]:
    """Make explainers by name, with their defaults; all names that cannot be had are reported."""
    known = names()
    problems = [_unknown(name) for name in wanted if name not in known]
    for name in wanted:
        problems += missing(name, find(name)) if name in known else []
    if problems:
        raise ConfigError(*problems)
    return {name: build(name) for name in wanted}


def _unknown(name: str) -> Problem:
    fix = suggestion(name, names())
    return Problem("EXPLAINER", f"There is no explainer {name!r}.", fix=fix)


def _is_defined_in(thing: object, module: str) -> bool:
    return inspect.isclass(thing) and issubclass(thing, Explainer) and thing.__module__ == module
