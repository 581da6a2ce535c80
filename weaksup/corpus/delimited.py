"""CSV and TSV files as blocks of strings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import not_
from pathlib import Path

import pyarrow as pa

from weaksup.corpus.blocks import Block
from weaksup.corpus.log import Log
from weaksup.corpus.records import Records, cut_records
from weaksup.corpus.streams import BLOCK, find_flaw, open_text
from weaksup.errors import CorpusError

__all__ = ["read_delimited", "read_header"]


def read_header(path: Path, encoding: str, delimiter: str) -> tuple[str, ...]:
    """Return the column names; none for an empty file. Raise CorpusError where they cannot name columns."""
    with open_text(path, encoding) as file:
        for part in cut_records(file.lines(lone_cr=True), delimiter):
            names = next(filter(None, part.rows), None)
            if names is not None:
                return _checked(names, path)
            if part.broken:
                raise CorpusError(f"{path}:{part.broken[0]}: expected a header, got {part.broken[1]}; mend that line")
    return ()


def _checked(names: list[str], path: Path) -> tuple[str, ...]:
    flaw = find_flaw("".join(names))
    if flaw:
        raise CorpusError(f"{path}: expected a header, got {flaw}; name the file's encoding")
    if any("\0" in name for name in names):
        raise CorpusError(f"{path}: expected a header, got NUL bytes; if the file is UTF-16, name that encoding")
    return tuple(names)


def read_delimited(
    path: Path, names: Sequence[str], log: Log, *, encoding: str, delimiter: str, chunk_rows: int
) -> Iterator[Block]:
    """Read the rows below the header.

    Blank lines are no rows, as in most readers: an empty text in a one-column file is written `""`. A NUL is a
    character like any other.
    """
    sheet = _Sheet(path, names, log)
    rows: list[list[str]] = []
    lines: list[int] = []
    with open_text(path, encoding) as file:
        full = BLOCK
        for part in _below_header(cut_records(file.lines(lone_cr=True), delimiter)):
            sheet.add(part, rows, lines)
            stop = len(rows) if file.chars >= full else len(rows) - len(rows) % chunk_rows
            for start in range(0, stop, chunk_rows):
                end = min(stop, start + chunk_rows)
                yield from sheet.block(rows[start:end], lines[start:end], file.bytes_read)
            if stop:
                full = file.chars + BLOCK
                del rows[:stop], lines[:stop]
        yield from sheet.block(rows, lines, file.bytes_read)


def _below_header(parts: Iterator[Records]) -> Iterator[Records]:
    for part in parts:
        at = next((i for i, row in enumerate(part.rows) if row), None)
        if at is not None:
            yield Records(part.rows[at + 1 :], part.lines[at + 1 :], part.broken)
            yield from parts


@dataclass(frozen=True, slots=True)
class _Sheet:
    path: Path
    names: Sequence[str]
    log: Log

    def add(self, part: Records, rows: list[list[str]], lines: list[int]) -> None:
        """Append the records that fit the header; reject the others."""
        width = len(self.names)
        if set(map(len, part.rows)) <= {width}:
            rows += part.rows
            lines += part.lines
        else:
            for fields, line in zip(part.rows, part.lines, strict=True):
                if len(fields) == width:
                    rows.append(fields)
                    lines.append(line)
                elif fields:
                    reason = find_flaw("".join(fields)) or f"expected {width} fields, got {len(fields)}"
                    self.log.reject(str(self.path), line, reason)
        if part.broken:
            self.log.reject(str(self.path), *part.broken)
            if "quote" in part.broken[1]:
                self.log.note(
                    f"{self.path}: after a broken quote, reading goes on at the next line; check what follows"
                )

    def block(self, rows: list[list[str]], lines: list[int], bytes_read: int) -> Iterator[Block]:
        """Turn records into a block; those with bytes that could not be decoded are rejected."""
        values = list(zip(*rows, strict=True))
        try:
            arrays = [pa.array(column, pa.string()) for column in values]
        except UnicodeEncodeError:
            yield from self.block(*self._sound(rows, lines), bytes_read)
            return
        if rows:
            batch = pa.RecordBatch.from_arrays(arrays, names=list(self.names))
            yield Block(str(self.path), batch, lines, values, bytes_read)

    def _sound(self, rows: list[list[str]], lines: list[int]) -> tuple[list[list[str]], list[int]]:
        flaws = [find_flaw("".join(row)) for row in rows]
        for line, flaw in zip(lines, flaws, strict=True):
            if flaw:
                self.log.reject(str(self.path), line, flaw)
        return list(compress(rows, map(not_, flaws))), list(compress(lines, map(not_, flaws)))
