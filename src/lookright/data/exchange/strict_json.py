"""JSON without its surprises: one value per key, no NaN, and errors that say where."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from lookright.data.images.decode import content
from lookright.errors import DataError, Problem

LARGEST = 1 << 30  # bytes of one file
Shrink = Callable[[dict[str, Any]], dict[str, Any]]


def read_json(file: Path, where: str, shrink: Shrink | None = None) -> Any:
    """Read a JSON file whole; `shrink` is given each object as soon as it is complete.

    With it a reader keeps long lists as arrays, so that memory stays near the size of the file.
    Raises DataError for keys that come twice, NaN and Infinity, trailing commas and all else that
    is not JSON, and for files larger than `LARGEST`.
    """
    if file.is_file() and file.stat().st_size > LARGEST:
        what = f"The file has {file.stat().st_size / 2**30:.1f} GiB; {LARGEST >> 30} is the most."
        raise DataError(Problem("JSON-LARGE", what, where, "Export it in parts."))
    return parse_json(content(file, where), where, shrink)


def parse_json(data: bytes, where: str, shrink: Shrink | None = None) -> Any:
    """Read JSON from bytes; see `read_json`.

    >>> parse_json(b'{"a": 1, "a": 2}', "x.json")
    Traceback (most recent call last):
    lookright.errors.DataError: x.json: The key 'a' comes twice in one object. [ERR-JSON]
    """

    def finished(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Make an object of its pairs, if no key comes twice."""
        found = dict(pairs)
        if len(found) < len(pairs):
            _refuse_repeated(pairs, where)
        return shrink(found) if shrink else found

    def refused(word: str) -> NoReturn:
        """Refuse NaN and the infinities, which JSON has not."""
        raise DataError(Problem("JSON", f"{word} is no number of JSON.", where))

    try:
        return json.loads(_text(data, where), object_pairs_hook=finished, parse_constant=refused)
    except DataError:
        raise
    except json.JSONDecodeError as error:
        at = f"{where} line {error.lineno}"
        raise DataError(Problem("JSON", f"Not JSON: {error.msg}.", at)) from None
    except RecursionError:
        raise DataError(Problem("JSON", "It is nested too deep.", where)) from None
    except ValueError:  # Python reads no whole numbers of more than 4300 digits
        raise DataError(Problem("JSON", "A number has too many digits.", where)) from None


def _text(data: bytes, where: str) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(Problem("JSON", "The file is UTF-16.", where, "Save it as UTF-8."))
    if data[:4] == b"PK\x03\x04":
        fix = "Unpack it, and give the JSON file in it."
        raise DataError(Problem("EXPORT-ZIP", "This is a ZIP archive.", where, fix))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        at = f"{where} line {line}"
        raise DataError(Problem("JSON", "This is not UTF-8.", at, "Save it as UTF-8.")) from None


def _refuse_repeated(pairs: list[tuple[str, Any]], where: str) -> NoReturn:
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    what = f"The key {twice[0][:60]!r} comes twice in one object."
    raise DataError(Problem("JSON", what, where))
