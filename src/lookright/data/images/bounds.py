"""What an image may not exceed before anything of it is decoded."""

from lookright.data.reading import Reading
from lookright.errors import DataError, Problem


def verify_size(size: tuple[int, int], reading: Reading, where: str) -> None:
    """Raise DataError for a picture (width, height) that is too large or too small."""
    width, height = size
    if width * height > reading.max_pixels:
        raise DataError(too_large(f"{width} x {height} pixels.", where))
    if min(width, height) < reading.min_side:
        what = f"{width} x {height} pixels; each side must have {reading.min_side} at least."
        raise DataError(Problem("IMG-SMALL", what, where))


def too_large(what: str, where: str) -> Problem:
    """Say that a picture has more pixels than are allowed."""
    fix = "If it is meant to be so large, raise data.max_pixels."
    return Problem("IMG-PIXELS", f"Too large: {what}", where, fix)


def chosen_frame(count: int, reading: Reading, where: str) -> int:
    """Return the index, from 0, of the picture to read in a file of so many.

    Raises DataError when there are several and none was chosen, or fewer than the chosen one.
    """
    if reading.frame is None and count > 1:
        what = f"The file holds {count} pictures."
        fix = "Save the one you mean as its own file, or set data.frame to its number, from 1."
        raise DataError(Problem("IMG-FRAMES", what, where, fix))
    frame = reading.frame or 1
    if frame > count:
        what = f"There is no picture {frame}: the file holds {count}."
        raise DataError(Problem("IMG-FRAMES", what, where, "Choose another data.frame."))
    return frame - 1
