"""Ways to train, one file each. The directory is the registry: a file here is a method."""

import inspect
from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from lookright import signature
from lookright.errors import ConfigError, Problem
from lookright.names import suggestion
from lookright.objective import Objective


def names() -> list[str]:
    """List the methods, by file name."""
    return sorted(module.name for module in iter_modules(__path__))


def find(name: str) -> type[Objective]:
    """Return the objective that the file of this name defines."""
    if name not in names():
        fix = suggestion(name, names())
        raise ConfigError(Problem("OBJECTIVE", f"There is no objective {name!r}.", fix=fix))
    module = import_module(f"{__name__}.{name}")
    (found,) = (each for each in vars(module).values() if _is_defined_in(each, module.__name__))
    return found


def build(name: str, settings: Mapping[str, Any]) -> Objective:
    """Make the objective of this name, or say everything that is wrong with its settings."""
    return signature.build(find(name), settings, where="objective")


def resolve(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Check an objective's settings and fill in its defaults, without making it."""
    return signature.resolve(find(name), settings, where="objective")


def _is_defined_in(thing: object, module: str) -> bool:
    return inspect.isclass(thing) and issubclass(thing, Objective) and thing.__module__ == module
