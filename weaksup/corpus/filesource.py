"""Files on disk as a source: one format, one set of columns, read one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import pyarrow as pa

from weaksup.corpus.blocks import Block, Choice
from weaksup.corpus.delimited import read_delimited, read_header
from weaksup.corpus.jsonl import jsonl_kinds, read_jsonl
from weaksup.corpus.log import Log, list_names
from weaksup.corpus.objects import Types, settle_types
from weaksup.corpus.parquet import parquet_schema, read_parquet
from weaksup.corpus.paths import FAMILIES, ending_of
from weaksup.corpus.streams import open_bytes
from weaksup.errors import CorpusError

__all__ = ["FileSource"]

Read = Callable[[Path], Iterator[Block]]


@dataclass(frozen=True, eq=False)
class FileSource:
    """One or more files of one format."""

    paths: tuple[Path, ...]
    encoding: str
    _kinds: dict[tuple[Path, int, int], dict[str, int]] = field(default_factory=dict, repr=False)

    @property
    def _family(self) -> str:
        return FAMILIES[ending_of(self.paths[0])]

    def schema(self, choice: Choice) -> pa.Schema:
        """Return names and types; raise CorpusError where the files do not agree."""
        if self._family == "jsonl":
            return pa.schema([(name, kind or pa.string()) for name, kind in self._json_types(choice).items()])
        return self._common_schema()

    def _json_types(self, choice: Choice) -> Types:
        states = [(path, *_stat(path)) for path in self.paths]
        for state in states:
            if state not in self._kinds:  # remembered until size or time of the file changes
                self._kinds[state] = jsonl_kinds(state[0], self.encoding)
        return settle_types(map(self._kinds.__getitem__, states), choice)

    def _common_schema(self) -> pa.Schema:
        common: tuple[Path, pa.Schema] | None = None
        for path in self.paths:
            schema = parquet_schema(path) if self._family == "parquet" else self._header(path)
            if schema is None:
                continue
            if common and not schema.equals(common[1]):
                raise CorpusError(
                    f"{path}: expected the columns of {common[0].name} ({_show(common[1])}), got {_show(schema)}"
                )
            common = common or (path, schema)
        if common is None:
            raise CorpusError(f"{self.paths[0]}: expected a header with column names, got an empty file")
        return common[1]

    def _header(self, path: Path) -> pa.Schema | None:
        names = read_header(path, self.encoding, _delimiter(path))
        return pa.schema([(name, pa.string()) for name in names]) if names else None

    def blocks(self, choice: Choice, log: Log, chunk_rows: int) -> Iterator[Block]:
        """Read all files in order."""
        read = self._reader(choice, log, chunk_rows)
        done = 0
        for path in self.paths:
            before = log.counts.read
            empty = True
            for block in read(path):
                empty = False
                yield replace(block, bytes_read=done + block.bytes_read)
            if empty and log.counts.read == before:
                log.note(f"{path}: no rows")
            done += _stat(path)[0]

    def _reader(self, choice: Choice, log: Log, chunk_rows: int) -> Read:
        encoding = self.encoding
        if self._family == "jsonl":
            types = self._json_types(choice)
            return lambda path: read_jsonl(path, types, choice, log, encoding=encoding, chunk_rows=chunk_rows)
        schema = self._common_schema()
        if self._family == "parquet":
            return lambda path: read_parquet(path, schema, chunk_rows)
        return lambda path: read_delimited(
            path, schema.names, log, encoding=encoding, delimiter=_delimiter(path), chunk_rows=chunk_rows
        )

    def fingerprint(self) -> str:
        """Hash the bytes of the files and how they are read; names and places of files do not matter."""
        digest = sha256(json.dumps([self.encoding, [ending_of(path) for path in self.paths]]).encode())
        for path in self.paths:
            with open_bytes(path) as (_, raw):
                digest.update(file_digest(raw, "sha256").digest())
        return digest.hexdigest()

    def origin(self) -> dict[str, Any]:
        """Return the absolute paths and the encoding."""
        return {"paths": [str(path.absolute()) for path in self.paths], "encoding": self.encoding}

    def size_hint(self) -> int | None:
        """Return the bytes of all files."""
        return sum(_stat(path)[0] for path in self.paths)


def _delimiter(path: Path) -> str:
    return "\t" if ending_of(path) == ".tsv" else ","


def _stat(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror}; check that it exists and may be read") from None
    return status.st_size, status.st_mtime_ns


def _show(schema: pa.Schema) -> str:
    plain = all(field.type == pa.string() for field in schema)
    names = [field.name if plain else f"{field.name}: {field.type}" for field in schema]
    return list_names(names)
