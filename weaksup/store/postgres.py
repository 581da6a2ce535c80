"""A store in a PostgreSQL database, by its URL: for processes on several machines (extra `postgres`)."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from importlib.util import find_spec

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import QueuePool

from weaksup.errors import DiskError, MissingExtra, UsageError, WeaksupError
from weaksup.store.owner import Owner

__all__ = ["Postgres", "is_url"]

_PATIENCE = 60  # seconds to wait for another process's transaction
_LOOK_SECONDS = 5.0
_WRITER = 1_463_899_001  # the advisory lock of the one who writes
_LEASES = 1_463_899_002  # the class of the locks that processes hold as long as they live
_LIVING = text(
    "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = :leases "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def is_url(where: str) -> bool:
    """Say whether a store's name is the URL of a PostgreSQL database."""
    return where.startswith(("postgresql://", "postgres://"))


class Postgres:
    """The backend for a URL.

    One process at a time writes, as on SQLite: an advisory lock sees to it. Each process holds another one on a
    connection of its own; when the process or its machine is gone, so is the lock, and its open calls count as dead.
    """

    def __init__(self, url: str) -> None:
        if find_spec("psycopg") is None:
            raise MissingExtra(f'a store in PostgreSQL needs the driver; run: pip install "{_EXTRA}"')
        try:
            self._url = make_url(url).set(drivername="postgresql+psycopg")
        except (ArgumentError, ValueError):
            raise UsageError("store: expected postgresql://USER@HOST/DATABASE, got a URL that cannot be read") from None
        self._engine: Engine | None = None
        self._lease: Connection | None = None
        self._looked = -math.inf  # when, on the monotonic clock, the lease was last seen to hold
        self._owner = Owner(secrets.randbelow(2**31), "postgresql")

    @property
    def name(self) -> str:
        """The URL without its passwords: libpq takes them from the query, too."""
        shown = self._url.set(drivername="postgresql").difference_update_query(["password", "sslpassword"])
        return shown.render_as_string(hide_password=True)

    def engine(self) -> Engine:
        """Open the database with room for one that writes, one that reads, and the sign of life."""
        self._engine = create_engine(
            self._url,
            poolclass=QueuePool,
            pool_size=3,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": 10},
        )
        return self._engine

    def begin(self, connection: Connection, *, write: bool) -> None:
        """Begin; a writing transaction waits for its turn, a reading one sees one moment."""
        if write:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def check(self, connection: Connection) -> None:
        """Refuse triggers on the store's tables: they would run somebody's statements."""
        odd = (
            "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal "
            "AND relnamespace = current_schema()::regnamespace "
            "AND relname IN ('answers', 'ledger', 'accounts', 'batches', 'paces', 'migrations')"
        )
        if found := connection.exec_driver_sql(odd).first():
            raise UsageError(f'{self.name}: expected a store, got one with the trigger "{found[0]}"; drop it')

    def explained(self, error: DBAPIError) -> WeaksupError:
        """Turn PostgreSQL's error into one line."""
        said = " ".join(str(error.orig).split())[:300]
        state = getattr(error.orig, "sqlstate", None) or ""
        if state == "55P03":
            return DiskError(f"the store {self.name} was held by another process for {_PATIENCE} s; stop it, or wait")
        if state.startswith("53"):
            return DiskError(
                f"cannot write the store {self.name}: {said}; free some space or connections and run again"
            )
        if state in ("42501", "25006"):
            return DiskError(f"cannot write the store {self.name}: {said}; check the rights of its user")
        if not state or state.startswith(("08", "28", "57P", "3D")):
            return DiskError(f"cannot reach the store {self.name}: {said}; check its address and that it runs")
        return UsageError(f"the store {self.name} does not answer as expected: {said}; name another and run again")

    def owner(self) -> Owner:
        """Return what stands for this process, and hold the lock that shows that it lives."""
        now = time.monotonic()
        if self._engine is not None and now - self._looked > _LOOK_SECONDS:
            if not self._holds_lease():
                self._lease = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                self._lease.exec_driver_sql(f"SELECT pg_advisory_lock({_LEASES}, {self._owner.pid})")
            self._looked = now
        return self._owner

    def _holds_lease(self) -> bool:
        """Say whether the connection with the lock is still there."""
        try:
            return self._lease is not None and self._lease.exec_driver_sql("SELECT 1").scalar() == 1
        except DBAPIError:
            self.close()
            return False

    def alive(self, connection: Connection) -> Callable[[Owner], bool]:
        """Ask which locks are held, when the first answer is wanted."""
        living: set[int] = set()

        def lives(owner: Owner) -> bool:
            if not living:
                living.update(int(pid) for (pid,) in connection.execute(_LIVING, {"leases": _LEASES}))
            return owner.pid in living

        return lives

    def close(self) -> None:
        """Let the sign of life go."""
        if self._lease is not None:
            self._lease.close()
            self._lease = None
            self._looked = -math.inf


_EXTRA = "weaksup[postgres]"
