"""A directory as a registry: every file in it defines one thing that keeps a promise."""

import inspect
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from types import UnionType
from typing import Generic, TypeVar

from lookright.errors import ConfigError, Problem
from lookright.names import suggestion

Promise = TypeVar("Promise")


@dataclass(frozen=True)
class Registry(Generic[Promise]):
    """The things of a package, each by the name of its file.

    >>> from lookright.objective import Objective
    >>> methods = Registry("lookright.objectives", Objective, "OBJECTIVE", "No objective {!r}.")
    >>> methods.find("energy").__name__
    'Energy'
    """

    package: str
    promise: type[Promise] | UnionType  # what every file has one subclass of
    code: str  # of the problem when a name is unknown
    unknown: str  # that problem in words, with {!r} for the name

    def names(self) -> list[str]:
        """List what there is, by file name; nothing is imported for it."""
        return sorted(module.name for module in iter_modules(import_module(self.package).__path__))

    def find(self, name: str) -> type[Promise]:
        """Return the class that the file of this name defines; ConfigError if there is none."""
        if name not in self.names():
            raise ConfigError(self.problem(name))
        module = import_module(f"{self.package}.{name}")
        (found,) = (each for each in vars(module).values() if self._is_own(each, module.__name__))
        return found

    def problem(self, name: str) -> Problem:
        """Say that there is no such name, and which one may be meant."""
        return Problem(self.code, self.unknown.format(name), fix=suggestion(name, self.names()))

    def _is_own(self, thing: object, module: str) -> bool:
        is_one = inspect.isclass(thing) and issubclass(thing, self.promise)
        return is_one and thing.__module__ == module
