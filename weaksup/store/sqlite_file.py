"""A store in one SQLite file: opened with care, for its owner alone."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from weaksup.errors import DiskError, UsageError, WeaksupError
from weaksup.store.owner import Owner, is_alive, this_process

__all__ = ["SqliteFile"]

_PATIENCE = 60.0  # seconds to wait for another process's transaction
_PRAGMAS = (
    "synchronous = FULL",  # a committed answer outlives a power cut
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "foreign_keys = ON",
)


class SqliteFile:
    """The backend for a path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        _prepare_file(path)

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    def engine(self) -> Engine:
        """Open the file with room for one that writes and one that reads."""
        engine = create_engine(
            URL.create("sqlite", database=str(self.path)),
            poolclass=QueuePool,
            pool_size=2,
            max_overflow=0,
            connect_args={"timeout": _PATIENCE, "check_same_thread": False},
        )

        @event.listens_for(engine, "connect")
        def configure(raw: Any, record: Any) -> None:  # noqa: ARG001  (SQLAlchemy's signature)
            raw.isolation_level = None  # transactions begin where `begin` says so
            _use_wal(raw)
            for pragma in _PRAGMAS:
                raw.execute(f"PRAGMA {pragma}")

        return engine

    def begin(self, connection: Connection, *, write: bool) -> None:
        """Begin; a writing transaction takes the file's lock at once."""
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    def check(self, connection: Connection) -> None:
        """Refuse what would run somebody's statements: a store holds tables and indexes, no triggers, no views."""
        odd = "SELECT name FROM sqlite_master WHERE type NOT IN ('table', 'index')"
        if found := connection.exec_driver_sql(odd).first():
            raise UsageError(
                f'{self.path}: expected a store, got a database with the trigger or view "{found[0]}"; delete it'
            )

    def explained(self, error: DBAPIError) -> WeaksupError:
        """Turn SQLite's error into one line."""
        return _explained(self.path, str(error.orig))

    def owner(self) -> Owner:
        """Return this process."""
        return this_process()

    def alive(self, _connection: Connection) -> Callable[[Owner], bool]:
        """Ask the system."""
        return is_alive

    def close(self) -> None:
        """Nothing was taken."""


def _prepare_file(path: Path) -> None:
    """Create the file for its owner alone; SQLite gives its -wal and -shm files the same mode."""
    if path.is_symlink():
        raise UsageError(f"expected a store file, got the symbolic link {path}; name the file itself")
    if path.is_dir():
        raise UsageError(f"expected a store file, got the folder {path}; name a file inside it")
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        advice = "check that its folder exists and is writable"
        raise DiskError(f"cannot open the store {path}: {error.strerror}; {advice}") from None
    try:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            raise UsageError(f"expected a store file, got {path}, which is not a plain file")
        if hasattr(os, "fchmod") and stat.S_IMODE(info.st_mode) & 0o077 and info.st_uid == os.getuid():
            os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def _use_wal(raw: Any) -> None:
    """Switch to write-ahead logging. SQLite does not wait for other processes here, so the wait is ours."""
    import sqlite3

    end = time.monotonic() + _PATIENCE
    while True:
        try:
            raw.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def _explained(path: Path, said: str) -> WeaksupError:
    if "disk is full" in said or "disk I/O" in said:
        return DiskError(f"cannot write the store {path}: {said}; free some space and run again")
    if "readonly" in said or "read-only" in said or "unable to open" in said:
        return DiskError(f"cannot write the store {path}: {said}; check its permissions and its folder's")
    if "locked" in said:
        return DiskError(f"the store {path} was held by another process for {_PATIENCE:.0f} s; stop it, or wait")
    if "not a database" in said or "malformed" in said:
        return UsageError(f"expected a store written by weaksup, got {path}: {said}; move it away and run again")
    return UsageError(f"the store {path} does not answer as expected: {said}; move it away and run again")
