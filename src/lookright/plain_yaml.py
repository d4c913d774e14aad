"""YAML without its surprises: what is written is what is read.

Only `true`, `false`, `null` and decimal numbers are more than text: `no` stays a word, `012` keeps
its zero, `12:30` is no number of seconds, and `1e-4` is a number. A key may stand only once, tags
are refused, and a file may neither be huge nor unfold to something huge.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from lookright.errors import ConfigError, Problem

SIZE = 1 << 20  # bytes
UNFOLDED = 10_000  # values, after every alias has been replaced by what it stands for
TEXT = frozenset(
    {"classes", "name", "label"}
)  # text whatever it looks like: a class may be called 07
_STANDARD = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map")}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_WORDS |= {"True": True, "False": False, "Null": None, "None": None, "NULL": None}
_WORDS |= {sign + ".inf": float(sign + "inf") for sign in ("", "+", "-")} | {".nan": float("nan")}


def read_file(path: Path) -> Any:
    """Read a YAML file; an empty one is None."""
    try:
        content = path.read_bytes()[: SIZE + 1]
        return read(content.decode("utf-8-sig"), str(path))
    except OSError as error:
        raise _refusal(f"Cannot be read: {error.strerror or error}.", str(path)) from error
    except UnicodeDecodeError as error:
        raise _refusal("Is not UTF-8 text.", str(path)) from error


def read(text: str, where: str = "", key: str = "") -> Any:
    """Read YAML text; `key` is what the value is for, as some keys hold text only.

    >>> read("lr: 1e-4\\nfill: no\\nclasses: [07, 1.10]")
    {'lr': 0.0001, 'fill': 'no', 'classes': ['07', '1.10']}
    """
    if len(text) > SIZE:
        raise _refusal(f"Is larger than {SIZE >> 20} MiB; no configuration is.", where)
    try:
        node = yaml.compose(text, Loader=yaml.BaseLoader)
        if node is None:
            return None
        _weigh(node, where, {}, ())
        return _value(node, where, key in TEXT)
    except yaml.YAMLError as error:
        raise _refusal(f"Is not valid YAML: {_one_line(error)}.", where) from error
    except RecursionError as error:
        raise _refusal("Is nested too deeply.", where) from error


def write(mapping: dict[str, Any]) -> str:
    """Write a mapping so that `read` returns it unchanged."""
    return yaml.dump(mapping, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Quotes what either reading would take for a number."""


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(f"^{_NUMBER.pattern}$"), None)


def _weigh(node: yaml.Node, where: str, known: dict[int, int], above: tuple[int, ...]) -> int:
    """Count the values that a node unfolds to, and refuse tags and circles on the way."""
    if id(node) in above:
        raise _refusal("Contains itself.", _at(node, where))
    if node.tag not in _STANDARD:
        fix = "Names only: nothing in a configuration is ever executed or imported."
        raise _refusal(f"Tags such as {node.tag!r} are refused.", _at(node, where), fix)
    if id(node) not in known:
        parts = [] if isinstance(node, yaml.ScalarNode) else node.value
        parts = [part for pair in parts for part in (pair if isinstance(pair, tuple) else (pair,))]
        inside = (*above, id(node))
        known[id(node)] = 1 + sum(_weigh(part, where, known, inside) for part in parts)
    if known[id(node)] > UNFOLDED:
        raise _refusal(f"Unfolds to more than {UNFOLDED} values.", _at(node, where))
    return known[id(node)]


def _value(node: yaml.Node, where: str, text: bool = False, inside: bool = False) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_value(part, where, text, inside=True) for part in node.value]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, where)
    assert isinstance(node, yaml.ScalarNode)
    if node.style is not None:  # quoted, or a block of text
        return node.value
    if text:
        return node.value if inside or _WORDS.get(node.value, "") is not None else None
    return _scalar(node.value)


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _mapping(node: yaml.MappingNode, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _refusal("A key must be one word.", _at(key, where))
        if key.value in found:
            raise _refusal(f"{key.value!r} stands here twice.", _at(key, where), "Keep one.")
        found[key.value] = _value(value, where, key.value in TEXT)
    return found


def _at(node: yaml.Node, where: str) -> str:
    return f"{where}, line {node.start_mark.line + 1}" if where else ""


def _one_line(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"{error.problem} in line {mark.line + 1}, column {mark.column + 1}"
    return " ".join(str(error).split())


def _refusal(what: str, where: str, fix: str = "") -> ConfigError:
    return ConfigError(Problem("CONFIG-YAML", what, where, fix))
