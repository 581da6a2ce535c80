"""Threads that work through a list of jobs, and stop cleanly: on request, on an error, on Ctrl-C."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Generic, Self, TypeVar

__all__ = ["Done", "Pool"]

_LOG = logging.getLogger(__name__)

J = TypeVar("J")
R = TypeVar("R")


Done = Callable[[R | BaseException], None]


class Pool(Generic[J, R]):
    """Call `work(job, done)` for every job over `threads` threads; iterate to get each job with its result.

    `work` calls `done` once, with the result or an error; it may return before that, and any thread may call it. Once
    `stop` is set no further job is taken; jobs under way are finished, and leaving the `with` block waits for them. A
    second Ctrl-C does not wait: the threads are daemons. An error is raised to the one who iterates.
    """

    def __init__(
        self, work: Callable[[J, Done[R]], None], jobs: Sequence[J], *, threads: int, stop: threading.Event
    ) -> None:
        self._work = work
        self._jobs = deque(jobs)
        self._stop = stop
        self._results: queue.SimpleQueue[tuple[J, R] | BaseException | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._taken = 0
        self._got = 0
        count = min(threads, len(jobs))
        self._running = count
        self._threads = [threading.Thread(target=self._run, daemon=True, name=f"ask-{i}") for i in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __iter__(self) -> Iterator[tuple[J, R]]:
        while (result := self._next()) is not None:
            if isinstance(result, BaseException):
                raise result
            yield result

    def _next(self) -> tuple[J, R] | BaseException | None:
        """Return what came of a job, whichever is ready first; `None` after the last."""
        while self._running or self._got < self._taken:
            result = self._results.get()
            if result is not None:
                self._got += 1
                return result
            self._running -= 1
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if kind is KeyboardInterrupt and any(thread.is_alive() for thread in self._threads):
            _LOG.warning("waiting for the calls in flight, so that what is paid is kept; Ctrl-C again leaves at once")
        while self._next() is not None:
            pass
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                if not self._jobs:
                    break
                job = self._jobs.popleft()
                self._taken += 1
            try:
                self._work(job, partial(self._done, job))
            except BaseException as error:  # noqa: BLE001  (it is raised where the results are read)
                self._done(job, error)
        self._results.put(None)

    def _done(self, job: J, result: R | BaseException) -> None:
        if isinstance(result, BaseException):
            self._stop.set()
            self._results.put(result)
        else:
            self._results.put((job, result))
