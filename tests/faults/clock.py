"""Time that passes only where somebody sleeps: the same for the store and for asking."""

from __future__ import annotations

import threading

__all__ = ["Clock"]


class Clock:
    """A clock whose `sleep` takes no time; safe to use from many threads."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
