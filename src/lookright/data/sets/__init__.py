"""Data sets that need no download, one file each. The directory is the registry."""

import inspect
from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from lookright.data.source import Source
from lookright.errors import ConfigError, Problem
from lookright.names import suggestion
from lookright.signature import build


def names() -> list[str]:
    """List the data sets, by file name."""
    return sorted(module.name for module in iter_modules(__path__))


def find(name: str) -> type[Source]:
    """Return the data set that the file of this name defines."""
    if name not in names():
        fix = suggestion(name, names())
        raise ConfigError(Problem("DATASET", f"There is no data set {name!r}.", fix=fix))
    module = import_module(f"{__name__}.{name}")
    (found,) = (each for each in vars(module).values() if _is_defined_in(each, module.__name__))
    return found


def make(name: str, settings: Mapping[str, Any], also: tuple[str, ...] = ()) -> Source:
    """Make a data set by name; its settings are its constructor's arguments."""
    return build(find(name), settings, "data", also)


def _is_defined_in(thing: object, module: str) -> bool:
    return inspect.isclass(thing) and issubclass(thing, Source) and thing.__module__ == module
