"""The first drawings of an import on their images, before anything is written."""

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageDraw

from lookright.data.checks.overlay import SIDE, contoured
from lookright.data.images.decode import content, decode
from lookright.data.importing.joining import Pictures
from lookright.data.importing.map_cache import MapCache
from lookright.data.importing.reader_map import MapMaker, ReaderMap
from lookright.data.importing.study import Items, made_maps
from lookright.data.importing.tally import Tally
from lookright.data.reading import Reading
from lookright.errors import DataError

SHOWN = 20
_COLUMNS = 5
_CAPTION = 30  # pixels below a picture: two lines
_LETTERS = 27  # of the built-in font on one line


@dataclass(frozen=True)
class Preview:
    """Overlays on one sheet, and what was found on the way to them."""

    sheet: Image.Image
    count: int
    tally: Tally


def preview(items: Items, images: Path, keep: tuple[str, ...] = ()) -> Preview:
    """Draw the first twenty drawings that can be drawn; writes nothing that stays."""
    pictures, tally, tiles = Pictures(images), Tally(), []
    with TemporaryDirectory() as folder:
        maker = MapMaker(pictures, MapCache(Path(folder)), keep)
        for _, made in islice(made_maps(items, maker), 50 * SHOWN):
            tally.add(made.notes if isinstance(made, ReaderMap) else made)
            if isinstance(made, ReaderMap):
                try:
                    tiles.append(_tile(made, maker))
                except DataError as error:
                    tally.add(replace(each, where=made.image) for each in error.problems)
            if len(tiles) == SHOWN:
                break
    if not tiles:
        raise DataError(*(tally.errors or tally.first.values()))
    return Preview(_sheet(tiles), len(tiles), tally)


def _tile(made: ReaderMap, maker: MapMaker) -> Image.Image:
    data = content(maker.pictures.folder / made.image, made.image)
    pixels = decode(data, Reading(min_side=1), made.image).pixels
    overlay = contoured(pixels, *maker.cache.read(made.cached))
    tile = Image.new("RGB", (SIDE, SIDE + _CAPTION), "white")
    tile.paste(overlay, ((SIDE - overlay.width) // 2, (SIDE - overlay.height) // 2))
    labels = ", ".join((*made.labels, *made.drawn)) or ("no marks" if made.cached.empty else "")
    lines = (made.image[-_LETTERS:], " ".join(filter(None, (labels, made.annotator)))[:_LETTERS])
    ImageDraw.Draw(tile).text((2, SIDE + 2), "\n".join(lines), fill="black")
    return tile


def _sheet(tiles: list[Image.Image]) -> Image.Image:
    across = min(_COLUMNS, len(tiles))
    down = -(-len(tiles) // across)
    width, height = SIDE + 6, SIDE + _CAPTION + 6
    sheet = Image.new("RGB", (across * width, down * height), "white")
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % across * width + 3, number // across * height + 3))
    return sheet
