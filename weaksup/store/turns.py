"""The turns that this process takes at a store, and the calls and batches that it looks after meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from weaksup.store.database import Database
from weaksup.store.ledger import Turn
from weaksup.store.owner import Owner

__all__ = ["Turns"]

# Calls of this process that are still under way, as (store, ledger id). A call of this process that is not here was
# abandoned (its thread failed while it wrote, say), and counts as dead like one of a process that was killed.
_UNDER_WAY: set[tuple[str, int]] = set()
_BATCHES: set[tuple[str, int]] = set()  # the batches, as (store, batch id)


class Turns:
    """Make turns; `name` stands for the store in this process."""

    def __init__(self, database: Database, name: str, clock: Callable[[], float] = time.time) -> None:
        self.database = database
        self.clock = clock
        self._name = name

    def turn(self, connection: Connection) -> Turn:
        """Return the ledger of one writing transaction."""
        return Turn(connection, owner=self.owner(), now=self.clock(), lives=self._lives(connection, self._is_mine))

    def owner(self) -> Owner:
        """Return what stands for this process."""
        return self.database.backend.owner()

    def looked_after(self, connection: Connection, number: int, owner: Owner) -> bool:
        """Say whether a process that lives, or a thread of this one, looks after a batch."""
        mine = self._lives(connection, lambda batch: (self._name, batch) in _BATCHES)
        return mine(number, owner)

    def take(self, calls: Iterable[int] = (), *, batch: int | None = None) -> None:
        """Note that this process looks after calls, or a batch."""
        _UNDER_WAY.update((self._name, call) for call in calls)
        if batch is not None:
            _BATCHES.add((self._name, batch))

    def leave(self, calls: Iterable[int] = (), *, batch: int | None = None) -> None:
        """Note that it does so no more."""
        _UNDER_WAY.difference_update((self._name, call) for call in calls)
        if batch is not None:
            _BATCHES.discard((self._name, batch))

    def _is_mine(self, entry: int) -> bool:
        return (self._name, entry) in _UNDER_WAY

    def _lives(self, connection: Connection, is_mine: Callable[[int], bool]) -> Callable[[int, Owner], bool]:
        owner, alive = self.owner(), self.database.backend.alive(connection)

        def lives(entry: int, other: Owner) -> bool:
            return is_mine(entry) if other == owner else alive(other)

        return lives
