"""What the columns of eye trackers' tables are called."""

from collections.abc import Mapping, Sequence

from lookright.errors import ConfigError, DataError, Problem
from lookright.names import suggestion

CLOCKS = ("time", "time_ms", "timestamp", "timestamp_sample", "t")
KNOWN = {  # headers, in lower case, by what they hold
    "image": ("image", "image_id", "image_name", "dicom_id", "stimulus", "filename", "file"),
    "observer": ("observer", "reader", "subject", "participant", "radiologist", "annotator"),
    "x": ("x", "x_px", "x_position", "x_original", "gaze_x", "fix_x"),
    "y": ("y", "y_px", "y_position", "y_original", "gaze_y", "fix_y"),
    "start": ("start", "start_ms", "onset", "timestamp_start_fixation", "fpogs", *CLOCKS),
    "end": ("end", "end_ms", "offset", "timestamp_end_fixation"),
    "duration": ("duration", "duration_ms", "fpogd", "dur"),
    "degree_x": ("degree_x", "angular_resolution_x_pixels_per_degree"),
    "degree_y": ("degree_y", "angular_resolution_y_pixels_per_degree"),
    "left": ("left", "xmin_shown_from_image"),
    "top": ("top", "ymin_shown_from_image"),
    "right": ("right", "xmax_shown_from_image"),
    "bottom": ("bottom", "ymax_shown_from_image"),
    "screen_left": ("screen_left", "xmin_in_screen_coordinates"),
    "screen_top": ("screen_top", "ymin_in_screen_coordinates"),
    "screen_right": ("screen_right", "xmax_in_screen_coordinates"),
    "screen_bottom": ("screen_bottom", "ymax_in_screen_coordinates"),
}
TEXTS = ("image", "observer")
DEGREES = ("degree_x", "degree_y")
SHOWN = ("left", "top", "right", "bottom")  # the part of the image that was on the screen
ON_SCREEN = tuple(f"screen_{side}" for side in SHOWN)  # and where it was


def match(
    there: Sequence[str],
    columns: Mapping[str, str],
    where: str,
    needed: Sequence[str] = ("x", "y"),
) -> dict[str, str]:
    """Find the header of everything that a table tells; `columns` names those that are unusual.

    Raises DataError with all that is needed and missing, or could be meant by several headers.
    """
    problems = []
    found = {}
    for name, known in KNOWN.items():
        if name in columns:
            matches = [columns[name]]
        else:
            free = [each for each in there if each not in columns.values()]
            matches = [each for each in free if each.strip().lower() in known]
        if len(matches) == 1 and matches[0] in there:
            found[name] = matches[0]
        elif matches or name in needed:
            problems.append(_unclear(name, matches, there, where))
    if problems:
        raise DataError(*problems)
    return _complete(found)


def require_known(columns: Mapping[str, str]) -> None:
    """Raise ConfigError for names that no column can have here."""
    problems = [
        Problem("GAZE-COLUMN", f"No column is known as {name!r}.", "columns", fix)
        for name in columns
        for fix in [suggestion(name, KNOWN)]
        if name not in KNOWN
    ]
    if problems:
        raise ConfigError(*problems)


def _unclear(name: str, matches: Sequence[str], there: Sequence[str], where: str) -> Problem:
    if len(matches) > 1:
        what = f"{' and '.join(map(repr, matches))} could both be {name}."
    elif matches:
        what = f"There is no column {matches[0]!r} for {name}."
    else:
        what = f"No column is known to hold {name}."
    fix = f"Say columns.{name}=HEADER. Headers are: {', '.join(there)}."
    return Problem("GAZE-COLUMN", what, where, fix)


def _complete(found: dict[str, str]) -> dict[str, str]:
    """Leave out what is of use only together and is not all there."""
    groups = (DEGREES, SHOWN, ON_SCREEN)
    partial = {each for group in groups if not set(group) <= found.keys() for each in group}
    return {name: header for name, header in found.items() if name not in partial}
