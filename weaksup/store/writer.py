"""Group commit: one thread writes for all, and what waits meanwhile is one transaction and one sync to disk."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

__all__ = ["Writer"]

W = TypeVar("W")
R = TypeVar("R")

_MOST_AT_ONCE = 256
_GATHER = 0.005  # seconds: about what a sync takes; one transaction costs as much as the work of a dozen threads in it


class _Waiting(Generic[W, R]):
    """A piece of work, until it is on disk; then `then` is called with what went wrong, or `None`."""

    __slots__ = ("error", "result", "then", "work")

    def __init__(self, work: W, then: Callable[[BaseException | None], None]) -> None:
        self.work = work
        self.then = then
        self.result: R | None = None
        self.error: BaseException | None = None


class Writer(Generic[W, R]):
    """Call `write_all` with all that waits, from one thread; it returns one result for each, or raises for all."""

    def __init__(self, write_all: Callable[[Sequence[W]], Sequence[R]], *, name: str) -> None:
        self._write_all = write_all
        self._name = name
        self._waiting: deque[_Waiting[W, R]] = deque()
        self._more = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._many = False  # whether several threads write at the moment: then it pays to wait for more

    def write(self, work: W) -> R:
        """Return the result of a piece of work once it is on disk, or raise: then none of it is."""
        done = threading.Lock()  # the lightest thing that a thread can wait for
        done.acquire()
        mine = self.submit(work, then=lambda _: done.release())
        done.acquire()
        if mine.error is not None:
            raise mine.error
        result: R = mine.result  # type: ignore[assignment]
        return result

    def submit(self, work: W, *, then: Callable[[BaseException | None], None]) -> _Waiting[W, R]:
        """Write later, in order; `then` is called from the writing thread once it is on disk, or has failed."""
        mine: _Waiting[W, R] = _Waiting(work, then)
        with self._more:
            if self._closed:
                raise RuntimeError("the store is closed")
            self._waiting.append(mine)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name=self._name)
                self._thread.start()
            self._more.notify()
        return mine

    def close(self) -> None:
        """Write what waits, and end the thread."""
        with self._more:
            self._closed = True
            self._more.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while batch := self._next():
            self._many = len(batch) > 1
            try:
                for waiting, result in zip(batch, self._write_all([one.work for one in batch]), strict=True):
                    waiting.result = result
            except BaseException as error:  # noqa: BLE001  (it is raised in every thread that waits)
                for waiting in batch:
                    waiting.error = error
            for waiting in batch:
                waiting.then(waiting.error)

    def _next(self) -> list[_Waiting[W, R]]:
        with self._more:
            while not self._waiting and not self._closed:
                self._more.wait()
        if self._many:
            time.sleep(_GATHER)
        with self._more:
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_AT_ONCE))]
