"""What can go wrong, in the user's words: what, where, why, and how to fix it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

SHOWN = 20  # offenders that are printed; check.json holds them all


@dataclass(frozen=True)
class Problem:
    """One thing that a person can fix."""

    code: str  # stable, for scripts: "IMG-EMPTY"
    what: str
    where: str = ""  # file, row, id or setting
    fix: str = ""
    level: Literal["error", "warning", "notice"] = "error"

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        fix = f" {self.fix}" if self.fix else ""
        return f"{where}{self.what}{fix} [ERR-{self.code}]"


class LookrightError(ValueError):
    """Every error that lookright raises on purpose; carries all offenders at once.

    `exit_status` is what the command line exits with: 2 for usage and configuration, 3 for data,
    1 for a run that failed, 75 for a run that stopped and can be resumed.
    """

    exit_status = 1

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__(listing(problems))

    def __reduce__(self) -> tuple[type["LookrightError"], tuple[Problem, ...]]:
        """Cross from one process to another with the problems, not with their text alone."""
        return type(self), self.problems

    @property
    def code(self) -> str:
        """The stable code of the first problem."""
        return f"ERR-{self.problems[0].code}"


class ConfigError(LookrightError):
    """A setting, a name or a command that cannot be right; exits with 2."""

    exit_status = 2


class DataError(LookrightError):
    """Images, maps or manifests that cannot be used; exits with 3."""

    exit_status = 3


class RunError(LookrightError):
    """A run that failed; exits with 1."""


class Stopped(LookrightError):
    """A run that stopped before its end and can be resumed; exits with 75."""

    exit_status = 75


def listing(problems: Iterable[Problem]) -> str:
    """Write one line per problem, the first twenty, and how many more there are."""
    lines = [str(problem) for problem in problems]
    more = [f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join(lines[:SHOWN] + more)
