"""Problems counted by kind: errors are kept, of the others the first."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from lookright.data.checks.finding import LEVELS
from lookright.errors import Problem

MOST_ERRORS = 1000  # that are kept word by word


@dataclass
class Tally:
    """What was found on the way, in memory that does not grow with it."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)  # by level and code
    first: dict[tuple[str, str], Problem] = field(default_factory=dict)
    errors: list[Problem] = field(default_factory=list)

    def add(self, problems: Iterable[Problem]) -> None:
        """Count problems of any level."""
        for each in problems:
            kind = (each.level, each.code)
            self.counts[kind] += 1
            self.first.setdefault(kind, each)
            if each.level == "error" and len(self.errors) < MOST_ERRORS:
                self.errors.append(each)

    def add_left_out(self, problems: Iterable[Problem]) -> None:
        """Count errors as warnings: what they are about is left out."""
        self.add(
            replace(each, level="warning", what=f"Left out: {each.what}")
            if each.level == "error"
            else each
            for each in problems
        )

    def count(self, code: str) -> int:
        """Return how often a code was found, at any level."""
        return sum(number for (_, each), number in self.counts.items() if each == code)

    def lines(self) -> list[tuple[str, str, int, str, str]]:
        """Return one line per kind: level, code, count, an example and how to fix it."""
        lines = []
        for (level, code), number in self.counts.items():
            example = self.first[level, code]
            what = f"{example.where}: {example.what}" if example.where else example.what
            lines.append((level, code, number, what, example.fix))
        return sorted(lines, key=lambda line: (LEVELS.index(line[0]), -line[2], line[1]))
