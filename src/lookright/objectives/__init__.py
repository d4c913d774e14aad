"""Ways to train, one file each. The directory is the registry: a file here is a method."""

import inspect
from importlib import import_module
from pkgutil import iter_modules

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


def _is_defined_in(thing: object, module: str) -> bool:
    return inspect.isclass(thing) and issubclass(thing, Objective) and thing.__module__ == module
