"""The store's tables, step by step. A migration is never edited once it is released: add the next one."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from weaksup.errors import UsageError

__all__ = ["MIGRATIONS", "migrate"]


def m001_answers_and_ledger(connection: Connection) -> None:
    """Make the tables of paid answers, of reservations and payments, and of the sums of each run."""
    for statement in (
        """CREATE TABLE answers (
            key VARCHAR NOT NULL PRIMARY KEY,
            body BLOB NOT NULL,
            sha256 VARCHAR NOT NULL,
            cost BIGINT NOT NULL,
            model VARCHAR NOT NULL,
            input_tokens BIGINT,
            output_tokens BIGINT,
            created DOUBLE PRECISION NOT NULL
        )""",
        """CREATE TABLE ledger (
            id INTEGER NOT NULL PRIMARY KEY,
            key VARCHAR NOT NULL,
            run VARCHAR NOT NULL,
            tier VARCHAR NOT NULL,
            model VARCHAR NOT NULL,
            price_source VARCHAR NOT NULL,
            reserved BIGINT NOT NULL,
            cost BIGINT NOT NULL,
            state VARCHAR NOT NULL CHECK (state IN ('open', 'done', 'released', 'unknown')),
            note VARCHAR NOT NULL,
            pid BIGINT NOT NULL,
            boot VARCHAR NOT NULL,
            opened DOUBLE PRECISION NOT NULL,
            closed DOUBLE PRECISION
        )""",
        "CREATE UNIQUE INDEX ledger_one_open_call_a_key ON ledger (key) WHERE state = 'open'",
        "CREATE INDEX ledger_run ON ledger (run)",
        """CREATE TABLE budgets (
            run VARCHAR NOT NULL PRIMARY KEY,
            spent BIGINT NOT NULL,
            held BIGINT NOT NULL
        )""",
    ):
        connection.exec_driver_sql(statement)


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (m001_answers_and_ledger,)


def migrate(connection: Connection, *, where: str) -> None:
    """Bring a store to this version inside the caller's transaction; refuse one that a newer weaksup wrote."""
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS migrations (name VARCHAR NOT NULL PRIMARY KEY)")
    done = {name for (name,) in connection.exec_driver_sql("SELECT name FROM migrations")}
    unknown = done - {step.__name__ for step in MIGRATIONS}
    if unknown:
        raise UsageError(f"{where}: a newer weaksup wrote this store ({min(unknown)}); update weaksup, or name another")
    for step in MIGRATIONS:
        if step.__name__ not in done:
            step(connection)
            connection.exec_driver_sql(f"INSERT INTO migrations (name) VALUES ('{step.__name__}')")  # noqa: S608
