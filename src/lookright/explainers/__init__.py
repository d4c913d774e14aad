"""Ways to draw where a model looks, one file each. The directory is the registry."""

from collections.abc import Mapping, Sequence
from typing import Any

from lookright import signature
from lookright.errors import ConfigError
from lookright.explainer import Explainer, missing
from lookright.registry import Registry

_REGISTRY = Registry(__name__, Explainer, "EXPLAINER", "There is no explainer {!r}.")
names, find = _REGISTRY.names, _REGISTRY.find


def build(name: str, settings: Mapping[str, Any] | None = None) -> Explainer:
    """Make the explainer of this name; ConfigError for wrong settings and for a missing extra."""
    lacking = missing(name, find(name))
    if lacking:
        raise ConfigError(*lacking)
    return signature.build(find(name), settings or {}, where=name)


def build_all(wanted: Sequence[str]) -> dict[str, Explainer]:
    """Make explainers by name, with their defaults; all names that cannot be had are reported."""
    known = names()
    problems = [_REGISTRY.problem(name) for name in wanted if name not in known]
    for name in wanted:
        problems += missing(name, find(name)) if name in known else []
    if problems:
        raise ConfigError(*problems)
    return {name: build(name) for name in wanted}
