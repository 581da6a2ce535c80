"""A store's database: opened, brought to this version, read by anybody, written in turn."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from weaksup.errors import WeaksupError
from weaksup.store.backend import Backend
from weaksup.store.migrations import migrate

__all__ = ["Database"]


class Database:
    """Transactions on a backend. Safe to use from any number of threads; open it again after a fork."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._reader, self._writer = threading.Lock(), threading.Lock()  # one of each: so many connections there are
        self._engine = _engine(backend)
        try:
            with self.writing() as connection:
                backend.check(connection)
                migrate(connection, where=backend.name)
        except WeaksupError:
            self.close()
            raise

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Write: all of it is on disk when the block ends, or none of it and this raises."""
        with self._writer, self._begin(write=True) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read a consistent state; writers do not wait for it."""
        with self._reader, self._begin(write=False) as connection:
            yield connection

    @contextmanager
    def _begin(self, *, write: bool) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                connection.execution_options(write=write)
                with connection.begin():
                    yield connection
        except DBAPIError as error:
            raise self.backend.explained(error) from None

    def close(self) -> None:
        """Close the connections."""
        self.backend.close()
        self._engine.dispose()


def _engine(backend: Backend) -> Engine:
    engine = backend.engine()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        backend.begin(connection, write=bool(connection.get_execution_options().get("write")))

    return engine
