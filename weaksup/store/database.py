"""One SQLite file: opened with care, read by anybody, written in turn, with one sync for all threads that wait."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from weaksup.errors import DiskError, UsageError, WeaksupError
from weaksup.store.migrations import migrate

__all__ = ["Database"]

T = TypeVar("T")

_PATIENCE = 60.0  # seconds to wait for another process's transaction
_MOST_AT_ONCE = 64  # steps in one transaction
_PRAGMAS = (
    "synchronous = FULL",  # a committed answer outlives a power cut
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "foreign_keys = ON",
)


class _Write:
    """One step of one thread, until it is on disk."""

    __slots__ = ("done", "error", "result", "step")

    def __init__(self, step: Callable[[Connection], object]) -> None:
        self.step = step
        self.done = False
        self.result: object = None
        self.error: Exception | None = None

    def run(self, connection: Connection) -> None:
        try:
            with connection.begin_nested():
                self.result = self.step(connection)
        except DBAPIError:
            raise  # the disk, or the file: nobody's step can be kept
        except Exception as error:  # noqa: BLE001  (it is raised in the thread that asked for the step)
            self.error = error


class Database:
    """A store's file. Safe to use from any number of threads; open it again after a fork."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        _prepare_file(self.path)
        self._turn = threading.Lock()  # threads queue here, not in SQLite's busy loop
        self._reader = threading.Lock()
        self._waiting: deque[_Write] = deque()
        self._engine = _engine(self.path)
        try:
            self.write(self._prepare)
        except WeaksupError:
            self.close()
            raise

    def _prepare(self, connection: Connection) -> None:
        _refuse_programs(connection, self.path)
        migrate(connection, where=str(self.path))

    def write(self, step: Callable[[Connection], T]) -> T:
        """Run one atomic step: all of it is on disk when this returns, or none of it and this raises.

        The thread whose turn it is takes the steps of all threads that wait into its transaction: one sync to disk
        serves them all. Each step has its savepoint, so one that fails does not touch the others.
        """
        mine = _Write(step)
        self._waiting.append(mine)
        with self._turn:
            while not mine.done:
                self._write_all(mine)
        if mine.error is not None:
            raise mine.error
        return cast(T, mine.result)

    def _write_all(self, mine: _Write) -> None:
        """Run every waiting step, then commit once, then tell them."""
        batch: list[_Write] = []
        try:
            with _one_line(self.path), self._begin(write=True) as connection:
                while self._waiting and len(batch) < _MOST_AT_ONCE:
                    batch.append(self._waiting.popleft())
                    batch[-1].run(connection)
        except Exception as error:  # noqa: BLE001  (it is raised by everybody whose step was in the transaction)
            batch = batch or [self._waiting.popleft()]
            for write in batch:
                write.error = error
        except BaseException:  # Ctrl-C in this thread: the others' steps were undone with it, and wait again
            self._waiting.extendleft(write for write in reversed(batch) if write is not mine)
            raise
        for write in batch:
            write.done = True

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read a consistent state; writers do not wait for it."""
        with self._reader, _one_line(self.path), self._begin(write=False) as connection:
            yield connection

    @contextmanager
    def _begin(self, *, write: bool) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            connection.execution_options(write=write)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()


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


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=2,  # one writes, one reads
        max_overflow=0,
        connect_args={"timeout": _PATIENCE, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def configure(raw: Any, record: Any) -> None:  # noqa: ARG001  (SQLAlchemy's signature)
        raw.isolation_level = None  # transactions begin where this module says so
        _use_wal(raw)
        for pragma in _PRAGMAS:
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        wanted = "BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN"
        connection.exec_driver_sql(wanted)

    return engine


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


def _refuse_programs(connection: Connection, path: Path) -> None:
    """A store holds tables and indexes; triggers and views would run somebody's statements."""
    found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type NOT IN ('table', 'index')").first()
    if found:
        raise UsageError(f'{path}: expected a store, got a database with the trigger or view "{found[0]}"; delete it')


@contextmanager
def _one_line(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into one line that says what to do."""
    try:
        yield
    except DBAPIError as error:
        said = str(error.orig)
        raise _explained(path, said) from None


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
