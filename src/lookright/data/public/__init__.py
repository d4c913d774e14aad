"""Published data sets by name, one file each. The directory is the registry."""

from collections.abc import Mapping
from typing import Any

from lookright.data.preparing.public_set import PublicSet
from lookright.registry import Registry
from lookright.signature import build

_REGISTRY = Registry(__name__, PublicSet, "PUBLIC", "There is no public data set {!r}.")
names, find = _REGISTRY.names, _REGISTRY.find


def make(name: str, settings: Mapping[str, Any]) -> PublicSet:
    """Make a set by name; its settings are its constructor's arguments."""
    return build(find(name), settings, name)
