"""JSONL: one object per line, lines end at "\\n" and nowhere else.

Own parsing over the json module's scanner: pyarrow's JSON reader guesses dates, takes the last of two equal keys and
knows no line numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from math import isinf
from pathlib import Path
from typing import Any

from weaksup.corpus.blocks import Block, Choice
from weaksup.corpus.log import Log
from weaksup.corpus.objects import Json, Types, column_kinds, kind_of, read_objects
from weaksup.corpus.streams import TextFile, find_flaw, is_unicode, open_text

__all__ = ["jsonl_kinds", "read_jsonl"]


class _Bad(Exception):  # noqa: N818  (never leaves this file)
    """A line that is no row; the message is the reason."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Bad(f'the key "{twice}" comes twice')
    return row


def _constant(name: str) -> Any:
    raise _Bad(f"{name} is not JSON")


# The decoders' own `decode` matches white space by a regex before and after each document; lines are stripped here.
_scan = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant).scan_once  # type: ignore[attr-defined]
_scan_fast = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # typeshed leaves it out
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_SPACE = " \t\r\n"


def _parse(line: str) -> dict[str, Any]:
    """Return the fields of a line, lists and objects as JSON text."""
    if flaw := find_flaw(line):
        raise _Bad(flaw)
    try:
        row, end = _scan(line, 0)
        if end != len(line):
            raise _Bad(f"not JSON: extra data at column {end + 1}")
        if type(row) is not dict:
            raise _Bad(f"expected an object, got {kind_of(row)}")
        if "\\u" in line:
            _encode(row).encode()
        _flatten(row)
    except StopIteration as stop:
        raise _Bad(f"not JSON: expected a value at column {stop.value + 1}") from None
    except json.JSONDecodeError as error:
        raise _Bad(f"not JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise _Bad("nested too deep") from None
    except UnicodeEncodeError:
        raise _Bad("half a surrogate pair (\\ud800 to \\udfff)") from None
    except ValueError:  # an integer of thousands of digits, or 1e999 in a list
        raise _Bad("a number too large") from None
    return row


def _flatten(row: dict[str, Any]) -> None:
    for name, value in row.items():
        kind = type(value)
        if kind is dict or kind is list:
            row[name] = Json(_encode(value))
        elif kind is float and isinf(value):
            raise _Bad("a number too large")


def jsonl_kinds(path: Path, encoding: str) -> dict[str, int]:
    """Return the columns of a file and the kinds of their values: one pass over it."""
    with open_text(path, encoding) as file:
        kinds = column_kinds(_fast_rows(file))
    return {name: kind for name, kind in kinds.items() if is_unicode(name)}


def _fast_rows(file: TextFile) -> Iterator[dict[str, Any]]:
    """Give all objects, also some that are rejected later: harmless, as long as it does not depend on chunks."""
    for line in chain.from_iterable(file.lines()):
        try:
            row, _ = _scan_fast(line, len(line) - len(line.lstrip(_SPACE)))
        except (StopIteration, ValueError, RecursionError):
            continue
        if type(row) is dict:
            yield row


def read_jsonl(
    path: Path, types: Types, choice: Choice, log: Log, *, encoding: str, chunk_rows: int
) -> Iterator[Block]:
    """Read the rows of a file; blank lines are no rows."""
    with open_text(path, encoding) as file:
        for block in read_objects(
            _rows(file, str(path), log), str(path), types, choice, log=log, chunk_rows=chunk_rows
        ):
            yield Block(block.file, block.batch, block.lines, block.values, file.bytes_read)


def _rows(file: TextFile, name: str, log: Log) -> Iterator[tuple[int, int, dict[str, Any]]]:
    for number, line in enumerate(chain.from_iterable(file.lines()), 1):
        stripped = line.strip(_SPACE)
        if not stripped:
            continue
        try:
            yield number, len(line), _parse(stripped)
        except _Bad as bad:
            cut = "" if line.endswith("\n") or "JSON" not in str(bad) else "the last line is cut: "
            log.reject(name, number, f"{cut}{bad}")
