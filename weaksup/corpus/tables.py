"""Tables in memory as a source: Arrow, pandas, polars, Hugging Face datasets, lists of dicts."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa

from weaksup.corpus.arrow import cut_batch, plain_schema
from weaksup.corpus.blocks import Block, Choice, Source
from weaksup.corpus.log import Log
from weaksup.corpus.objects import Json, column_kinds, read_objects, settle_types
from weaksup.corpus.streams import is_unicode
from weaksup.corpus.values import block_digests
from weaksup.errors import CorpusError

__all__ = ["ObjectSource", "TableSource", "open_table"]

_NAME = "table"
_EXPECTED = "a file, a folder, or a table (pandas, polars, Arrow, a list of dicts)"


@dataclass(frozen=True, eq=False)
class TableSource:
    """An Arrow table."""

    table: pa.Table

    def schema(self, choice: Choice) -> pa.Schema:  # noqa: ARG002  (types do not depend on the choice)
        """Return names and types."""
        return plain_schema(self.table.schema)

    def blocks(self, choice: Choice, log: Log, chunk_rows: int) -> Iterator[Block]:  # noqa: ARG002
        """Give the rows; their numbers begin at 1."""
        row = 1
        for batch in self.table.to_batches(max_chunksize=chunk_rows):
            yield from cut_batch(batch, _NAME, row, 0)
            row += batch.num_rows

    def fingerprint(self) -> str:
        """Hash the content."""
        return _fingerprint(self)

    def origin(self) -> dict[str, Any]:
        """Return nothing: a table cannot be found again."""
        return {}

    def size_hint(self) -> int | None:
        """Return None."""
        return None


@dataclass(frozen=True, eq=False)
class ObjectSource:
    """A list of dicts, read as JSONL is; `rows` hold only what JSON knows."""

    rows: Sequence[Mapping[str, Any]]

    def schema(self, choice: Choice) -> pa.Schema:
        """Return names and types, settled over all rows."""
        types = settle_types([column_kinds(self.rows)], choice)
        return pa.schema([(name, kind or pa.string()) for name, kind in types.items()])

    def blocks(self, choice: Choice, log: Log, chunk_rows: int) -> Iterator[Block]:
        """Give the rows; their numbers begin at 1."""
        types = settle_types([column_kinds(self.rows)], choice)
        return read_objects(_sound_rows(self.rows, log), _NAME, types, choice, log=log, chunk_rows=chunk_rows)

    def fingerprint(self) -> str:
        """Hash the content."""
        return _fingerprint(self)

    def origin(self) -> dict[str, Any]:
        """Return nothing: a list cannot be found again."""
        return {}

    def size_hint(self) -> int | None:
        """Return None."""
        return None


def _fingerprint(source: Source) -> str:
    """Hash names and row digests: the same for every library, however the table is cut into chunks."""
    choice = Choice(text="", id="")
    digest = sha256(json.dumps(source.schema(choice).names).encode())
    for block in source.blocks(choice, Log(), 4_096):
        digest.update(block_digests(block).astype(">u8").tobytes())
    return digest.hexdigest()


def open_table(source: object) -> Source:
    """Wrap any table; raise CorpusError for what is none."""
    if isinstance(source, Mapping):
        splits = ", ".join(map(str, list(source)[:5]))
        raise CorpusError(f"expected {_EXPECTED}, got a dict ({splits}); choose one of them, or pandas.DataFrame(...)")
    if isinstance(source, Sequence) and all(isinstance(row, Mapping) for row in source):
        return ObjectSource([_plain_row(row, number) for number, row in enumerate(source, 1)])
    try:
        table = _to_arrow(source)
    except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
        reason = "; ".join(str(error).splitlines()[:2])
        raise CorpusError(f"expected a table that Arrow can hold, got {type(source).__name__}: {reason}") from None
    if table is None:
        raise CorpusError(f"expected {_EXPECTED}, got {type(source).__name__}")
    return TableSource(table)


def _to_arrow(source: Any) -> pa.Table | None:
    import narwhals as nw

    if isinstance(source, pa.Table):
        return source
    if isinstance(source, Sequence) and source and all(isinstance(part, pa.RecordBatch | pa.Table) for part in source):
        return pa.concat_tables([p if isinstance(p, pa.Table) else pa.Table.from_batches([p]) for p in source])
    if hasattr(source, "with_format") and hasattr(source, "iter"):  # Hugging Face: honours select and shuffle
        return pa.concat_tables(list(source.with_format("arrow").iter(batch_size=4_096)))
    if nw.dependencies.is_pandas_dataframe(source):  # the index is no column, and names may be numbers
        return pa.Table.from_pandas(source.rename(columns=str), preserve_index=False)
    frame = nw.from_native(source, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, nw.DataFrame):
        return frame.to_arrow()
    return pa.table(source) if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__") else None


def _sound_rows(rows: Sequence[Mapping[str, Any]], log: Log) -> Iterator[tuple[int, int, dict[str, Any]]]:
    for number, row in enumerate(rows, 1):
        texts = [value for value in row.values() if isinstance(value, str)]
        if all(map(is_unicode, texts)):
            yield number, sum(map(len, texts)), dict(row)
        else:
            log.reject(_NAME, number, "half a surrogate pair (\\ud800 to \\udfff)")


def _plain_row(row: Mapping[Any, Any], number: int) -> dict[str, Any]:
    for name in row:
        if not (isinstance(name, str) and is_unicode(name)):
            raise CorpusError(f"expected strings as column names, got {name!r} in row {number}")
    return {str(name): _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """Turn a Python value into one that JSON knows: NaN to null, nested to JSON text, other things to `str`."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    if value is None or type(value) in (str, bool, int, float):
        return value
    if isinstance(value, list | tuple | dict):
        with suppress(TypeError, ValueError, RecursionError):  # keys that are tuples, a list that holds itself
            return Json(json.dumps(value, ensure_ascii=False, default=str))
    return str(value)
