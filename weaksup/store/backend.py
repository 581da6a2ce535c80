"""What a database must do to hold a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from weaksup.errors import WeaksupError
from weaksup.store.owner import Owner

__all__ = ["Backend"]


class Backend(Protocol):
    """SQLite or PostgreSQL: how it is opened, how one process at a time writes, and what its errors mean."""

    @property
    def name(self) -> str:
        """What to call the store in messages: never with a password."""
        ...

    def engine(self) -> Engine:
        """Open the database with room for a reader and a writer; a transaction begins as `begin` says."""
        ...

    def begin(self, connection: Connection, *, write: bool) -> None:
        """Begin a transaction; a writing one waits until no other process writes."""
        ...

    def check(self, connection: Connection) -> None:
        """Refuse a database that is no store."""
        ...

    def explained(self, error: DBAPIError) -> WeaksupError:
        """Say in one line what went wrong and what to do."""
        ...

    def owner(self) -> Owner:
        """Return what this process writes beside its reservations."""
        ...

    def alive(self, connection: Connection) -> Callable[[Owner], bool]:
        """Return the test whether the process of a reservation still runs."""
        ...

    def close(self) -> None:
        """Let go of what `owner` took."""
        ...
