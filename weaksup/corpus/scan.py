"""One pass over a corpus: choose text and id, sort out what cannot be used, count everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa

from weaksup.corpus.arrow import cell_bytes, is_hashable
from weaksup.corpus.blocks import Block
from weaksup.corpus.ids import Keys, Seen, derive_ids, digest_rows, find_repeats, hash_rows
from weaksup.corpus.log import Counts, Log, Reject
from weaksup.corpus.objects import kind_of
from weaksup.corpus.rows import Chunk
from weaksup.corpus.streams import LIMIT, size_text
from weaksup.corpus.values import Values, block_values

__all__ = ["Layout", "Scan"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where text and id stand among the original columns; `id=None`: ids are derived from the content."""

    names: tuple[str, ...]
    text: int
    id: int | None

    @property
    def others(self) -> list[int]:
        """The positions of the columns that follow `id` and `text`."""
        return [i for i, name in enumerate(self.names) if name not in ("id", "text")]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a chunk."""
        return ("id", "text", *(self.names[i] for i in self.others))


class Scan:
    """The chunks of a corpus, once through; counts, rejects and notes grow as it is read.

    >>> scan = open_corpus([{"text": "hello"}, {"text": None}]).scan()  # doctest: +SKIP
    >>> sum(len(chunk) for chunk in scan), scan.counts.rejected  # doctest: +SKIP
    (1, 1)
    """

    def __init__(self, blocks: Iterator[Block], layout: Layout, log: Log) -> None:
        self._log = log
        self._layout = layout
        self._seen = Seen()
        self.bytes_read = 0
        self._chunks = self._read(blocks)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Chunk:
        return next(self._chunks)

    @property
    def counts(self) -> Counts:
        """Rows read, kept, rejected and repeated so far."""
        return self._log.counts

    @property
    def rejects(self) -> list[Reject]:
        """The first 1,000 rows that could not be used; `counts` knows of all."""
        return self._log.rejects

    @property
    def notes(self) -> list[str]:
        """Remarks for the reader, one line each."""
        return self._log.notes

    def _read(self, blocks: Iterator[Block]) -> Iterator[Chunk]:
        for block in blocks:
            self.bytes_read = block.bytes_read
            chunk = self._chunk(block)
            if len(chunk):
                yield chunk

    def _chunk(self, block: Block) -> Chunk:
        values, bad = block_values(block)
        values, block = self._drop(block, values, {**self._no_text(values), **_too_long(block), **bad})
        ids: list[Any] = []
        if self._layout.id is not None:
            values, block = self._drop(block, values, _no_ids(values[self._layout.id]))
            ids = list(map(str, values[self._layout.id]))
        if self._layout.id is None:
            ids = derive_ids(digest_rows(self._layout.names, values, len(block.lines)), self._seen)
        elif repeats := find_repeats(ids, self._contents(block, values), self._seen):
            values, block = self._drop_repeats(block, values, ids, repeats)
            ids = [row_id for i, row_id in enumerate(ids) if i not in repeats]
        self._log.keep(len(ids))
        return Chunk(self._batch(block, ids))

    def _contents(self, block: Block, values: Values) -> Keys:
        # By type, not by what this block happens to hold: one scan must use one kind of hash.
        if all(map(is_hashable, block.batch.schema.types)):
            return hash_rows(values, len(block.lines))
        return digest_rows(self._layout.names, values, len(block.lines))

    def _no_text(self, values: Values) -> dict[int, str]:
        column = values[self._layout.text]
        return {i: "text is null" for i, text in enumerate(column) if text is None} if None in column else {}

    def _drop(self, block: Block, values: Values, bad: dict[int, str]) -> tuple[Values, Block]:
        if not bad:
            return values, block
        at = self._layout.id
        for i in sorted(bad):
            row_id = None if at is None or values[at][i] is None else str(values[at][i])
            self._log.reject(block.file, block.lines[i], bad[i], row_id)
        return _without(block, values, bad)

    def _drop_repeats(
        self, block: Block, values: Values, ids: Sequence[str], repeats: dict[int, bool]
    ) -> tuple[Values, Block]:
        for i, same in repeats.items():
            if same:
                self._log.duplicate()
            else:
                reason = f'the id "{_short(ids[i])}" came before, with other content'
                self._log.reject(block.file, block.lines[i], reason, ids[i])
                self._log.note(
                    "ids repeat with other content: choose another id column, or make ids from the content "
                    '(--id "", in Python id="")'
                )
        return _without(block, values, repeats)

    def _batch(self, block: Block, ids: Sequence[str]) -> pa.RecordBatch:
        others = self._layout.others
        text = block.batch.column(self._layout.text).cast(pa.string())
        arrays = [pa.array(ids, pa.string()), text, *(block.batch.column(i) for i in others)]
        return pa.RecordBatch.from_arrays(arrays, names=list(self._layout.columns))


def _without(block: Block, values: Values, rows: dict[int, Any]) -> tuple[Values, Block]:
    kept = [i for i in range(len(block.lines)) if i not in rows]
    fewer = [[column[i] for i in kept] for column in values]
    batch = block.batch.take(pa.array(kept, pa.int64()))
    return fewer, Block(block.file, batch, [block.lines[i] for i in kept], fewer, block.bytes_read)


def _too_long(block: Block) -> dict[int, str]:
    bad: dict[int, str] = {}
    for name, column in zip(block.batch.schema.names, block.batch.columns, strict=True):
        if column.nbytes > LIMIT:
            sizes = cell_bytes(column)
            for i in np.flatnonzero(sizes > LIMIT).tolist():
                bad[i] = f'column "{name}" holds {size_text(int(sizes[i]))}, at most {size_text(LIMIT)} fit'
    return bad


def _no_ids(column: Sequence[Any]) -> dict[int, str]:
    if set(map(type, column)) <= {str, int} and "" not in column:
        return {}
    bad: dict[int, str] = {}
    for i, value in enumerate(column):
        if value is None or type(value) not in (str, int):
            bad[i] = f"id is {kind_of(value)}, expected a string or an integer"
        elif value == "":
            bad[i] = "id is empty"
    return bad


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
