"""Blocks as Python values, and the rows that have none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from weaksup.corpus.blocks import Block
from weaksup.corpus.ids import Keys, digest_rows

__all__ = ["block_digests", "block_values"]

# Invalid UTF-8 is a ValueError, a date in the year 30,000 an OverflowError, an unknown time zone an ArrowInvalid.
_NO_VALUE = (ValueError, OverflowError, KeyError, pa.ArrowException)

Values = Sequence[Sequence[Any]]  # [columns][n]


def block_values(block: Block) -> tuple[Values, dict[int, str]]:
    """Return the columns as Python values, and why rows have none: position -> reason (their values are null)."""
    if block.values is not None:
        return block.values, {}
    bad: dict[int, str] = {}
    names = block.batch.schema.names
    return [_column(column, name, bad) for name, column in zip(names, block.batch.columns, strict=True)], bad


def _column(column: pa.Array, name: str, bad: dict[int, str]) -> list[Any]:
    try:
        values: list[Any] = column.to_pylist()
    except _NO_VALUE:
        values = [_cell(column, i, name, bad) for i in range(len(column))]
    return values


def _cell(column: pa.Array, i: int, name: str, bad: dict[int, str]) -> Any:
    try:
        return column[i].as_py()
    except UnicodeDecodeError:
        bad.setdefault(i, f'column "{name}" is not valid UTF-8')
    except _NO_VALUE as error:
        bad.setdefault(i, f'column "{name}" holds a value that Python cannot: {str(error).splitlines()[0]}')
    return None


def block_digests(block: Block) -> Keys:
    """Return the content digest of each row, [n]."""
    return digest_rows(block.batch.schema.names, block_values(block)[0], block.batch.num_rows)
