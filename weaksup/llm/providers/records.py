"""Read small tables that come with a tier: recorded answers, true labels. Parquet, CSV or JSONL; ids stay strings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from weaksup.errors import UsageError

__all__ = ["Columns", "file_hash", "read_columns"]

Columns = dict[str, list[Any]]


def read_columns(path: Path, wanted: Sequence[str], *, need: Sequence[str], where: str) -> Columns:
    """Read those of the `wanted` columns that the file has; `need` are those that it must have."""
    if not path.is_file():
        raise UsageError(f"{where}: expected a file, got {path}, which does not exist")
    try:
        columns = _READERS.get(path.suffix.lower(), _unknown)(path, wanted)
    except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"{where}: cannot read {path}: {reason}; expected Parquet, CSV or JSONL") from None
    missing = [name for name in need if name not in columns]
    if missing:
        shown = ", ".join(columns) or "none of them"
        raise UsageError(f'{where}: {path} has no column "{missing[0]}" (of those that are used, it has: {shown})')
    return columns


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _parquet(path: Path, wanted: Sequence[str]) -> Columns:
    with pq.ParquetFile(path) as file:
        names = [name for name in wanted if name in file.schema_arrow.names]
        return {name: file.read([name]).column(0).to_pylist() for name in names}


def _csv(path: Path, wanted: Sequence[str]) -> Columns:
    parse = pa_csv.ParseOptions(newlines_in_values=True)
    with pa_csv.open_csv(path, parse_options=parse) as head:
        names = head.schema.names
    # Everything is read as a string: a guess would turn the id 001 into 1.
    convert = pa_csv.ConvertOptions(
        column_types={name: pa.string() for name in names}, include_columns=[n for n in wanted if n in names]
    )
    table = pa_csv.read_csv(path, parse_options=parse, convert_options=convert)
    return {name: [value or None for value in table.column(name).to_pylist()] for name in table.column_names}


def _jsonl(path: Path, wanted: Sequence[str]) -> Columns:
    rows = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if line.strip():
            row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is not a JSON object")
            rows.append(row)
    return {name: [row.get(name) for row in rows] for name in wanted if any(name in row for row in rows)}


def _unknown(path: Path, _wanted: Sequence[str]) -> Columns:
    raise ValueError(f'unknown ending "{path.suffix}"')


_READERS = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl}
