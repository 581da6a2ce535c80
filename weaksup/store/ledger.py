"""The ledger: every reservation and payment, in micro-dollars, and the sums that the caps look at.

A call is `open` (reserved, perhaps sent), then `done` (answered and charged), `released` (the provider did not take
it: no charge) or `unknown` (sent, but nobody knows whether it was billed: charged in full). The sums in `accounts`
change in the same transaction as the rows, so what is used and held is never below what the provider may have billed.

One `Turn` is one transaction. It takes the calls of many threads at once: a statement for each table, not each call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, func, insert, literal_column, select, update

from weaksup.store import answers
from weaksup.store.accounts import Sums, account_names, utc_day
from weaksup.store.batch_rows import CREATE_LOST, NOT_SENT, held_by_running, lose
from weaksup.store.calls import End, Refusal, Reservation, State, Want
from weaksup.store.owner import Owner
from weaksup.store.paces import Paces, give_back
from weaksup.store.tables import BATCHES, LEDGER, plain
from weaksup.store.use import Use

__all__ = ["Lives", "Turn", "Unsettled"]

# Written out, not bound: SQLite uses the index of open calls only where it can read the condition.
_OPEN = LEDGER.c.state == literal_column("'open'")

# Statements are made once: making one takes ten times as long as running it.
_HOLDER = (LEDGER.c.key, LEDGER.c.id, LEDGER.c.pid, LEDGER.c.boot, BATCHES.c.state.label("batch_state"))
_ALL_OPEN = select(*_HOLDER).select_from(LEDGER.outerjoin(BATCHES, LEDGER.c.batch == BATCHES.c.id)).where(_OPEN)
_FIND_OPEN = _ALL_OPEN.where(LEDGER.c.key.in_(bindparam("keys", expanding=True)))
_ENDING = ("id", "run", "day", "state", "reserved", "reserved_tokens", "reserved_seconds", "batch")
_FIND_ENTRIES = select(*(LEDGER.c[name] for name in (*_ENDING, "cost", "calls", "tokens", "seconds")))
_FIND_ENTRIES = _FIND_ENTRIES.where(LEDGER.c.id.in_(bindparam("ids", expanding=True)))
_LAST_ID = select(func.coalesce(func.max(LEDGER.c.id), 0))
_ADD_ENTRY = insert(LEDGER)
_AT_ONCE = 1000  # rows in one statement; SQLite allows 32,766 values
_END_ENTRY = update(LEDGER).where(LEDGER.c.id == bindparam("of_id"))
_ENDED = ("state", "note", "closed", "cost", "calls", "tokens", "seconds")
_END_ENTRY = _END_ENTRY.values({name: bindparam(f"new_{name}") for name in _ENDED})

_KILLED = "its process ended before the answer was stored"

T = TypeVar("T")

# Whether the call with this ledger id and owner may still be running.
Lives = Callable[[int, Owner], bool]


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Calls whose process ended before their answer was stored: `calls` of them, charged in full, `cost` in all."""

    calls: int = 0
    cost: int = 0


class Turn:
    """What happens to the ledger in one transaction of the caller: ends first, then wants, then `save`."""

    def __init__(self, connection: Connection, *, owner: Owner, now: float, lives: Lives) -> None:
        self._connection = connection
        self._owner = owner
        self._now = now
        self._lives = lives
        self._sums = Sums(connection)
        self._paces = Paces(connection, now)
        self._reaped = False
        self._batched: dict[str, Use] = {}

    def end(self, ends: Sequence[End]) -> None:
        """End calls and store their answers; a call that was given up meanwhile is corrected."""
        if not ends:
            return
        answers.put(self._connection, [end.answer for end in ends if end.answer is not None], now=self._now)
        self._close({end.held.id: (end.state, end.used, end.note) for end in ends})
        for end in ends:
            if end.held.paced:
                spare = end.held.charge.tokens - end.used.tokens
                give_back(self._connection, end.held.charge.tier, opened=end.held.opened, tokens=spare)

    def _close(self, ended: dict[int, tuple[State, Use, str]]) -> None:
        rows = self._entries(list(ended))
        self._sums.load(name for row in rows for name in account_names(row.run, row.day))
        changes = []
        for row in rows:
            state, used, note = ended[row.id]
            held = _reserved(row) if row.state == "open" else Use()
            before = Use(row.cost, row.calls, row.tokens, row.seconds)
            self._sums.move(account_names(row.run, row.day), held=Use() - held, used=used - before)
            values = zip(_ENDED, (state, plain(note), self._now, *used), strict=True)
            changes.append({"of_id": row.id, **{f"new_{name}": value for name, value in values}})
        self._connection.execute(_END_ENTRY, changes)

    def open(self, wants: Sequence[Want], *, batch: int | None = None) -> list[Reservation | Refusal]:
        """Reserve for each call the most that it may use, if it is within every cap, or say why not.

        The calls of a `batch` are held by it once it runs, not by this process.
        """
        if not wants:
            return []
        day = utc_day(self._now)
        self._sums.load(name for want in wants for name in account_names(want.charge.run, day))
        taken = self._taken([want.charge.key for want in wants])
        made: list[Reservation] = []
        said: list[Reservation | Refusal] = []
        next_id = self._connection.execute(_LAST_ID).scalar_one() + 1
        for want in wants:
            refusal = taken.get(want.charge.key) or self._refusal(want, day)
            if refusal is not None:
                said.append(refusal)
                continue
            made.append(Reservation(next_id + len(made), want.charge, day, self._now, want.limits.paced))
            said.append(made[-1])
            taken[want.charge.key] = Refusal("busy")
            self._sums.move(account_names(want.charge.run, day), held=want.charge.use)
            if want.limits.paced:
                self._paces.count(want.charge.tier, want.charge.tokens)
        if made:
            self._connection.execute(_ADD_ENTRY, [self._entry(one, batch) for one in made])
        return said

    def _taken(self, keys: list[str]) -> dict[str, Refusal]:
        """Say which keys have an answer, or an open call of a batch that runs or of a process that lives."""
        found, _ = answers.find(self._connection, keys)
        taken = {key: Refusal("answered") for key in found}
        rows = [row for part in _parts(keys) for row in self._connection.execute(_FIND_OPEN, {"keys": part}).all()]
        for row in rows:
            if self._held(row):
                taken.setdefault(row.key, Refusal("batch" if row.batch_state == "running" else "busy"))
        if not all(map(self._held, rows)):
            self.reap()
        return taken

    def _held(self, row: Any) -> bool:
        """Say whether a batch that runs, or a process that lives, will end an open call."""
        return row.batch_state == "running" or self._lives(row.id, Owner(row.pid, row.boot))

    def _entries(self, ids: list[int]) -> list[Any]:
        return [row for part in _parts(ids) for row in self._connection.execute(_FIND_ENTRIES, {"ids": part}).all()]

    def _refusal(self, want: Want, day: str) -> Refusal | None:
        charge, limits = want.charge, want.limits
        if self._blocked(want, day, self._sums.held):
            self.reap()  # what a dead process held is used now
        if blocked := self._blocked(want, day, self._sums.held):
            if for_good := self._blocked(want, day, lambda _: Use()):
                return Refusal("budget", for_good)
            for_hours = self._blocked(want, day, self._in_batches)
            return Refusal("budget", f"{for_hours}, held by a batch") if for_hours else Refusal("wait", blocked)
        if not limits.paced:
            return None
        if limits.tokens_a_minute is not None and charge.tokens > limits.tokens_a_minute:
            return Refusal("budget", "tokens a minute")
        seconds = self._paces.wait(charge.tier, limits, charge.tokens)
        return Refusal("rate", seconds=seconds) if seconds > 0 else None

    def _in_batches(self, account: str) -> Use:
        """Return what batches that run hold of an account; it is looked up once in a turn."""
        if account not in self._batched:
            self._batched[account] = held_by_running(self._connection, account)
        return self._batched[account]

    def _blocked(self, want: Want, day: str, held: Callable[[str], Use]) -> str:
        """Name the cap that a call would pass beside what is used and `held` of an account, or return ""."""
        run = replace(want.limits.run, cost=_smaller(want.cap, want.limits.run.cost))
        names = account_names(want.charge.run, day)
        for name, caps, whose in zip(names, (run, want.limits.day), ("of the run", "of the day"), strict=True):
            if what := caps.exceeded(self._sums.used(name) + held(name), want.charge.use):
                return f"{what} {whose}"
        return ""

    def _entry(self, one: Reservation, batch: int | None) -> dict[str, object]:
        charge = one.charge
        return {
            "id": one.id,
            "key": charge.key,
            "run": charge.run,
            "tier": charge.tier,
            "model": charge.model,
            "price_source": charge.price_source,
            "reserved": charge.most,
            "reserved_tokens": charge.tokens,
            "reserved_seconds": charge.seconds,
            "cost": 0,
            "calls": 0,
            "tokens": 0,
            "seconds": 0,
            "state": "open",
            "note": "",
            "pid": self._owner.pid,
            "boot": self._owner.boot,
            "opened": one.opened,
            "day": one.day,
            "batch": batch,
        }

    def reap(self) -> Unsettled:
        """Charge in full every open call whose process is gone: its answer may have been billed. Once in a turn.

        The calls of a batch that runs are its own; those of a batch that was not sent yet are given back.
        """
        if self._reaped:
            return Unsettled()
        self._reaped = True
        rows = self._connection.execute(_ALL_OPEN).all()
        return self._give_up([row.id for row in rows if not self._held(row)])

    def _give_up(self, ids: list[int]) -> Unsettled:
        """End calls that nobody will end: charged in full, but those of a batch that was never sent."""
        if not ids:
            return Unsettled()
        rows = self._entries(ids)
        unsent = lose(self._connection, {row.batch for row in rows if row.batch is not None}, now=self._now)
        ended: dict[int, tuple[State, Use, str]] = {}
        for row in rows:
            if row.batch in unsent:
                ended[row.id] = ("released", Use(), NOT_SENT)
            else:
                ended[row.id] = ("unknown", _reserved(row), _KILLED if row.batch is None else CREATE_LOST)
        self._close(ended)
        charged = [use.cost for state, use, _ in ended.values() if state == "unknown"]
        return Unsettled(len(charged), sum(charged))

    def save(self) -> None:
        """Write the sums: nothing else may happen in this turn afterwards."""
        self._sums.save()
        self._paces.save()


def _parts(values: list[T]) -> Iterator[list[T]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


def _reserved(row: Any) -> Use:
    return Use(row.reserved, 1, row.reserved_tokens, row.reserved_seconds)


def _smaller(one: int, other: int | None) -> int:
    return one if other is None else min(one, other)
