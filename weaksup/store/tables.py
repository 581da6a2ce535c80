"""The store's tables as the code sees them; `migrations` makes them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, LargeBinary, MetaData, String, Table

__all__ = ["ACCOUNTS", "ANSWERS", "BATCHES", "LEDGER", "METADATA", "PACES", "plain"]

METADATA = MetaData()

ANSWERS = Table(
    "answers",
    METADATA,
    Column("key", String, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("sha256", String, nullable=False),
    Column("cost", BigInteger, nullable=False),
    Column("model", String, nullable=False),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("created", Double, nullable=False),
)
LEDGER = Table(
    "ledger",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", String, nullable=False),
    Column("run", String, nullable=False),
    Column("tier", String, nullable=False),
    Column("model", String, nullable=False),
    Column("price_source", String, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("note", String, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("boot", String, nullable=False),
    Column("opened", Double, nullable=False),
    Column("closed", Double),
    Column("day", String, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("reserved_tokens", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("reserved_seconds", BigInteger, nullable=False),
    Column("seconds", BigInteger, nullable=False),
    Column("batch", BigInteger),
)
# Calls that were sent together: the ledger's rows name their batch.
BATCHES = Table(
    "batches",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("run", String, nullable=False),
    Column("tier", String, nullable=False),
    Column("place", String, nullable=False),
    Column("provider_id", String, nullable=False),
    Column("state", String, nullable=False),
    Column("note", String, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("boot", String, nullable=False),
    Column("created", Double, nullable=False),
    Column("closed", Double),
)
# Sums of the ledger, one row for each run ("run/NAME") and each day ("day/2026-11-22").
ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("name", String, primary_key=True),
    *(Column(f"used_{what}", BigInteger, nullable=False) for what in ("cost", "calls", "tokens", "seconds")),
    *(Column(f"held_{what}", BigInteger, nullable=False) for what in ("cost", "calls", "tokens", "seconds")),
)
# What tiers with a rate limit asked for in each second of the last minute.
PACES = Table(
    "paces",
    METADATA,
    Column("tier", String, primary_key=True),
    Column("second", BigInteger, primary_key=True, autoincrement=False),
    Column("requests", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
)


def plain(words: str) -> str:
    """Return text that every database can hold: what a provider wrote may have half characters and NULs in it."""
    return words.encode("utf-8", "replace").decode("utf-8").replace("\0", "?")
