"""Writers of other tools' annotations, one file each. The directory is the registry."""

from collections.abc import Mapping
from typing import Any

from lookright.data.exchange.exporter import Exporter
from lookright.registry import Registry
from lookright.signature import build

_REGISTRY = Registry(__name__, Exporter, "FORMAT", "There is no format {!r} to write.")
names, find = _REGISTRY.names, _REGISTRY.find


def make(name: str, settings: Mapping[str, Any]) -> Exporter:
    """Make an exporter by name; its settings are its constructor's arguments."""
    return build(find(name), settings, name)
