"""Ways to train, one file each. The directory is the registry: a file here is a method."""

from collections.abc import Mapping
from typing import Any

from lookright import signature
from lookright.objective import Objective
from lookright.registry import Registry

_REGISTRY = Registry(__name__, Objective, "OBJECTIVE", "There is no objective {!r}.")
names, find = _REGISTRY.names, _REGISTRY.find


def build(name: str, settings: Mapping[str, Any]) -> Objective:
    """Make the objective of this name, or say everything that is wrong with its settings."""
    return signature.build(find(name), settings, where="objective")


def resolve(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Check an objective's settings and fill in its defaults, without making it."""
    return signature.resolve(find(name), settings, where="objective")
