"""Labeling functions that answer for a whole chunk at once, from its Arrow columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from weaksup.corpus.rows import Chunk
from weaksup.errors import UsageError, VoteError
from weaksup.labeling_functions.examples import Example
from weaksup.labeling_functions.one_row import as_row, chunk_of
from weaksup.labels import LabelSpace
from weaksup.protocols import ChunkVotes

__all__ = ["ColumnLF", "column_of", "text_column"]


@dataclass(frozen=True, slots=True, eq=False)
class ColumnLF:
    """A labeling function that picks, for every row of a chunk, one of a few possible votes.

    `pick(chunk)` gives int positions [n] in `choices`, -1 to abstain, with the rows that failed. `ready`, if given,
    loads and checks what `pick` needs, before any row is read. `made_from` is the hash of the bundle that it votes by,
    where it has one, and `folder` is where that lies: votes are cast anew when the hash changes.
    """

    name: str
    pick: Callable[[Chunk], ChunkVotes]
    choices: tuple[object, ...]
    examples: tuple[Example, ...] = ()
    labels: LabelSpace | None = None
    ready: Callable[[], object] | None = None
    made_from: str = ""
    folder: Path | None = None

    def __call__(self, row: Any) -> Any:
        """Return the raw vote on one row; a text or a mapping of fields will do."""
        picked = self.pick(chunk_of(as_row(row)))
        if picked.errors:
            raise picked.errors[0]
        at = int(picked.codes[0])
        return None if at < 0 else self.choices[at]

    def prepare(self, labels: LabelSpace) -> None:
        """Check the votes against the label space and load what is needed, so that errors come before the work."""
        self._codes(labels)
        if self.ready is not None:
            self.ready()

    def vote(self, chunk: Chunk, labels: LabelSpace) -> ChunkVotes:
        """Vote on every row of the chunk."""
        codes = np.concatenate([self._codes(labels), labels.abstains(1)])  # position -1 is the last: abstain
        picked = self.pick(chunk)
        return ChunkVotes(codes[picked.codes], picked.errors)

    def _codes(self, labels: LabelSpace) -> np.ndarray[Any, np.dtype[np.int16]]:
        codes = labels.encode(self.choices)
        bad = labels.first_invalid(codes)
        if bad is not None:
            raise VoteError(f'labeling function "{self.name}": expected {labels.expected}, got {self.choices[bad]!r}')
        return codes

    def __repr__(self) -> str:
        return f"ColumnLF {self.name}"


def column_of(chunk: Chunk, field: str, *, name: str) -> pa.Array:
    """Return a column of the chunk; raise `UsageError` if the corpus has no such column."""
    at = chunk.batch.schema.get_field_index(field)
    if at < 0:
        there = ", ".join(chunk.batch.schema.names)
        raise UsageError(f'labeling function "{name}": expected a column "{field}", the corpus has {there}')
    column = chunk.batch.column(at)
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def text_column(chunk: Chunk, field: str, *, name: str) -> pa.Array:
    """Return a column of text; raise `UsageError` if it holds something else."""
    column = column_of(chunk, field, name=name)
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column
    if pa.types.is_null(kind) or kind == pa.string_view():
        return column.cast(pa.large_string())
    raise UsageError(
        f'labeling function "{name}": expected text in column "{field}", got {kind}; use a Python function'
    )
