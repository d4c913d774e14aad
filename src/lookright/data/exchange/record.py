"""Objects of an export, whose fields are what they should be or named as wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lookright.data.exchange import numerals
from lookright.errors import DataError, Problem

_LONGEST = 4096  # characters of a name or a path


@dataclass(frozen=True)
class Record:
    """One JSON object, or one row; every reading raises DataError that says where it stands.

    >>> Record({"name": "cat", "width": 4.0}, "a.json: images[0]").whole("width")
    4
    """

    fields: Mapping[str, Any]
    where: str

    def __contains__(self, name: str) -> bool:
        """Say whether a field is there and not null."""
        return self.fields.get(name) is not None

    def number(self, name: str) -> float:
        """Read a finite number."""
        return numerals.number(self.fields.get(name), name, self.where)

    def whole(self, name: str) -> int:
        """Read a whole number."""
        return numerals.whole(self.fields.get(name), name, self.where)

    def text(self, name: str) -> str:
        """Read a text that is not empty, with at most 4096 characters that can be written."""
        return self._text(self.fields.get(name), name)

    def key(self, name: str) -> str:
        """Read what names another object, as text: a text or a whole number."""
        given = self.fields.get(name)
        is_number = isinstance(given, int) and not isinstance(given, bool)
        return str(self.whole(name)) if is_number else self.text(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of texts; none if the field is not there."""
        return tuple(self._text(each, name) for each in self.list(name))

    def list(self, name: str) -> list[Any]:
        """Read a list; an empty one if the field is not there."""
        given = self.fields.get(name)
        if given is None:
            return []
        if not isinstance(given, list):
            raise self.wrong(name, given, "a list")
        return given

    def record(self, name: str) -> "Record":
        """Read an object."""
        return as_record(self.fields.get(name), f"{self.where}, {name}")

    def records(self, name: str) -> "list[Record]":
        """Read a list of objects; none if the field is not there."""
        return [
            as_record(each, f"{self.where}, {name}[{index}]")
            for index, each in enumerate(self.list(name))
        ]

    def wrong(self, name: str, given: object, wanted: str) -> DataError:
        """Return the error of a field that holds something else than what is wanted."""
        if given is None:
            return DataError(Problem("EXPORT-FIELD", f"{name} is missing.", self.where))
        what = f"{name} is {_short(given)}, not {wanted}."
        return DataError(Problem("EXPORT-FIELD", what, self.where))

    def located(self, error: DataError) -> DataError:
        """Return the same error, which now says where it happened."""
        return DataError(*(replace(each, where=self.where) for each in error.problems))

    def _text(self, given: object, name: str) -> str:
        if not isinstance(given, str) or not given.strip() or len(given) > _LONGEST:
            raise self.wrong(name, given, "a text")
        # Half of a pair of surrogates is JSON, but no text that a file or a screen can hold.
        if "\0" in given or any("\ud800" <= each <= "\udfff" for each in given):
            raise self.wrong(name, given, "a text that can be written")
        return given


def as_record(given: object, where: str) -> Record:
    """Take a value of JSON for an object, or raise DataError."""
    if not isinstance(given, dict):
        found = "missing" if given is None else f"{_short(given)}, not an object"
        raise DataError(Problem("EXPORT-FIELD", f"It is {found}.", where))
    return Record(given, where)


def _short(given: object) -> str:
    if isinstance(given, list | dict):
        kind = "a list" if isinstance(given, list) else "an object"
        return f"{kind} of {len(given)}"
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:60]}..."
