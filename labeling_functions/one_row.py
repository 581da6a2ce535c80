"""One row by itself: what people write by hand becomes the row, or the chunk, that labeling functions see."""

from __future__ import annotations

from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from weaksup.corpus.rows import Chunk, Row, row_type
from weaksup.errors import UsageError

__all__ = ["as_row", "chunk_of", "freeze", "thaw"]


def as_row(value: Any) -> Row:
    """Make a row of a text, a mapping of fields, a pandas Series or any object with attributes."""
    if isinstance(value, Row):
        return value
    if isinstance(value, str):
        value = {"id": "", "text": value}
    elif hasattr(value, "to_dict"):  # a pandas Series, without importing pandas
        value = value.to_dict()
    elif not isinstance(value, Mapping):
        value = getattr(value, "__dict__", None)
    if not isinstance(value, Mapping):
        raise UsageError("expected a row: a text, a mapping of fields or an object with attributes")
    names = tuple(map(str, value))
    return row_type(names)(freeze(v) for v in value.values())


def chunk_of(row: Row) -> Chunk:
    """Make a chunk of one row; fields that Arrow cannot hold (a parsed document, say) are left out."""
    columns: dict[str, pa.Array] = {}
    for name, value in row.as_dict().items():
        try:
            columns[name] = pa.array([thaw(value)])
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            continue
    columns.setdefault("id", pa.array([""]))
    return Chunk(pa.RecordBatch.from_pydict(columns))


def freeze(value: Any) -> Any:
    """Make nested plain data read-only, as rows of a corpus are: one labeling function must not feed another."""
    if isinstance(value, Mapping):
        return MappingProxyType({k: freeze(v) for k, v in value.items()})
    if isinstance(value, list):
        return tuple(map(freeze, value))
    if isinstance(value, Set) and not isinstance(value, frozenset):
        return frozenset(value)
    if isinstance(value, np.ndarray):
        view = value.view()
        view.flags.writeable = False
        return view
    return value


def thaw(value: Any) -> Any:
    """Undo `freeze` with fresh lists and dicts."""
    if isinstance(value, Mapping):
        return {k: thaw(v) for k, v in value.items()}
    return [thaw(v) for v in value] if type(value) is tuple else value
