"""Only what JSON gives back unchanged may enter a bundle."""

import math
from collections.abc import Iterator
from typing import Any

from lookright.errors import Problem, RunError

_ATOMS = (str, int, float, bool, type(None))


def require_plain(state: Any) -> None:
    """Raise a `RunError` that lists every value that JSON would change, lose or refuse.

    Exact types only: a NumPy number passes for a float until somebody loads it.
    """
    problems = [
        Problem("CKPT-STATE", what, where, "Convert it before saving.")
        for where, what in _offences(state, "state")
    ]
    if problems:
        raise RunError(*problems)


def _offences(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if type(value) is dict:
        for key, item in value.items():
            if type(key) is not str:
                yield where, f"the key {key!r} is not a string but {_kind(key)}."
            yield from _offences(item, f"{where}.{key}")
    elif type(value) is list:
        for position, item in enumerate(value):
            yield from _offences(item, f"{where}.{position}")
    elif type(value) not in _ATOMS:
        yield where, f"{_kind(value)} is not plain JSON."
    elif isinstance(value, float) and not math.isfinite(value):
        yield where, f"{value} is not plain JSON."


def _kind(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
