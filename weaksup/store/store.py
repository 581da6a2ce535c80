"""The store as the rest of weaksup sees it: find answers, reserve, settle."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from weaksup.store import answers, reports
from weaksup.store.accounts import utc_day
from weaksup.store.answers import Answer
from weaksup.store.batches import Batches
from weaksup.store.calls import Charge, End, Refusal, Reservation, Want, settled
from weaksup.store.database import Database
from weaksup.store.ledger import Unsettled
from weaksup.store.postgres import Postgres, is_url
from weaksup.store.reports import Account
from weaksup.store.sqlite_file import SqliteFile
from weaksup.store.turns import Turns
from weaksup.store.use import Limits, Use
from weaksup.store.writer import Writer

__all__ = ["Store"]


class Store:
    """Paid answers and their ledger, shared by threads and processes: a path for SQLite, a URL for PostgreSQL.

    The order of a call is `reserve`, send, `settle`: the answer and its charge are one transaction, and nothing is
    parsed before. What threads write at the same time is one transaction: one sync to disk serves them all.
    `unsettled` says what was found open, and charged in full, when the store was opened.
    """

    def __init__(self, where: str | Path, *, clock: Callable[[], float] = time.time) -> None:
        on_server = isinstance(where, str) and is_url(where)
        backend = Postgres(str(where)) if on_server else SqliteFile(Path(where))
        self.name = backend.name
        self._clock = clock
        self._database = Database(backend)
        self._turns = Turns(self._database, self.name if on_server else str(Path(where).resolve()), clock)
        self.batches = Batches(self._turns)
        self._writer: Writer[Want | End, Reservation | Refusal | None] = Writer(self._write_all, name="store")
        self.unsettled: Unsettled = self.reap()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what waits, and close the database."""
        self._writer.close()
        self._database.close()

    def find(self, keys: Iterable[str]) -> tuple[dict[str, Answer], list[str]]:
        """Return the answers found, by key, and the keys of damaged answers, which are not used."""
        with self._database.reading() as connection:
            return answers.find(connection, keys)

    def reserve(self, charge: Charge, *, cap: int, limits: Limits | None = None) -> Reservation | Refusal:
        """Reserve the most a call may use, if that is within the run's `cap` in micro-dollars and all limits.

        The check and the reservation are one transaction, so no number of threads and processes passes a cap together.
        The reservation is on disk when this returns.
        """
        got = self._writer.write(Want(charge, cap, limits or Limits()))
        assert got is not None
        return got

    def settle(self, held: Reservation, answer: Answer, *, seconds: int = 0) -> None:
        """Store an answer and charge its cost, in one transaction; `seconds` of people's time went into it."""
        self._end(settled(held, answer, seconds))

    def settle_later(
        self, held: Reservation, answer: Answer, *, then: Callable[[BaseException | None], None], seconds: int = 0
    ) -> None:
        """Settle without waiting: before anything that this thread asks for next.

        `then` is called from another thread once the answer is on disk, with `None`, or with what went wrong.
        """

        def ended(error: BaseException | None) -> None:
            self._turns.leave([held.id])
            then(error)

        self._writer.submit(settled(held, answer, seconds), then=ended)

    def release(self, held: Reservation, note: str, *, sent: bool = False) -> None:
        """Give a reservation back: the provider took no money. A call that was `sent` still counts as a call."""
        self._end(End(held, "released", Use(calls=int(sent)), note))

    def charge_in_full(self, held: Reservation, note: str) -> None:
        """Charge all that was reserved: the call was sent, and nobody knows whether it was billed."""
        self._end(End(held, "unknown", held.charge.use, note))

    def reap(self) -> Unsettled:
        """Charge in full the open calls whose process is gone."""
        with self._database.writing() as connection:
            turn = self._turns.turn(connection)
            found = turn.reap()
            turn.save()
        return found

    def account(self, run: str) -> Account:
        """Return what a run has used and holds."""
        with self._database.reading() as connection:
            return reports.run_account(connection, run)

    def day_account(self, day: str | None = None) -> Account:
        """Return what all runs have used and hold on a UTC day ("2026-11-22"), today if none is named."""
        with self._database.reading() as connection:
            return reports.day_account(connection, day or utc_day(self._clock()))

    def ledger(self, run: str | None = None) -> list[dict[str, object]]:
        """Return the ledger's rows, of one run or of all."""
        with self._database.reading() as connection:
            return reports.rows(connection, run)

    def _end(self, end: End) -> None:
        try:
            self._writer.write(end)
        finally:
            self._turns.leave([end.held.id])

    def _write_all(self, work: Sequence[Want | End]) -> list[Reservation | Refusal | None]:
        """Write what many threads want in one transaction: ends first, as they may free what others wait for."""
        ends = [one for one in work if isinstance(one, End)]
        wants = [one for one in work if isinstance(one, Want)]
        made: list[int] = []
        try:
            with self._database.writing() as connection:
                turn = self._turns.turn(connection)
                turn.end(ends)
                said = turn.open(wants)
                turn.save()
                made = [one.id for one in said if isinstance(one, Reservation)]
                self._turns.take(made)  # before the commit: nobody may take them for abandoned
        except BaseException:
            self._turns.leave(made)
            raise
        replies = iter(said)
        return [next(replies) if isinstance(one, Want) else None for one in work]
