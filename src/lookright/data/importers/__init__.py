"""Readers of other tools' annotations, one file each. The directory is the registry."""

import inspect
from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from lookright.data.exchange.importer import Importer
from lookright.errors import ConfigError, Problem
from lookright.names import suggestion
from lookright.signature import build


def names() -> list[str]:
    """List the formats, by file name."""
    return sorted(module.name for module in iter_modules(__path__))


def find(name: str) -> type[Importer]:
    """Return the importer that the file of this name defines."""
    if name not in names():
        fix = suggestion(name, names())
        raise ConfigError(Problem("FORMAT", f"There is no format {name!r}.", fix=fix))
    module = import_module(f"{__name__}.{name}")
    (found,) = (each for each in vars(module).values() if _is_defined_in(each, module.__name__))
    return found


def make(name: str, settings: Mapping[str, Any]) -> Importer:
    """Make an importer by name; its settings are its constructor's arguments."""
    return build(find(name), settings, name)


def _is_defined_in(thing: object, module: str) -> bool:
    return inspect.isclass(thing) and issubclass(thing, Importer) and thing.__module__ == module
