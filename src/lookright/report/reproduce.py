"""How to get the same numbers again: the command, the settings, the versions, the hashes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from lookright.report.privacy import redacted


@dataclass(frozen=True)
class Recipe:
    """What somebody else needs to repeat this."""

    command: str
    settings: str  # YAML, without folders
    facts: tuple[tuple[str, str], ...]


def recipe(command: str, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> Recipe:
    """Write settings and facts without the folders of this machine."""
    text = yaml.safe_dump(redacted(dict(settings)), sort_keys=False, allow_unicode=True, width=90)
    return Recipe(command, text, tuple(_flat(redacted(dict(facts)))))


def _flat(facts: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in facts.items():
        name = f"{above}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            rows += _flat(value, f"{name} · ")
        elif written := _written(value):
            rows.append((name, written))
    return rows


def _written(value: Any) -> str:
    if isinstance(value, list | tuple):
        first = ", ".join(str(each) for each in value[:20])
        return first + (f" and {len(value) - 20} more" if len(value) > 20 else "")
    return f"{value:g}" if isinstance(value, float) else str(value)
