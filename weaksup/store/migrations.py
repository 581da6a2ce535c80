"""The store's tables, step by step. A migration is never edited once it is released: add the next one."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, text

from weaksup.errors import UsageError
from weaksup.store.accounts import utc_day

__all__ = ["MIGRATIONS", "migrate"]

_DAY = 86_400.0  # seconds


def m001_answers_and_ledger(connection: Connection) -> None:
    """Make the tables of paid answers, of reservations and payments, and of the sums of each run."""
    blob, number = ("BYTEA", "BIGINT") if connection.dialect.name == "postgresql" else ("BLOB", "INTEGER")
    for statement in (
        f"""CREATE TABLE answers (
            key VARCHAR NOT NULL PRIMARY KEY,
            body {blob} NOT NULL,
            sha256 VARCHAR NOT NULL,
            cost BIGINT NOT NULL,
            model VARCHAR NOT NULL,
            input_tokens BIGINT,
            output_tokens BIGINT,
            created DOUBLE PRECISION NOT NULL
        )""",
        f"""CREATE TABLE ledger (
            id {number} NOT NULL PRIMARY KEY,
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


def m002_caps_by_run_and_day(connection: Connection) -> None:
    """Count calls, tokens and people's time beside dollars, for each run and each UTC day; make room for rates."""
    for name in ("calls", "reserved_tokens", "tokens", "reserved_seconds", "seconds"):
        connection.exec_driver_sql(f"ALTER TABLE ledger ADD COLUMN {name} BIGINT NOT NULL DEFAULT 0")
    for statement in (
        "ALTER TABLE ledger ADD COLUMN day VARCHAR NOT NULL DEFAULT ''",
        """CREATE TABLE accounts (
            name VARCHAR NOT NULL PRIMARY KEY,
            used_cost BIGINT NOT NULL,
            used_calls BIGINT NOT NULL,
            used_tokens BIGINT NOT NULL,
            used_seconds BIGINT NOT NULL,
            held_cost BIGINT NOT NULL,
            held_calls BIGINT NOT NULL,
            held_tokens BIGINT NOT NULL,
            held_seconds BIGINT NOT NULL
        )""",
        """CREATE TABLE paces (
            tier VARCHAR NOT NULL,
            second BIGINT NOT NULL,
            requests BIGINT NOT NULL,
            tokens BIGINT NOT NULL,
            PRIMARY KEY (tier, second)
        )""",
        "UPDATE ledger SET calls = 1 WHERE state IN ('done', 'unknown')",
        """UPDATE ledger SET tokens = COALESCE(
            (SELECT input_tokens + output_tokens FROM answers WHERE answers.key = ledger.key), 0
        ) WHERE state = 'done'""",
    ):
        connection.exec_driver_sql(statement)
    for number in sorted(
        {int(opened // _DAY) for (opened,) in connection.exec_driver_sql("SELECT opened FROM ledger")}
    ):
        row = {"day": utc_day(number * _DAY), "first": number * _DAY, "next": (number + 1) * _DAY}
        connection.execute(text("UPDATE ledger SET day = :day WHERE opened >= :first AND opened < :next"), row)
    for account in ("'run/' || run", "'day/' || day"):
        connection.exec_driver_sql(
            f"""INSERT INTO accounts SELECT {account}, SUM(cost), SUM(calls), SUM(tokens), 0,
            SUM(CASE WHEN state = 'open' THEN reserved ELSE 0 END), SUM(CASE WHEN state = 'open' THEN 1 ELSE 0 END),
            0, 0 FROM ledger GROUP BY {account}"""  # noqa: S608
        )
    connection.exec_driver_sql("DROP TABLE budgets")


def m003_batches(connection: Connection) -> None:
    """Make the table of a provider's batches; a call that went into one names it."""
    number = "BIGINT" if connection.dialect.name == "postgresql" else "INTEGER"
    for statement in (
        f"""CREATE TABLE batches (
            id {number} NOT NULL PRIMARY KEY,
            run VARCHAR NOT NULL,
            tier VARCHAR NOT NULL,
            place VARCHAR NOT NULL,
            provider_id VARCHAR NOT NULL,
            state VARCHAR NOT NULL CHECK (state IN ('reserved', 'creating', 'running', 'ended', 'lost')),
            note VARCHAR NOT NULL,
            pid BIGINT NOT NULL,
            boot VARCHAR NOT NULL,
            created DOUBLE PRECISION NOT NULL,
            closed DOUBLE PRECISION
        )""",
        "ALTER TABLE ledger ADD COLUMN batch BIGINT",
        "CREATE INDEX ledger_batch ON ledger (batch) WHERE batch IS NOT NULL",
    ):
        connection.exec_driver_sql(statement)


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    m001_answers_and_ledger,
    m002_caps_by_run_and_day,
    m003_batches,
)


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
