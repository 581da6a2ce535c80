"""Distinct vote rows: label models, slices and analysis work on these, not on every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.labels import ABSTAIN
from weaksup.votes import VoteMatrix, Votes

__all__ = ["Patterns", "find_patterns"]


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """Distinct vote rows.

    `values` int16 [p, m] is sorted by row; `counts` [p] says how many rows have the pattern;
    `index` [n] maps each row to its pattern: `values[index]` is the vote matrix.
    """

    values: Votes
    counts: NDArray[np.int64]
    index: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Where at least one source voted, [p]."""
        covered: NDArray[np.bool_] = (self.values != ABSTAIN).any(axis=1)
        return covered


def find_patterns(votes: VoteMatrix | NDArray[Any]) -> Patterns:
    """Group equal vote rows of votes [n, m]; cost O(n m + n log n) and exact.

    Several columns are packed into one 64-bit number as digits of base k + 1, as many as fit; the numbers are ranked
    and the rank joins the next columns, so the code stays exact for any number of sources.
    """
    values = np.asarray(votes)
    n, m = values.shape
    base = int(values.max(initial=0)) + 2
    code = np.zeros(n, np.int64)
    width = 1  # codes so far lie in [0, width)
    j = 0
    while j < m:
        if width * base >= 2**62:
            code, width = _rank(code)
        start = j
        while j < m and width * base < 2**62:
            width *= base
            j += 1
        _append_digits(code, values[:, start:j], base)
    index, size = _rank(code, width)
    row = np.zeros(size, np.int64)
    row[index] = np.arange(n)  # any row of a pattern will do
    return Patterns(
        values=np.ascontiguousarray(values[row]).astype(np.int16, copy=False),
        counts=np.bincount(index, minlength=size),
        index=index,
    )


def _append_digits(code: NDArray[np.int64], columns: NDArray[Any], base: int) -> None:
    """Append one digit a column (vote + 1) to every code, in place; a block of rows stays in the cache throughout."""
    ones = sum(base**j for j in range(columns.shape[1]))
    for start in range(0, len(code), 16384):
        part, votes = code[start : start + 16384], columns[start : start + 16384]
        for j in range(columns.shape[1]):
            part *= base
            np.add(part, votes[:, j], out=part, casting="unsafe")
        part += ones


def _rank(code: NDArray[np.int64], width: int | None = None) -> tuple[NDArray[np.int64], int]:
    """Replace codes by their rank among the distinct codes; a table is used where the codes lie dense."""
    if width is not None and width <= max(4 * len(code), 1 << 16):
        seen = np.bincount(code, minlength=width) > 0
        return (np.cumsum(seen) - 1)[code], int(seen.sum())
    distinct, inverse = np.unique(code, return_inverse=True)
    return inverse.astype(np.int64), len(distinct)
