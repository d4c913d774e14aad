"""Data sets that need no download, one file each. The directory is the registry."""

from collections.abc import Mapping
from typing import Any

from lookright.data.source import Source
from lookright.registry import Registry
from lookright.signature import build

_REGISTRY = Registry(__name__, Source, "DATASET", "There is no data set {!r}.")
names, find = _REGISTRY.names, _REGISTRY.find


def make(name: str, settings: Mapping[str, Any], also: tuple[str, ...] = ()) -> Source:
    """Make a data set by name; its settings are its constructor's arguments."""
    return build(find(name), settings, "data", also)
