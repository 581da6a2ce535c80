"""Rows that come as dicts: the type of each column over the whole corpus, and Arrow batches of it.

Types are settled before the first row is handed on, so that what a labeling function sees does not depend on the size
of chunks. A column keeps its type if all its values share one; else all values are JSON text. Missing is null.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from weaksup.corpus.blocks import Block, Choice
from weaksup.corpus.log import Log
from weaksup.corpus.streams import BLOCK
from weaksup.errors import CorpusError

__all__ = ["Json", "Types", "column_kinds", "kind_of", "read_objects", "settle_types"]

Types = Mapping[str, pa.DataType | None]  # None: a mix, so JSON text

_COLUMNS = 4_096
_EXACT = 2**53  # beyond, a float cannot hold every integer
_LONG = 2**63


class Json(str):
    """The JSON text of a list or an object."""

    __slots__ = ()


_STR, _BOOL, _INT, _BIG, _HUGE, _FLOAT, _NESTED = (1 << i for i in range(7))
_BITS = {str: _STR, bool: _BOOL, float: _FLOAT, Json: _NESTED, type(None): 0, list: _NESTED, dict: _NESTED}
_TYPES = {
    0: pa.string(),
    _STR: pa.string(),
    _NESTED: pa.string(),
    _BOOL: pa.bool_(),
    _INT: pa.int64(),
    _BIG: pa.int64(),
    _INT | _BIG: pa.int64(),
    _FLOAT: pa.float64(),
    _INT | _FLOAT: pa.float64(),
}
_WORDS = {
    type(None): "null",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a floating-point number",
    dict: "an object",
    list: "a list",
}


def column_kinds(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the columns in order of appearance with the kinds of value they hold, as bits."""
    kinds: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        for name, value in row.items():
            kind = type(value)
            kinds[name] |= _BITS[kind] if kind is not int else _INT if -_EXACT <= value <= _EXACT else _big(value)
        if len(kinds) > _COLUMNS:
            raise CorpusError(
                f"expected at most {_COLUMNS:,} different fields, got more; put data that is used as field names "
                "into one nested field"
            )
    return dict(kinds)


def settle_types(parts: Iterable[Mapping[str, int]], choice: Choice) -> Types:
    """Return the Arrow type of each column of several files; `text` is a string, whatever else it holds."""
    kinds: defaultdict[str, int] = defaultdict(int)
    for part in parts:
        for name, seen in part.items():
            kinds[name] |= seen
    if not kinds:  # no rows, or none with a field: nothing is missing
        return {name: pa.string() for name in (choice.text, choice.id) if name}
    types = {name: _TYPES.get(seen) for name, seen in kinds.items()}
    return {**types, choice.text: pa.string()} if choice.text in types else types


def _big(value: int) -> int:
    return _BIG if -_LONG <= value < _LONG else _HUGE


def read_objects(
    rows: Iterable[tuple[int, int, dict[str, Any]]],
    file: str,
    types: Types,
    choice: Choice,
    *,
    log: Log,
    chunk_rows: int,
) -> Iterator[Block]:
    """Turn (line, size, row) into blocks; reject rows whose text is not a string."""
    kept: list[dict[str, Any]] = []
    lines: list[int] = []
    chars = 0
    for line, size, row in rows:
        text = row.get(choice.text)
        if text is not None and type(text) is not str:
            log.reject(file, line, f"text is {kind_of(text)}, expected a string")
            continue
        kept.append(row)
        lines.append(line)
        chars += size
        if len(kept) >= chunk_rows or chars >= BLOCK:
            yield _block(kept, file, types, choice, lines)
            kept, lines, chars = [], [], 0
    if kept:
        yield _block(kept, file, types, choice, lines)


def _block(rows: list[dict[str, Any]], file: str, types: Types, choice: Choice, lines: list[int]) -> Block:
    raw = [[row.get(name) for row in rows] for name in types]
    values = [_column(column, kind) for column, kind in zip(raw, types.values(), strict=True)]
    try:
        arrays = [pa.array(v, kind or pa.string()) for v, kind in zip(values, types.values(), strict=True)]
    except (TypeError, ValueError, OverflowError):
        raise CorpusError(
            f"{file}: expected the same rows as a moment ago, got others; leave it be and run again"
        ) from None
    for i, name in enumerate(types):
        if name == (choice.id or "id"):
            values[i] = raw[i]  # ids are judged one by one, as they came
    return Block(file, pa.RecordBatch.from_arrays(arrays, names=list(types)), lines, values)


def _column(values: list[Any], kind: pa.DataType | None) -> list[Any]:
    if kind is None:
        return [v if v is None or type(v) is Json else json.dumps(v, ensure_ascii=False) for v in values]
    if kind == pa.float64():
        return [v if v is None else float(v) for v in values]
    return values


def kind_of(value: object) -> str:
    """Name a value's kind, for reasons of rejects."""
    if isinstance(value, Json):
        return "an object" if value.startswith("{") else "a list"
    return _WORDS.get(type(value), f"a {type(value).__name__}")
