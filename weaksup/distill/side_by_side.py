"""Run one function over many parts on all cores: numpy, Arrow and torch let go of the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

__all__ = ["Run", "cores", "crew", "run_parts"]

Part = TypeVar("Part")
Result = TypeVar("Result")
Run = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]


def run_parts(work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """Return `[work(part) for part in parts]`, whatever the number of cores."""
    with crew(len(parts)) as run:
        return run(work, parts)


@contextmanager
def crew(parts: int) -> Iterator[Run]:
    """Give a `run_parts` that keeps its threads from call to call, for at most so many parts."""
    workers = min(cores(), parts)
    if workers < 2:
        yield lambda work, some: [work(part) for part in some]
        return
    with ThreadPoolExecutor(workers) as pool:
        yield lambda work, some: list(pool.map(work, some))


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
