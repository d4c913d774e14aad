"""How large an image is, from its first bytes where they tell."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from lookright.data.drawings.drawn import Size
from lookright.data.images.decode import ORIENTATION, content, decode
from lookright.data.images.formats import ALLOWED
from lookright.data.reading import Reading

_TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height


@dataclass(frozen=True)
class Frame:
    """An image's width and height: as people see it, and as its file holds it."""

    upright: Size
    stored: Size


def frame(file: Path, where: str) -> Frame:
    """Return the size of an image; raises DataError for what is no image, and names it `where`."""
    return _quick(file) or _whole(file, where)


def _quick(file: Path) -> Frame | None:
    """Read the header alone. A PNG's EXIF may stand behind its pixels: then it has to be read."""
    try:
        with Image.open(file, formats=ALLOWED) as picture:
            if picture.format == "PNG" and b"eXIf" in file.read_bytes():
                return None
            orientation = 1 if picture.format == "PNG" else picture.getexif().get(ORIENTATION, 1)
            width, height = picture.size
    except Exception:  # whatever is wrong, decoding the whole file says it in words
        return None
    turned = (height, width) if orientation in _TURNED else (width, height)
    return Frame(turned, (width, height))


def _whole(file: Path, where: str) -> Frame:
    decoded = decode(content(file, where), Reading(min_side=1), where)
    return Frame(decoded.size, decoded.stored_size)
