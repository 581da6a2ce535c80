"""Paid answers: the raw body of each, under the key of its request, with a hash that tells when it was damaged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, text

from weaksup.store.tables import ANSWERS, plain

__all__ = ["Answer", "find", "put"]

_FIND = select(*(column for column in ANSWERS.c if column.name != "created"))
_FIND = _FIND.where(ANSWERS.c.key.in_(bindparam("keys", expanding=True)))
_NAMES = tuple(ANSWERS.c.keys())
# Written out: SQLAlchemy has this statement for each database apart, and both read the same words.
_PUT = text(
    f"INSERT INTO answers ({', '.join(_NAMES)}) VALUES ({', '.join(f':{name}' for name in _NAMES)}) "  # noqa: S608
    f"ON CONFLICT (key) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _NAMES[1:])}"
)
_BATCH = 1000  # keys in one statement; SQLite allows 32,766 values


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


def put(connection: Connection, answers: Sequence[Answer], *, now: float) -> None:
    """Store answers; one that was damaged under the same key makes way."""
    rows = [
        {
            "key": answer.key,
            "body": answer.body,
            "sha256": answer.sha256,
            "cost": answer.cost,
            "model": plain(answer.model),
            "input_tokens": answer.input_tokens,
            "output_tokens": answer.output_tokens,
            "created": now,
        }
        for answer in answers
    ]
    if rows:
        connection.execute(_PUT, rows)


def find(connection: Connection, keys: Iterable[str]) -> tuple[dict[str, Answer], list[str]]:
    """Return the answers found, by key, and the keys of damaged ones, which are not used."""
    wanted = list(keys)
    found: dict[str, Answer] = {}
    damaged: list[str] = []
    for start in range(0, len(wanted), _BATCH):
        for key, raw, sha256, *rest in connection.execute(_FIND, {"keys": wanted[start : start + _BATCH]}):
            body = raw if isinstance(raw, bytes) else b""  # a flipped bit can change a value's type
            answer = Answer(key, body, *rest)
            if answer.sha256 == sha256:
                found[key] = answer
            else:
                damaged.append(key)
    return found, damaged
