"""Write files whole or not at all, and read weaksup's own Parquet files with a clear word when they are not."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from weaksup.errors import DiskError, UsageError

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["atomic_path", "first_fault", "read_info", "read_table", "write_table", "write_text"]


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success sync it and rename it over `path`, on failure remove it."""
    target = Path(os.path.realpath(path))  # through a link, to what it names
    if target.is_dir():
        raise DiskError(f"cannot write {path}: expected a file name, got a folder; name a file inside it")
    if target.exists() and not target.is_file():
        raise DiskError(f"cannot write {path}: expected a file, got a device or a pipe; name a file")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        advice = "check that its folder exists and is writable"
        raise DiskError(f"cannot write {path}: {error.strerror}; {advice}") from None
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.chmod(0o666 & ~_umask())
        part.replace(target)
    except OSError as error:
        raise DiskError(f"cannot write {path}: {error.strerror or error}; free some space and run again") from None
    finally:
        part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8", newline="")


def write_table(table: pa.Table, path: str | Path) -> None:
    """Write a Parquet file atomically."""
    with atomic_path(path) as part:
        pq.write_table(table, part, compression="zstd")


def read_table(path: str | Path, key: str, *, what: str) -> tuple[pa.Table, dict[str, Any]]:
    """Read a Parquet file that weaksup wrote, with the JSON that it holds under `key`."""
    return _read(path, key, lambda file: file.read(), what=what)


def read_info(path: str | Path, key: str, *, what: str) -> dict[str, Any]:
    """Read the JSON alone that a Parquet file of weaksup holds under `key`."""
    return _read(path, key, lambda _: None, what=what)[1]


def _read(
    path: str | Path, key: str, part: Callable[[pq.ParquetFile], Any], *, what: str
) -> tuple[Any, dict[str, Any]]:
    if not Path(path).is_file():
        missing = "which is a folder" if Path(path).is_dir() else "which does not exist"
        raise UsageError(f"expected a file of {what}, got {path}, {missing}")
    try:
        with pq.ParquetFile(path) as file:
            return part(file), json.loads((file.metadata.metadata or {})[key.encode()])
    except (pa.ArrowException, OSError, KeyError, ValueError):
        raise UsageError(f"expected a file of {what} written by weaksup, got {path}, not one or damaged") from None


def first_fault(error: ValidationError) -> str:
    """Say in one line what is wrong with the first setting that pydantic refuses."""
    fault = error.errors()[0]
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f'"{place}" is not a setting; remove it or check its spelling'
    if fault["type"] == "missing":
        return f'the setting "{place}" is missing'
    if fault["type"] == "value_error":  # raised by a validator of ours, which says what came
        return f'"{place}": {fault["ctx"]["error"]}'
    return f'"{place}": {fault["msg"]}, got {fault["input"]!r}'
