"""Arrow batches as blocks: dictionaries decoded, blocks cut by bytes, so that no batch outgrows memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from weaksup.corpus.blocks import Block
from weaksup.corpus.streams import BLOCK

__all__ = ["cell_bytes", "cut_batch", "is_hashable", "is_text", "is_text_or_bytes", "plain_schema"]


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema without dictionaries, views and metadata."""
    return pa.schema([pa.field(f.name, _plain_type(f.type)) for f in schema])


def _plain_type(kind: pa.DataType) -> pa.DataType:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}.get(kind, kind)


def cut_batch(batch: pa.RecordBatch, file: str, first_row: int, bytes_read: int) -> Iterator[Block]:
    """Cut a batch into blocks of at most 16 MiB of text (one row is always whole)."""
    n = batch.num_rows
    ends = np.cumsum(sum((cell_bytes(column) for column in batch.columns), np.zeros(n, np.int64)))
    start = 0
    while start < n:
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + BLOCK, side="right")))
        part = _decoded(batch.slice(start, stop - start))
        yield Block(file, part, range(first_row + start, first_row + stop), None, bytes_read)
        start = stop


def cell_bytes(column: pa.Array) -> NDArray[np.int64]:
    """Return the bytes of each cell [n]: 0 for null, and for columns that are neither text nor binary."""
    if not is_text_or_bytes(_plain_type(column.type)):
        return np.zeros(len(column), np.int64)
    if _is_view(column.type):
        column = column.cast(_plain_type(column.type))  # no kernel measures views
    if pa.types.is_dictionary(column.type):
        # Without decoding: a few large values behind many indices would fill the memory.
        lengths = pc.binary_length(column.dictionary).take(column.indices)
    else:
        lengths = pc.binary_length(column)
    filled: NDArray[np.int64] = lengths.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return filled


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a plain type is one of strings."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_text_or_bytes(kind: pa.DataType) -> bool:
    """Tell whether the cells of a plain type have a length in bytes."""
    return is_text(kind) or bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_view(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string_view(kind) or pa.types.is_binary_view(kind))


def is_hashable(kind: pa.DataType) -> bool:
    """Tell whether equal cells of a type have equal Python hashes (NaN has not, lists have none)."""
    return is_text(kind) or bool(pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind))


def _decoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in batch.columns]
    columns = [c.cast(_plain_type(c.type)) if _is_view(c.type) else c for c in columns]
    return pa.RecordBatch.from_arrays(columns, schema=plain_schema(batch.schema))
