"""XML as a stream of elements, from people who may mean harm: no document types, no entities."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from lookright.errors import DataError, Problem

_DEEPEST = 32
_AT_ONCE = 1 << 16  # bytes


def children(file: Path, root: str, where: str) -> Iterator[Element]:
    """Yield the children of the root one by one, as each is complete; keeps none of them.

    Raises DataError when the file is no XML, when its root has another name, and when it declares
    a document type: entities that grow, or that read other files, are declared there.
    """
    reader = _Reader(root, where)
    with file.open("rb") as stream:
        while data := stream.read(_AT_ONCE):
            reader.feed(data)
            yield from reader.taken()
        reader.feed(b"", final=True)
    yield from reader.taken()


class _Reader:
    """What has been read of one file."""

    def __init__(self, root: str, where: str) -> None:
        self._root, self._where = root, where
        self._depth = 0
        self._builder = TreeBuilder()
        self._complete: list[Element] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._refuse

    def feed(self, data: bytes, final: bool = False) -> None:
        """Read on; raises DataError where it stops being XML."""
        try:
            self._parser.Parse(data, final)
        except DataError:
            raise
        except (expat.ExpatError, LookupError, ValueError) as error:
            line = self._parser.CurrentLineNumber
            what = f"Not XML: {error}."
            raise DataError(Problem("XML", what, f"{self._where} line {line}")) from error

    def taken(self) -> list[Element]:
        """Hand over what is complete."""
        found, self._complete = self._complete, []
        return found

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._depth == 0 and name != self._root:
            what = f"The root is <{name}>, not <{self._root}>."
            raise DataError(Problem("XML-ROOT", what, self._where, "Is it another format?"))
        if self._depth == _DEEPEST:
            raise DataError(Problem("XML", "Elements are nested too deep.", self._where))
        self._depth += 1
        if self._depth > 1:
            self._builder.start(name, attributes)

    def _end(self, name: str) -> None:
        if self._depth > 1:
            self._builder.end(name)
        self._depth -= 1
        if self._depth == 1:
            self._complete.append(self._builder.close())
            self._builder = TreeBuilder()

    def _text(self, text: str) -> None:
        if self._depth > 1:
            self._builder.data(text)

    def _refuse(self, *_: object) -> None:
        what = "It declares a document type; entities are not read."
        fix = "Take the <!DOCTYPE ...> lines out."
        raise DataError(Problem("XML-ENTITIES", what, self._where, fix))
