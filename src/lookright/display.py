"""What a person sees of training: a bar with rates on a terminal, plain lines otherwise."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@dataclass
class Display:
    """Shows steps and epochs, and adds up the time they take."""

    console: Console
    bar: Progress | None
    images: int = 0
    began: float = field(default_factory=perf_counter)

    def step(self, terms: Mapping[str, float], count: int) -> None:
        """Advance by one batch of `count` images."""
        self.images += count
        if self.bar:
            rate = self.images / (perf_counter() - self.began)
            losses = "  ".join(f"{name} {value:.3f}" for name, value in terms.items())
            self.bar.update(self.bar.task_ids[0], advance=1, note=f"{rate:.0f} images/s  {losses}")

    def epoch(self, record: Mapping[str, Any], epochs: int) -> None:
        """Print one line for a finished epoch: every loss term, every validation measure."""
        parts = [f"epoch {record['epoch'] + 1}/{epochs}"]
        for name in ("train", "val"):
            values = "  ".join(f"{key} {_number(value)}" for key, value in record[name].items())
            parts.append(f"{name}: {values}")
        parts.append(f"{self.images / (perf_counter() - self.began):.0f} images/s")
        self.console.print("  |  ".join(parts), highlight=False, soft_wrap=True)

    @property
    def seconds(self) -> float:
        """The time since training began or went on."""
        return perf_counter() - self.began


@contextmanager
def display(steps: int, done: int, quiet: bool) -> Iterator[Display]:
    """Show `steps` steps, of which `done` lie behind; a `quiet` display only keeps time."""
    console = Console(stderr=True, quiet=quiet)
    if quiet or not console.is_terminal:
        yield Display(console, None)
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as bar:
        bar.add_task("train", total=steps, completed=done, note="")
        yield Display(console, bar)


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"
