"""Changes to a configuration from the command line: `optimiser.lr=0.01`, `objective=cyborg`."""

from collections.abc import Iterable, Mapping
from typing import Any

from lookright.errors import ConfigError, Problem
from lookright.plain_yaml import read


def pairs(words: Iterable[str]) -> list[str]:
    """Bring `key=value`, `--key value` and `--key=value` into the one form `key=value`.

    >>> pairs(["seed=3", "--optimiser.lr", "0.01", "--name=first"])
    ['seed=3', 'optimiser.lr=0.01', 'name=first']
    """
    found: list[str] = []
    waiting = ""
    for word in words:
        if waiting:
            found.append(f"{waiting}={word}")
            waiting = ""
        elif word.startswith("--") and "=" not in word:
            waiting = word[2:]
        else:
            found.append(word.removeprefix("--"))
    if waiting:
        raise _refusal(f"--{waiting} stands without a value.", waiting)
    return found


def parse(words: Iterable[str]) -> dict[str, Any]:
    """Read overrides into dotted keys and values; values are YAML, and later ones win."""
    found: dict[str, Any] = {}
    for pair in pairs(words):
        key, equals, text = pair.partition("=")
        if not equals or not all(key.split(".")):
            raise _refusal(f"{pair!r} is no setting.", "", "Write key=value, as in seed=3.")
        found[key.strip()] = _value(key, text)
    return found


def apply(given: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a nested mapping with dotted keys changed.

    A section may be called by name: `objective=cyborg` is the objective of that name with its
    defaults; for other sections only `name` changes.
    """
    changed = dict(given)
    for key, value in changes.items():
        first, _, rest = key.partition(".")
        inner = changed.get(first)
        if rest:
            changed[first] = apply(_section(inner, first), {rest: value})
        elif isinstance(value, str) and isinstance(inner, Mapping) and first != "objective":
            changed[first] = {**inner, "name": value}
        else:
            changed[first] = value
    return changed


def _section(inner: Any, key: str) -> Mapping[str, Any]:
    if isinstance(inner, str):
        return {"name": inner}
    if inner is None or isinstance(inner, Mapping):
        return inner or {}
    raise _refusal(f"Holds {inner!r}, which has no settings of its own.", key)


def _value(key: str, text: str) -> Any:
    try:
        found = read(text, key, key.rpartition(".")[2])
    except ConfigError:
        if text[:1] in ("[", "{"):
            raise
        return text  # a sentence or a path that only looks like YAML
    return text if isinstance(found, dict) and text[:1] != "{" else found


def _refusal(what: str, where: str, fix: str = "") -> ConfigError:
    return ConfigError(Problem("CONFIG-OVERRIDE", what, where, fix))
