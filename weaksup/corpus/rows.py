"""Rows as labeling functions see them: read-only, by attribute or by column name."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

__all__ = ["Chunk", "Row", "row_type"]


class Row(tuple[Any, ...]):
    """One row of a corpus: `row.text`, `row["text"]`, `row.get("lang", "en")`.

    Rows cannot be changed, so no labeling function changes what the next one sees; `row.with_fields(...)` gives a
    changed copy. Subclasses are made per schema by `row_type`.
    """

    __slots__ = ()
    _index: ClassVar[Mapping[str, int]] = {}

    if TYPE_CHECKING:  # the fields of a schema are descriptors of its own subclass

        def __getattr__(self, name: str) -> Any: ...

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self._index[key] if isinstance(key, str) else key)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the field, or `default` where the corpus has no such column or the field is null."""
        at = self._index.get(name)
        value = None if at is None else tuple.__getitem__(self, at)
        return default if value is None else value

    def as_dict(self) -> dict[str, Any]:
        """Return a fresh dict of the row."""
        return dict(zip(self._index, self, strict=True))

    def with_fields(self, fields: Mapping[str, Any]) -> Row:
        """Return a copy with fields added or replaced."""
        merged = {**self.as_dict(), **fields}
        return row_type(tuple(merged))(merged.values())


@lru_cache(maxsize=256)
def row_type(columns: tuple[str, ...]) -> type[Row]:
    """Make the row class of a schema.

    A namedtuple's field descriptors read a slot of any tuple as fast as an attribute; a property is much slower.
    """
    slots = namedtuple("slots", list(columns), rename=True)  # type: ignore[misc]  # made at run time, from a schema
    fields: dict[str, Any] = {"__slots__": (), "_index": {name: i for i, name in enumerate(columns)}}
    names: tuple[str, ...] = slots._fields
    for slot, name in zip(names, columns, strict=True):
        if slot == name and name not in Row.__dict__:
            fields[name] = slots.__dict__[slot]
    return type("Row", (Row,), fields)


class Chunk:
    """A record batch of a corpus with its rows, made once and shared by all labeling functions.

    `batch` has the string columns `id` and `text` and all other columns; `memo` is where preprocessors keep what they
    have computed for this chunk.
    """

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch
        self.memo: dict[Any, Any] = {}
        self._rows: list[Row] | None = None

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    @property
    def ids(self) -> list[str]:
        """The row ids, [n]."""
        ids: list[str] = self.batch.column("id").to_pylist()
        return ids

    @property
    def rows(self) -> list[Row]:
        """The rows as Python objects, [n]."""
        if self._rows is None:
            names = tuple(self.batch.schema.names)
            columns = [_to_python(self.batch.column(i)) for i in range(len(names))]
            self._rows = list(map(row_type(names), zip(*columns, strict=True)))
        return self._rows


def _to_python(column: pa.Array) -> list[Any]:
    values: list[Any] = column.to_pylist()
    return [_frozen(v) for v in values] if pa.types.is_nested(column.type) else values


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({k: _frozen(v) for k, v in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
