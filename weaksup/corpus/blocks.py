"""Rows as a reader found them, before the text and id columns are chosen; the contract between readers and `Scan`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from weaksup.corpus.log import Log

__all__ = ["Block", "Choice", "Source"]


@dataclass(frozen=True, slots=True)
class Choice:
    """The columns that become `text` and `id`; None: column "id", or else made from the content; "": made from it."""

    text: str = "text"
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows: original columns as Arrow, the same as Python values, and the line on which each row began.

    `values` may be left out where the reader has no Python values at hand. `bytes_read` is how much of all files is
    read so far.
    """

    file: str
    batch: pa.RecordBatch
    lines: Sequence[int]
    values: Sequence[Sequence[Any]] | None = None
    bytes_read: int = 0


class Source(Protocol):
    """Anything that rows can be read from, more than once."""

    def schema(self, choice: Choice) -> pa.Schema:
        """Return the names and types of the original columns; none if there is no row and no header."""
        ...

    def blocks(self, choice: Choice, log: Log, chunk_rows: int) -> Iterator[Block]:
        """Read all rows; those that cannot be read go to `log`."""
        ...

    def fingerprint(self) -> str:
        """Return a SHA-256 of the content."""
        ...

    def origin(self) -> dict[str, Any]:
        """Return what finds the source again, as JSON; empty for tables."""
        ...

    def size_hint(self) -> int | None:
        """Return the total bytes of the files; None for tables."""
        ...
