"""What must not leave the machine: folders tell of people, projects and hospitals."""

import re
from typing import Any

# A path from the root of a file system, of a drive or of a home folder, to its last part.
_PATH = re.compile(
    r"(?<![\w.:/])(?:~|\.{1,2}|[A-Za-z]:|file:/)?[\\/]+(?:[^\\/\n'\"<>|:]+[\\/]+)+(?=[^\\/\s])"
)


def without_folders(words: str) -> str:
    """Cut every absolute path in a text down to the name of its file.

    >>> without_folders("cannot read /data/ward 7/scan.png")
    'cannot read …/scan.png'
    """
    return _PATH.sub("…/", words)


def redacted(settings: Any) -> Any:
    """Do the same in every string of nested settings, keys included."""
    if isinstance(settings, dict):
        return {redacted(key): redacted(value) for key, value in settings.items()}
    if isinstance(settings, list | tuple):
        return [redacted(value) for value in settings]
    return without_folders(settings) if isinstance(settings, str) else settings
