"""The store as the rest of weaksup sees it: find answers, reserve, settle."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from weaksup.store import answers, ledger
from weaksup.store.answers import Answer
from weaksup.store.database import Database
from weaksup.store.ledger import Account, Charge, Refusal, Reservation, Unsettled
from weaksup.store.owner import Owner, is_alive, this_process

__all__ = ["Store"]

# Calls of this process that are still under way, as (store, ledger id). A call of this process that is not here was
# abandoned (its thread failed while it wrote, say), and counts as dead like one of a process that was killed.
_UNDER_WAY: set[tuple[str, int]] = set()


class Store:
    """Paid answers and their ledger in one SQLite file, shared by threads and processes.

    The order of a call is `reserve`, send, `settle`: the answer and its charge are one transaction, and nothing is
    parsed before. `unsettled` says what was found open, and charged in full, when the store was opened.
    """

    def __init__(self, path: str | Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = Path(path)
        self._clock = clock
        self._database = Database(path)
        self._name = str(self.path.resolve())
        self.unsettled: Unsettled = self.reap()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def find(self, keys: Iterable[str]) -> tuple[dict[str, Answer], list[str]]:
        """Return the answers found, by key, and the keys of damaged answers, which are not used."""
        with self._database.reading() as connection:
            return answers.find_many(connection, keys)

    def reserve(self, charge: Charge, *, cap: int) -> Reservation | Refusal:
        """Reserve the most a call may cost while `spent + held + most <= cap` for its run, or say why not.

        The reservation is on disk when this returns.
        """

        def write(connection: Connection) -> Reservation | Refusal:
            if answers.find(connection, charge.key) is not None:
                return Refusal.ANSWERED
            got = ledger.open_call(
                connection, charge, cap=cap, owner=this_process(), now=self._clock(), lives=self._lives
            )
            if isinstance(got, Reservation):  # before the commit: no other thread may take it for abandoned
                _UNDER_WAY.add((self._name, got.id))
            return got

        return self._database.write(write)

    def settle(self, held: Reservation, answer: Answer) -> None:
        """Store an answer and charge its cost, in one transaction."""

        def write(connection: Connection) -> None:
            now = self._clock()
            answers.put(connection, answer, now=now)
            ledger.close(connection, held.id, "done", cost=answer.cost, note="", now=now)

        self._end(held, write)

    def release(self, held: Reservation, note: str) -> None:
        """Give a reservation back: the provider did not take the call."""

        def write(connection: Connection) -> None:
            ledger.close(connection, held.id, "released", cost=0, note=note, now=self._clock())

        self._end(held, write)

    def charge_in_full(self, held: Reservation, note: str) -> None:
        """Charge all that was reserved: the call was sent, and nobody knows whether it was billed."""

        def write(connection: Connection) -> None:
            ledger.close(connection, held.id, "unknown", cost=held.reserved, note=note, now=self._clock())

        self._end(held, write)

    def reap(self) -> Unsettled:
        """Charge in full the open calls whose process is gone."""
        return self._database.write(lambda connection: ledger.reap(connection, now=self._clock(), lives=self._lives))

    def account(self, run: str) -> Account:
        """Return what a run has spent and holds."""
        with self._database.reading() as connection:
            return ledger.account(connection, run)

    def ledger(self, run: str | None = None) -> list[dict[str, object]]:
        """Return the ledger's rows, of one run or of all."""
        with self._database.reading() as connection:
            return ledger.rows(connection, run)

    def _end(self, held: Reservation, write: Callable[[Connection], None]) -> None:
        try:
            self._database.write(write)
        finally:
            _UNDER_WAY.discard((self._name, held.id))

    def _lives(self, entry: int, owner: Owner) -> bool:
        if owner == this_process():
            return (self._name, entry) in _UNDER_WAY
        return is_alive(owner)
