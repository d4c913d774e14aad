"""A bar for what takes long, on terminals only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def counting(things: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function that is told (done, total) and moves a bar."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(things)
        yield lambda done, total: bar.update(task, completed=done, total=total)
