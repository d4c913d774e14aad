"""What a person sees when something goes wrong: a message and a status, hardly ever a traceback."""

import errno
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from importlib import metadata
from pathlib import Path

import typer

from lookright.errors import ConfigError, LookrightError, Problem
from lookright.names import suggestion

_PACKAGES = ("lookright", "torch", "torchvision", "timm", "lightning-fabric", "numpy", "polars")
_PACKAGES += ("pydantic", "typer")
_DISK = {errno.ENOSPC, errno.EDQUOT}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


def answer(app: typer.Typer, words: Sequence[str], debug: bool = False) -> int:
    """Run the application on a command line and return its exit status."""
    _never_fail_to_print()
    try:
        _check_verb(app, words)
        app(list(words), prog_name="lookright")
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except LookrightError as error:
        return _say(str(error), error.exit_status, debug)
    except KeyboardInterrupt:
        return _say("Interrupted.", 130, debug)
    except OSError as error:
        if error.errno not in _DISK | _DENIED:
            return _crashed(words, debug)
        where = f"{error.filename}: " if error.filename else ""
        return _say(f"{where}{error.strerror}.", 75 if error.errno in _DISK else 1, debug)
    except Exception:
        return _crashed(words, debug)


def verbs(app: typer.Typer) -> list[str]:
    """List what an application can be asked to do."""
    groups = [each.name or "" for each in app.registered_groups]
    return groups + [each.name or _named(each.callback) for each in app.registered_commands]


def _check_verb(app: typer.Typer, words: Sequence[str]) -> None:
    allowed = verbs(app)
    if words and not words[0].startswith("-") and words[0] not in allowed:
        fix = suggestion(words[0], allowed)
        raise ConfigError(Problem("VERB", f"There is no verb {words[0]!r}.", fix=fix))


def _named(verb: object) -> str:
    return getattr(verb, "__name__", "")


def _say(text: str, status: int, debug: bool) -> int:
    typer.echo(traceback.format_exc() if debug else text, err=True)
    return status


def _crashed(words: Sequence[str], debug: bool) -> int:
    kind, error, _ = sys.exc_info()
    line = f"lookright failed unexpectedly: {kind.__name__ if kind else ''}: {error}".rstrip(": ")
    with suppress(OSError):
        line += f"\nThe details are in {_write_crash(words)}; please send it along with a report."
    return _say(line, 1, debug)


def _write_crash(words: Sequence[str]) -> Path:
    name = f"crash-{datetime.now():%Y%m%d-%H%M%S}.txt"
    text = f"lookright {' '.join(words)}\n\n{_versions()}\n\n{traceback.format_exc()}"
    for folder in (Path.cwd(), Path(tempfile.gettempdir())):
        with suppress(OSError):
            path = folder / name
            path.write_text(text, encoding="utf-8")
            return path
    raise OSError("No folder can be written to.")


def _versions() -> str:
    lines = [f"python {platform.python_version()} on {platform.platform()}"]
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            lines.append(f"{name} {metadata.version(name)}")
    return "\n".join(lines)


def _never_fail_to_print() -> None:
    """Print a question mark where a console lacks a character, rather than stop."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="replace")
