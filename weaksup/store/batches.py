"""Batches as the rest of weaksup sees them: reserve for all calls, note the provider's id, settle each call once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weaksup.store import batch_rows
from weaksup.store.batch_rows import Batch, BatchItem
from weaksup.store.calls import Charge, End, Refusal, Reservation, Want
from weaksup.store.owner import Owner
from weaksup.store.turns import Turns
from weaksup.store.use import Limits, Use

__all__ = ["Batches", "Reserved"]

_NOBODY = Owner(-1, "")


@dataclass(frozen=True, slots=True)
class Reserved:
    """A batch that may be sent, with its calls; `refused` says why the others are not in it. Both by their keys."""

    batch: Batch | None
    calls: dict[str, Reservation]
    refused: dict[str, Refusal]


class Batches:
    """The batches of a store: `store.batches`.

    The order is `reserve`, `creating`, send, `started`, `settle` in parts, `end`. From `started` on the calls belong to
    the batch: a process may `claim` it when the one that looked after it is gone, or let it go.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._database = turns.database

    def reserve(
        self, charges: Sequence[Charge], *, run: str, tier: str, place: str, cap: int, limits: Limits
    ) -> Reserved:
        """Reserve for as many calls as `cap` (micro-dollars) and `limits` allow, in one transaction, and claim them.

        `place` is where the batch goes. No batch is made where no call may be sent. Rates are not looked at.
        """
        paceless = Limits(run=limits.run, day=limits.day)
        taken: list[int] = []
        try:
            with self._database.writing() as connection:
                turn = self._turns.turn(connection)
                now, owner = self._turns.clock(), self._turns.owner()
                batch = batch_rows.add(connection, run=run, tier=tier, place=place, owner=owner, now=now)
                said = turn.open([Want(charge, cap, paceless) for charge in charges], batch=batch.id)
                turn.save()
                calls = {one.key: one for one in said if isinstance(one, Reservation)}
                if not calls:
                    batch_rows.drop(connection, batch.id)
                taken = [one.id for one in calls.values()]
                self._turns.take(taken, batch=batch.id if calls else None)
        except BaseException:
            self._turns.leave(taken)
            raise
        refused = {c.key: one for c, one in zip(charges, said, strict=True) if isinstance(one, Refusal)}
        return Reserved(batch if calls else None, calls, refused)

    def creating(self, batch: Batch) -> None:
        """Note that the batch is about to be sent: if nothing more is heard, its calls are charged in full."""
        self._change(batch, state="creating")

    def not_created(self, batch: Batch, note: str) -> None:
        """Note that the provider refused it, and that it may be sent again."""
        self._change(batch, state="reserved", note=note)

    def started(self, batch: Batch, provider_id: str) -> Batch:
        """Store the provider's id: on disk when this returns."""
        self._change(batch, state="running", provider_id=provider_id)
        with self._database.reading() as connection:
            self._turns.leave(item.held.id for item in batch_rows.items(connection, batch.id).values())
            return batch_rows.read(connection, batch.id)

    def read(self, batch: Batch) -> Batch:
        """Return a batch as it is now."""
        with self._database.reading() as connection:
            return batch_rows.read(connection, batch.id)

    def running(self, place: str, keys: Sequence[str]) -> list[tuple[Batch, frozenset[str]]]:
        """Return the batches that run at a place, each with those of the keys that it holds."""
        with self._database.reading() as connection:
            return batch_rows.running(connection, place, keys)

    def items(self, batch: Batch) -> dict[str, BatchItem]:
        """Return the calls of a batch by their keys."""
        with self._database.reading() as connection:
            return batch_rows.items(connection, batch.id)

    def claim(self, batch: Batch) -> bool:
        """Look after a running batch from now on, unless another process or thread does so."""
        with self._database.writing() as connection:
            now = batch_rows.read(connection, batch.id)
            if now.state != "running" or self._turns.looked_after(connection, now.id, now.owner):
                return False
            owner = self._turns.owner()
            batch_rows.change(connection, batch.id, pid=owner.pid, boot=owner.boot)
            self._turns.take(batch=batch.id)
            return True

    def let_go(self, batch: Batch) -> None:
        """Look after a batch no more: whoever wants it may claim it."""
        self._change(batch, pid=_NOBODY.pid, boot=_NOBODY.boot)
        self._turns.leave(batch=batch.id)

    def settle(self, ends: Sequence[End]) -> None:
        """End calls, with their answers, in one transaction."""
        with self._database.writing() as connection:
            turn = self._turns.turn(connection)
            turn.end(ends)
            turn.save()

    def end(self, batch: Batch, ends: Sequence[End], note: str) -> None:
        """End the last calls of a batch, and the batch, in one transaction."""
        with self._database.writing() as connection:
            turn = self._turns.turn(connection)
            turn.end(ends)
            turn.save()
            batch_rows.change(connection, batch.id, state="ended", note=note, closed=self._turns.clock())
        self._turns.leave((end.held.id for end in ends), batch=batch.id)

    def give_up(self, batch: Batch, note: str, *, charge: bool) -> int:
        """End a batch that was not created; return what was charged, in micro-dollars: all or nothing."""
        items = self.items(batch)
        ends = [
            End(item.held, "unknown" if charge else "released", item.held.charge.use if charge else Use(), note)
            for item in items.values()
        ]
        self.end(batch, ends, note)
        return sum(end.used.cost for end in ends)

    def _change(self, batch: Batch, **values: str | int) -> None:
        with self._database.writing() as connection:
            batch_rows.change(connection, batch.id, **values)
