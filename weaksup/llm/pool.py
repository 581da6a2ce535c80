"""Threads that work through a list of jobs, and stop cleanly: on request, on an error, on Ctrl-C."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

__all__ = ["Pool"]

_LOG = logging.getLogger(__name__)

J = TypeVar("J")
R = TypeVar("R")


class Pool(Generic[J, R]):
    """Call `work(job)` for every job over `threads` threads; iterate to get each job with its result, as they come.

    Once `stop` is set no further job is taken; jobs under way are finished, and leaving the `with` block waits for
    them. A second Ctrl-C does not wait: the threads are daemons. An exception in `work` is raised to the one who
    iterates.
    """

    def __init__(self, work: Callable[[J], R], jobs: Sequence[J], *, threads: int, stop: threading.Event) -> None:
        self._work = work
        self._jobs = deque(jobs)
        self._stop = stop
        self._results: queue.SimpleQueue[tuple[J, R] | BaseException | None] = queue.SimpleQueue()
        count = min(threads, len(jobs))
        self._threads = [threading.Thread(target=self._run, daemon=True, name=f"ask-{i}") for i in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __iter__(self) -> Iterator[tuple[J, R]]:
        running = len(self._threads)
        while running:
            result = self._results.get()
            if result is None:
                running -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if kind is KeyboardInterrupt and any(thread.is_alive() for thread in self._threads):
            _LOG.warning("waiting for the calls in flight, so that what is paid is kept; Ctrl-C again leaves at once")
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    job = self._jobs.popleft()
                except IndexError:
                    break
                self._results.put((job, self._work(job)))
        except BaseException as error:  # noqa: BLE001  (it is raised where the results are read)
            self._stop.set()
            self._results.put(error)
        finally:
            self._results.put(None)
