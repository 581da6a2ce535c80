"""The sums that caps look at: what each run and each day has used and holds, changed with the ledger's rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, select, text

from weaksup.store.tables import ACCOUNTS
from weaksup.store.use import Use

__all__ = ["Sums", "account_names", "utc_day"]

_NOTHING = Use()
_FIND = select(ACCOUNTS).where(ACCOUNTS.c.name.in_(bindparam("names", expanding=True)))
_NAMES = tuple(ACCOUNTS.c.keys())
_PUT = text(
    f"INSERT INTO accounts ({', '.join(_NAMES)}) VALUES ({', '.join(f':{name}' for name in _NAMES)}) "  # noqa: S608
    f"ON CONFLICT (name) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _NAMES[1:])}"
)


def utc_day(now: float) -> str:
    """Return the UTC day of a moment, as 2026-11-22."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def account_names(run: str, day: str) -> tuple[str, str]:
    """Return the two accounts of a call."""
    return f"run/{run}", f"day/{day}"


@dataclass(slots=True)
class _Sum:
    used: Use = _NOTHING
    held: Use = _NOTHING


class Sums:
    """The accounts of one transaction: read once, changed in memory, written once.

    Only one process at a time is in a writing transaction, so what was read stays true.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sums: dict[str, _Sum] = {}
        self._changed: set[str] = set()

    def load(self, names: Iterable[str]) -> None:
        """Read the accounts that are not read yet."""
        missing = sorted(set(names) - set(self._sums))
        if not missing:
            return
        self._sums.update({name: _Sum() for name in missing})
        for name, *values in self._connection.execute(_FIND, {"names": missing}):
            self._sums[name] = _Sum(Use(*values[:4]), Use(*values[4:]))

    def used(self, name: str) -> Use:
        """Return what an account has used."""
        return self._sums[name].used

    def held(self, name: str) -> Use:
        """Return what the open calls of an account may use."""
        return self._sums[name].held

    def move(self, names: Iterable[str], *, held: Use = _NOTHING, used: Use = _NOTHING) -> None:
        """Add to accounts that were loaded."""
        for name in names:
            entry = self._sums[name]
            entry.held += held
            entry.used += used
            self._changed.add(name)

    def save(self) -> None:
        """Write what has changed."""
        rows = [
            dict(zip(_NAMES, (name, *self._sums[name].used, *self._sums[name].held), strict=True))
            for name in sorted(self._changed)
        ]
        if rows:
            self._connection.execute(_PUT, rows)
        self._changed.clear()
