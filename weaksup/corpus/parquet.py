"""Parquet: row groups streamed as batches."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from weaksup.corpus.arrow import cell_bytes, cut_batch, is_text_or_bytes, plain_schema
from weaksup.corpus.blocks import Block
from weaksup.corpus.streams import open_bytes, size_text
from weaksup.errors import CorpusError

__all__ = ["parquet_schema", "read_parquet"]

# A page is unpacked whole, and one long value can stand behind a million one-byte indices: what a small file may
# grow to is limited. Short cells are free, a constant column of a large table is no bomb.
_BOMB_FREE = 2**30
_BOMB_RATIO = 1_000
_LONG_CELL = 2**16


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    """Open the file so that it can be read from its end; damage becomes a CorpusError."""
    with open_bytes(path) as (content, raw), tempfile.TemporaryFile() as unpacked:
        if content is not raw:
            shutil.copyfileobj(content, unpacked)
            unpacked.seek(0)
        try:
            yield unpacked if content is not raw else raw
        except (ValueError, OSError, pa.ArrowException) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise CorpusError(
                f"{path}: expected a whole Parquet file, got a damaged one ({reason}); write or fetch it again"
            ) from None


def parquet_schema(path: Path) -> pa.Schema:
    """Return the columns of a file."""
    with _open(path) as content, pq.ParquetFile(content) as file:
        return plain_schema(file.schema_arrow)


def read_parquet(path: Path, schema: pa.Schema, chunk_rows: int) -> Iterator[Block]:
    """Read the rows of a file; `lines` are row numbers from 1."""
    texts = [field.name for field in schema if is_text_or_bytes(field.type)]
    row = long = 0
    with (
        _open(path) as content,
        pq.ParquetFile(content, read_dictionary=texts, page_checksum_verification=True) as file,
    ):
        size, total = content.seek(0, 2), max(1, file.metadata.num_rows)
        _check_pages(file.metadata, path)
        for batch in file.iter_batches(batch_size=chunk_rows):
            for column in batch.columns:
                cells = cell_bytes(column)
                long += int(cells[cells > _LONG_CELL].sum())
            _check_growth(path, size, long)
            row += batch.num_rows
            yield from cut_batch(batch, str(path), row - batch.num_rows + 1, size * row // total)


def _check_pages(metadata: pq.FileMetaData, path: Path) -> None:
    for group in range(metadata.num_row_groups):
        for i in range(metadata.num_columns):
            column = metadata.row_group(group).column(i)
            _check_growth(path, column.total_compressed_size, column.total_uncompressed_size)


def _check_growth(path: Path, packed: int, grown: int) -> None:
    if grown > _BOMB_FREE and grown > _BOMB_RATIO * packed:
        raise CorpusError(
            f"{path}: expected a table, got {size_text(packed)} that grow to {size_text(grown)}; "
            "write it again without such long repeated values"
        )
