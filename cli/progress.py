"""A progress bar on stderr, where somebody is looking; nothing in a pipe or a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress", "steps"]


@contextmanager
def progress(title: str, *, total: int | None = None, unit: str = "rows") -> Iterator[Callable[[int], None]]:
    """Give a function to call with what is done so far; `total=None` shows a count and a rate without an end."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} " + unit),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def steps() -> Iterator[Callable[[str, int, int | None], None]]:
    """Give a function to call with (step, done, total): one line a step, the last one moving."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} rows"),
        TimeElapsedColumn(),
    )
    seen: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:

        def watch(step: str, done: int, total: int | None) -> None:
            if step not in seen:
                for task in seen.values():
                    bar.stop_task(task)
                seen[step] = bar.add_task(step, total=total)
            bar.update(seen[step], completed=done, total=total)

        yield watch
