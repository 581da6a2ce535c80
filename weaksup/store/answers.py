"""Paid answers: the raw body of each, under the key of its request, with a hash that tells when it was damaged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
)

__all__ = ["METADATA", "Answer", "find", "find_many", "put"]

METADATA = MetaData()

_TABLE = Table(
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
_DELETE = delete(_TABLE).where(_TABLE.c.key == bindparam("of_key"))
_INSERT = insert(_TABLE)
_FIND = select(_TABLE).where(_TABLE.c.key.in_(bindparam("keys", expanding=True)))
_BATCH = 500  # keys in one statement; SQLite allows 32,766 values


@dataclass(frozen=True, slots=True)
class Answer:
    """A paid answer: `body` as it came over the wire; `cost` in micro-dollars."""

    key: str
    body: bytes
    cost: int
    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None

    @property
    def sha256(self) -> str:
        """The hash of key and body: a damaged body, or one that landed under another key, does not match."""
        return hashlib.sha256(self.key.encode() + b"\n" + self.body).hexdigest()


def put(connection: Connection, answer: Answer, *, now: float) -> None:
    """Store an answer; one that was damaged under the same key makes way."""
    connection.execute(_DELETE, {"of_key": answer.key})
    row = {
        "key": answer.key,
        "body": answer.body,
        "sha256": answer.sha256,
        "cost": answer.cost,
        "model": answer.model,
        "input_tokens": answer.input_tokens,
        "output_tokens": answer.output_tokens,
        "created": now,
    }
    connection.execute(_INSERT, row)


def find(connection: Connection, key: str) -> Answer | None:
    """Return the answer under a key, or `None` where there is none or it is damaged."""
    return find_many(connection, [key])[0].get(key)


def find_many(connection: Connection, keys: Iterable[str]) -> tuple[dict[str, Answer], list[str]]:
    """Return the answers found, by key, and the keys of damaged ones, which are not used."""
    wanted = list(keys)
    found: dict[str, Answer] = {}
    damaged: list[str] = []
    for start in range(0, len(wanted), _BATCH):
        for row in connection.execute(_FIND, {"keys": wanted[start : start + _BATCH]}):
            body = row.body if isinstance(row.body, bytes) else b""  # a flipped bit can change a value's type
            answer = Answer(row.key, body, row.cost, row.model, row.input_tokens, row.output_tokens)
            if answer.sha256 == row.sha256:
                found[row.key] = answer
            else:
                damaged.append(row.key)
    return found, damaged
