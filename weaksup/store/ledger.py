"""The ledger: every reservation and payment, in micro-dollars, and the sums of each run that the budget looks at.

A call is `open` (reserved, perhaps sent), then `done` (answered and charged), `released` (the provider did not take
it: no charge) or `unknown` (sent, but nobody knows whether it was billed: charged in full). The sums in `budgets`
change in the same transaction as the rows, so `spent + held` is never below what the provider may have billed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Integer,
    String,
    Table,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    update,
)

from weaksup.store.answers import METADATA
from weaksup.store.owner import Owner

__all__ = ["Account", "Charge", "Refusal", "Reservation", "Unsettled", "account", "close", "open_call", "reap", "rows"]

State = Literal["done", "released", "unknown"]

_LEDGER = Table(
    "ledger",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False),
    Column("run", String, nullable=False),
    Column("tier", String, nullable=False),
    Column("model", String, nullable=False),
    Column("price_source", String, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("note", String, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("boot", String, nullable=False),
    Column("opened", Double, nullable=False),
    Column("closed", Double),
)
_BUDGETS = Table(
    "budgets",
    METADATA,
    Column("run", String, primary_key=True),
    Column("spent", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
)
# Written out, not bound: SQLite uses the index of open calls only where it can read the condition.
_OPEN = _LEDGER.c.state == literal_column("'open'")

# Statements are made once: making one takes ten times as long as running it.
_FIND_OPEN = select(_LEDGER.c.id, _LEDGER.c.pid, _LEDGER.c.boot).where(_OPEN, _LEDGER.c.key == bindparam("of_key"))
_ALL_OPEN = select(_LEDGER.c.id, _LEDGER.c.pid, _LEDGER.c.boot, _LEDGER.c.reserved).where(_OPEN)
_FIND_ENTRY = select(_LEDGER).where(_LEDGER.c.id == bindparam("of_id"))
_ADD_ENTRY = insert(_LEDGER).values(cost=0, state="open", note="").returning(_LEDGER.c.id)
_END_ENTRY = update(_LEDGER).where(_LEDGER.c.id == bindparam("of_id"))
_END_ENTRY = _END_ENTRY.values({name: bindparam(f"new_{name}") for name in ("state", "cost", "note", "closed")})
_FIND_SUMS = select(_BUDGETS.c.spent, _BUDGETS.c.held).where(_BUDGETS.c.run == bindparam("of_run"))
_ADD_SUMS = insert(_BUDGETS).values(spent=0, held=0)
_OF_RUN = update(_BUDGETS).where(_BUDGETS.c.run == bindparam("of_run"))
_MORE = bindparam("more", type_=BigInteger)
_HOLD = _OF_RUN.values(held=_BUDGETS.c.held + _MORE)
_HOLD_WITHIN_CAP = _HOLD.where(_BUDGETS.c.spent + _BUDGETS.c.held + _MORE <= bindparam("cap", type_=BigInteger))
_MOVE = _OF_RUN.values(
    held=_BUDGETS.c.held - bindparam("freed", type_=BigInteger),
    spent=_BUDGETS.c.spent + bindparam("paid", type_=BigInteger),
)
_UNKNOWN = select(func.sum(_LEDGER.c.cost)).where(
    _LEDGER.c.run == bindparam("of_run"), _LEDGER.c.state == literal_column("'unknown'")
)

# Whether the call with this ledger id and owner may still be running.
Lives = Callable[[int, Owner], bool]


@dataclass(frozen=True, slots=True)
class Charge:
    """What a call is for and what it may cost at most: `most` in micro-dollars."""

    key: str
    run: str
    tier: str
    model: str
    price_source: str
    most: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """Leave to send one call; it must be settled, released or given up."""

    id: int
    key: str
    run: str
    reserved: int


class Refusal(Enum):
    """Why no call may be sent now."""

    ANSWERED = "the answer is in the store"
    BUSY = "another process or thread is asking the same"
    WAIT = "the budget is held by calls in flight; some of it may come back"
    BUDGET = "the budget is reached"


@dataclass(frozen=True, slots=True)
class Account:
    """The sums of one run, in micro-dollars; `unknown` is the part of `spent` that nobody knows was billed."""

    run: str
    spent: int = 0
    held: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Calls whose process ended before their answer was stored: `calls` of them, charged in full, `cost` in all."""

    calls: int = 0
    cost: int = 0


def open_call(
    connection: Connection, charge: Charge, *, cap: int, owner: Owner, now: float, lives: Lives
) -> Reservation | Refusal:
    """Reserve the most a call may cost, if it is within the cap of the run: one atomic step of the caller's write."""
    same = connection.execute(_FIND_OPEN, {"of_key": charge.key}).first()
    if same is not None:
        if lives(same.id, Owner(same.pid, same.boot)):
            return Refusal.BUSY
        _give_up(connection, same.id, now)
    if not _hold(connection, charge, cap):
        reap(connection, now=now, lives=lives)  # what a dead process held is spent now
        spent, held = _sums(connection, charge.run)
        return Refusal.WAIT if held and spent + charge.most <= cap else Refusal.BUDGET
    entry = {
        "key": charge.key,
        "run": charge.run,
        "tier": charge.tier,
        "model": charge.model,
        "price_source": charge.price_source,
        "reserved": charge.most,
        "pid": owner.pid,
        "boot": owner.boot,
        "opened": now,
    }
    made = connection.execute(_ADD_ENTRY, entry).scalar_one()
    return Reservation(id=int(made), key=charge.key, run=charge.run, reserved=charge.most)


def _hold(connection: Connection, charge: Charge, cap: int) -> bool:
    """Add to the held sum if it stays within the cap; the check and the change are one statement."""
    values = {"of_run": charge.run, "more": charge.most}
    # A call that is free may go even where the cap was lowered below what is spent.
    statement = _HOLD_WITHIN_CAP if charge.most else _HOLD
    values |= {"cap": cap} if charge.most else {}
    if connection.execute(statement, values).rowcount:
        return True
    if connection.execute(_FIND_SUMS, {"of_run": charge.run}).first() is not None:
        return False
    connection.execute(_ADD_SUMS, {"run": charge.run})
    return bool(connection.execute(statement, values).rowcount)


def _sums(connection: Connection, run: str) -> tuple[int, int]:
    row = connection.execute(_FIND_SUMS, {"of_run": run}).first()
    return (0, 0) if row is None else (int(row.spent), int(row.held))


def close(connection: Connection, entry: int, state: State, *, cost: int, note: str, now: float) -> None:
    """End a call and correct the sums; a call that was given up meanwhile is corrected too."""
    row = connection.execute(_FIND_ENTRY, {"of_id": entry}).one()
    ended = {"new_state": state, "new_cost": cost, "new_note": note, "new_closed": now}
    connection.execute(_END_ENTRY, {"of_id": entry, **ended})
    freed = row.reserved if row.state == "open" else 0
    connection.execute(_MOVE, {"of_run": row.run, "freed": freed, "paid": cost - row.cost})


def reap(connection: Connection, *, now: float, lives: Lives) -> Unsettled:
    """Charge in full every open call whose process is gone: its answer may have been billed."""
    open_calls = connection.execute(_ALL_OPEN).all()
    dead = [row for row in open_calls if not lives(row.id, Owner(row.pid, row.boot))]
    for row in dead:
        _give_up(connection, row.id, now)
    return Unsettled(len(dead), sum(row.reserved for row in dead))


def _give_up(connection: Connection, entry: int, now: float) -> None:
    reserved = connection.execute(_FIND_ENTRY, {"of_id": entry}).one().reserved
    close(connection, entry, "unknown", cost=reserved, note="its process ended before the answer was stored", now=now)


def account(connection: Connection, run: str) -> Account:
    """Return the sums of a run."""
    spent, held = _sums(connection, run)
    return Account(run, spent, held, int(connection.execute(_UNKNOWN, {"of_run": run}).scalar() or 0))


def rows(connection: Connection, run: str | None = None) -> list[dict[str, object]]:
    """Return the ledger's rows, of one run or of all, in the order they were opened."""
    chosen = select(_LEDGER).order_by(_LEDGER.c.id)
    if run is not None:
        chosen = chosen.where(_LEDGER.c.run == run)
    return [dict(row) for row in connection.execute(chosen).mappings()]
