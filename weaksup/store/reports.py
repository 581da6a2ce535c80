"""What the ledger says: the sums of a run or a day, and its rows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, literal_column, select

from weaksup.store.accounts import Sums, account_names
from weaksup.store.tables import LEDGER

__all__ = ["Account", "day_account", "rows", "run_account"]

_UNKNOWN = select(func.coalesce(func.sum(LEDGER.c.cost), 0)).where(LEDGER.c.state == literal_column("'unknown'"))
_UNKNOWN_OF_RUN = _UNKNOWN.where(LEDGER.c.run == bindparam("of"))
_UNKNOWN_OF_DAY = _UNKNOWN.where(LEDGER.c.day == bindparam("of"))


@dataclass(frozen=True, slots=True)
class Account:
    """The sums of one run or day: `spent` and `held` in micro-dollars, and `calls`, `tokens`, `seconds` used.

    `unknown` is the part of `spent` that nobody knows was billed; `seconds` are of people's time.
    """

    name: str
    spent: int = 0
    held: int = 0
    unknown: int = 0
    calls: int = 0
    tokens: int = 0
    seconds: int = 0


def run_account(connection: Connection, run: str) -> Account:
    """Return the sums of a run."""
    unknown = connection.execute(_UNKNOWN_OF_RUN, {"of": run}).scalar_one()
    return _account(connection, account_names(run, "")[0], int(unknown))


def day_account(connection: Connection, day: str) -> Account:
    """Return the sums of a day."""
    unknown = connection.execute(_UNKNOWN_OF_DAY, {"of": day}).scalar_one()
    return _account(connection, account_names("", day)[1], int(unknown))


def _account(connection: Connection, name: str, unknown: int) -> Account:
    sums = Sums(connection)
    sums.load([name])
    used, held = sums.used(name), sums.held(name)
    return Account(name.partition("/")[2], used.cost, held.cost, unknown, used.calls, used.tokens, used.seconds)


def rows(connection: Connection, run: str | None = None) -> list[dict[str, object]]:
    """Return the ledger's rows, of one run or of all, in the order they were opened."""
    chosen = select(LEDGER).order_by(LEDGER.c.id)
    if run is not None:
        chosen = chosen.where(LEDGER.c.run == run)
    return [dict(row) for row in connection.execute(chosen).mappings()]
