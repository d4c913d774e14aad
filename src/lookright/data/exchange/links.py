"""What a tool calls an image, as the path of a file below some folder."""

import re
from urllib.parse import parse_qs, unquote, urlsplit

from lookright.errors import DataError, Problem

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")
_DRIVE = re.compile(r"^[A-Za-z]:(?=[/\\])")


def file_of(link: str, where: str) -> str:
    """Return the relative path in a URL, an absolute path or a server's link, with slashes.

    It never starts in a root and never leads upwards. Raises DataError where no file is named.

    >>> file_of("https://host/a%20b/c.png?token=1", "t"), file_of(r"C:\\x\\c.png", "t")
    ('a b/c.png', 'x/c.png')
    >>> file_of("/data/local-files/?d=ward/c.png", "t")
    'ward/c.png'
    """
    path = _DRIVE.sub("", link.strip())
    if path.startswith("data:"):
        what = "The image is stored in the export itself and has no file."
        raise DataError(Problem("EXPORT-IMAGE", what, where))
    if _SCHEME.match(path) or "/local-files/?" in path:
        path = _of_url(path, where)
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    if not parts:
        what = f"{link[:60]!r} names no file."
        raise DataError(Problem("EXPORT-IMAGE", what, where))
    return "/".join(parts)


def _of_url(link: str, where: str) -> str:
    try:
        parts = urlsplit(link)
        given = parse_qs(parts.query, max_num_fields=100).get("d") if parts.query else None
    except ValueError as error:
        raise DataError(Problem("EXPORT-IMAGE", f"{link[:60]!r}: {error}.", where)) from None
    if given and parts.path.rstrip("/").endswith("local-files"):
        return given[-1]
    path = unquote(parts.path)
    if "\0" in path:
        raise DataError(Problem("EXPORT-IMAGE", f"{link[:60]!r} names no file.", where))
    return path
