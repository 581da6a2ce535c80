"""Batches in the database: calls that a provider got together, under an id that it gave.

A batch is `reserved` (its calls hold their money, nothing was sent that costs any), `creating` (being sent), `running`
(the provider's id is stored: its calls are held by the batch, whatever becomes of the process), then `ended`. One whose
process ended before it ran is `lost`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, delete, func, insert, literal_column, select, update

from weaksup.store.calls import Charge, Reservation
from weaksup.store.owner import Owner
from weaksup.store.tables import BATCHES, LEDGER, plain
from weaksup.store.use import Use

__all__ = [
    "CREATE_LOST",
    "NOT_SENT",
    "Batch",
    "BatchItem",
    "BatchState",
    "add",
    "change",
    "drop",
    "held_by_running",
    "items",
    "lose",
    "read",
    "running",
]

CREATE_LOST = "its process ended before the provider's batch id was stored"
NOT_SENT = "not sent: its process ended before"

BatchState = Literal["reserved", "creating", "running", "ended", "lost"]

_AT_ONCE = 1000  # keys in one statement
_LAST_ID = select(func.coalesce(func.max(BATCHES.c.id), 0))
_STATES = select(BATCHES.c.id, BATCHES.c.state).where(BATCHES.c.id.in_(bindparam("ids", expanding=True)))
_READ = select(BATCHES).where(BATCHES.c.id == bindparam("of_id"))
_RUNNING = select(BATCHES).where(BATCHES.c.state == literal_column("'running'")).order_by(BATCHES.c.id)
_HOLDING = select(LEDGER.c.key, LEDGER.c.batch).where(
    LEDGER.c.state == literal_column("'open'"),
    LEDGER.c.batch.is_not(None),
    LEDGER.c.key.in_(bindparam("keys", expanding=True)),
)
_MOST = (LEDGER.c.reserved, LEDGER.c.reserved_tokens, LEDGER.c.reserved_seconds)
_HELD = (
    select(func.count(), *(func.coalesce(func.sum(column), 0) for column in _MOST))
    .select_from(LEDGER.join(BATCHES, LEDGER.c.batch == BATCHES.c.id))
    .where(LEDGER.c.state == literal_column("'open'"), BATCHES.c.state == literal_column("'running'"))
)
_ITEMS = select(LEDGER).where(LEDGER.c.batch == bindparam("of_batch")).order_by(LEDGER.c.id)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch: `place` is the provider's address, `provider_id` its id there, `owner` the process that looks after it.

    `created` is in seconds since 1970.
    """

    id: int
    run: str
    tier: str
    place: str
    provider_id: str
    state: BatchState
    note: str
    owner: Owner
    created: float


@dataclass(frozen=True, slots=True)
class BatchItem:
    """A call of a batch: its reservation, the state of its row in the ledger, and its charge in micro-dollars."""

    held: Reservation
    state: str
    cost: int


def add(connection: Connection, *, run: str, tier: str, place: str, owner: Owner, now: float) -> Batch:
    """Store a new batch."""
    number = connection.execute(_LAST_ID).scalar_one() + 1
    state: BatchState = "reserved"
    row = {"id": number, "run": run, "tier": tier, "place": place, "provider_id": "", "state": state, "note": ""}
    connection.execute(insert(BATCHES), row | {"pid": owner.pid, "boot": owner.boot, "created": now})
    return Batch(number, run, tier, place, "", state, "", owner, now)


def change(connection: Connection, number: int, **values: str | int | float) -> None:
    """Change columns of a batch."""
    said = {name: plain(value) if isinstance(value, str) else value for name, value in values.items()}
    connection.execute(update(BATCHES).where(BATCHES.c.id == number).values(said))


def drop(connection: Connection, number: int) -> None:
    """Take back a batch that no call went into."""
    connection.execute(delete(BATCHES).where(BATCHES.c.id == number))


def read(connection: Connection, number: int) -> Batch:
    """Return a batch as it is now."""
    return _batch(connection.execute(_READ, {"of_id": number}).one())


def running(connection: Connection, place: str, keys: Sequence[str]) -> list[tuple[Batch, frozenset[str]]]:
    """Return the batches that run at a place, each with those of the keys that it holds."""
    batches = [batch for batch in map(_batch, connection.execute(_RUNNING)) if batch.place == place]
    holding: dict[int, set[str]] = {}
    if batches:
        for start in range(0, len(keys), _AT_ONCE):
            for key, number in connection.execute(_HOLDING, {"keys": keys[start : start + _AT_ONCE]}):
                holding.setdefault(number, set()).add(key)
    return [(batch, frozenset(holding.get(batch.id, ()))) for batch in batches]


def held_by_running(connection: Connection, account: str) -> Use:
    """Return what batches that run hold of an account: it may take hours to come back."""
    kind, _, of = account.partition("/")
    calls, *most = connection.execute(_HELD.where(LEDGER.c[kind] == of)).one()
    cost, tokens, seconds = map(int, most)
    return Use(cost, calls, tokens, seconds)


def items(connection: Connection, number: int) -> dict[str, BatchItem]:
    """Return the calls of a batch by their keys."""
    return {row.key: _item(row) for row in connection.execute(_ITEMS, {"of_batch": number})}


def lose(connection: Connection, numbers: Iterable[int], *, now: float) -> set[int]:
    """Mark those batches lost that had not come to run; return the ones that were never sent."""
    wanted = sorted(set(numbers))
    found = connection.execute(_STATES, {"ids": wanted}).all() if wanted else []
    for row in found:
        if row.state in ("reserved", "creating"):
            note = NOT_SENT if row.state == "reserved" else CREATE_LOST
            change(connection, row.id, state="lost", note=note, closed=now)
    return {row.id for row in found if row.state == "reserved"}


def _batch(row: Any) -> Batch:
    owner = Owner(row.pid, row.boot)
    return Batch(row.id, row.run, row.tier, row.place, row.provider_id, row.state, row.note, owner, row.created)


def _item(row: Any) -> BatchItem:
    most = (row.reserved, row.reserved_tokens, row.reserved_seconds)
    charge = Charge(row.key, row.run, row.tier, row.model, row.price_source, *most)
    return BatchItem(Reservation(row.id, charge, row.day, row.opened), row.state, row.cost)
