"""Lines to CSV records, strictly, with the physical line on which each began.

Why the csv module: pyarrow's reader (26.0) gives the number of the record, not of the line; reads an open quote to the
end of the file as one text without a word; makes `"a"b` into `ab`; and one undecodable byte stops the whole read.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from weaksup.corpus.log import one_line
from weaksup.corpus.streams import LIMIT, find_flaw, size_text

__all__ = ["Records", "cut_records"]

_OPEN = "unexpected end of data"


@dataclass(frozen=True, slots=True)
class Records:
    """Some records, the line on which each begins, and then perhaps one that is broken: its line and the reason.

    A blank line is a record of no fields.
    """

    rows: list[list[str]]
    lines: list[int]
    broken: tuple[int, str] | None = None


def cut_records(batches: Iterator[list[str]], delimiter: str) -> Iterator[Records]:
    """Cut batches of lines into records.

    A quote that is never closed takes all the lines that follow into its record. So a broken record costs its first
    line only: the others are read again, each as the start of a record.
    """
    # The module's own limit is 131,072 characters, for the whole process; it is only ever raised.
    if csv.field_size_limit() < LIMIT:
        csv.field_size_limit(LIMIT)
    buffer = _Buffer(batches)
    buffer.refill(1)
    while buffer.lines:
        rows, lines, error = _read(buffer, delimiter)
        open_chars = buffer.chars_left() if error == _OPEN else 0
        if not error:
            yield Records(rows, lines)
            buffer.refill(1)
        elif error == _OPEN and buffer.more and open_chars < LIMIT:
            yield Records(rows, lines)
            buffer.refill(open_chars)  # the open record is read again: doubling keeps that linear
        else:
            yield Records(rows, lines, (buffer.number, _reason(buffer.lines[buffer.at], error, open_chars)))
            buffer.at += 1


class _Buffer:
    """Lines at hand: those before `at` are used up; `number` is the physical line of the one at `at`."""

    def __init__(self, batches: Iterator[list[str]]) -> None:
        self._batches = batches
        self._first = 1
        self.lines: list[str] = []
        self.at = 0
        self.more = True

    @property
    def number(self) -> int:
        return self._first + self.at

    def chars_left(self) -> int:
        return sum(map(len, islice(self.lines, self.at, None)))

    def refill(self, chars: int) -> None:
        """Drop the used lines and add new ones of that many characters."""
        self._first += self.at
        self.lines = self.lines[self.at :]
        self.at = 0
        while chars > 0 and self.more:
            batch = next(self._batches, [])
            self.more = bool(batch)
            self.lines += batch
            chars -= sum(map(len, batch))


def _read(buffer: _Buffer, delimiter: str) -> tuple[list[list[str]], list[int], str]:
    """Read records up to the end of the lines or the first error; `at` moves behind the last whole record."""
    lines, start = buffer.lines, buffer.number
    reader = csv.reader(map(lines.__getitem__, range(buffer.at, len(lines))), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    ends = [0]
    error = ""
    try:
        for row in reader:
            rows.append(row)
            ends.append(reader.line_num)
    except csv.Error as broken:
        error = str(broken)
    buffer.at += ends.pop()
    return rows, [start + end for end in ends], error


def _reason(line: str, error: str, open_chars: int) -> str:
    if flaw := find_flaw(line):
        return flaw
    if error.startswith("new-line character"):
        return "a carriage return that ends no line, outside of quotes"
    if open_chars >= LIMIT or "field limit" in error:
        return f"a quote is opened and not closed within {size_text(LIMIT)}"
    return "a quote is opened and never closed" if error == _OPEN else f"broken quotes: {one_line(error)}"
