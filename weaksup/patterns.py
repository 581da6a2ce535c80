"""Distinct vote rows: label models, slices and analysis work on these, not on every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weaksup.errors import VoteError
from weaksup.labels import ABSTAIN
from weaksup.votes import VoteMatrix, Votes

__all__ = ["Patterns", "find_patterns"]

_EXACT = 2**53  # whole numbers below it are exact as float64
_MOST = int(np.iinfo(np.int16).max)
_ROWS = 16384  # a block of rows stays in the cache


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


_KEPT: WeakKeyDictionary[VoteMatrix, Patterns] = WeakKeyDictionary()


def find_patterns(votes: VoteMatrix | NDArray[Any], k: int | None = None) -> Patterns:
    """Group equal vote rows of votes [n, m], whole numbers of any type, -1 to k - 1; `k` is looked for if not given.

    Cost O(n m + n log n), and exact: several columns are packed into one number as digits of base k + 1, as many as
    fit; the numbers are ranked, and the rank joins the next columns. Patterns are read back from their numbers.
    A vote outside the range is a `VoteError`. Those of a `VoteMatrix` are found once and kept as long as it is.
    """
    if isinstance(votes, VoteMatrix):
        if votes not in _KEPT:
            _KEPT[votes] = find_patterns(votes.values, len(votes.labels))
        return _KEPT[votes]
    values = votes
    n, m = values.shape
    base = int(min(values.max(initial=0) if k is None else k - 1, _MOST)) + 2
    index, size = np.zeros(n, np.int64), min(n, 1)
    counts = np.full(size, n)
    stages: list[tuple[range, NDArray[np.int64]]] = []
    stop = 0
    while stop < m:
        start, stop = stop, stop + 1
        while stop < m and max(size, 1) * base ** (stop + 1 - start) < _EXACT:
            stop += 1
        code = _append_digits(index if start else None, values, range(start, stop), base)
        distinct, index, counts = _rank(code, max(size, 1) * base ** (stop - start))
        size = len(distinct)
        stages.append((range(start, stop), distinct))
    return Patterns(_read_digits(stages, base, size), counts, index)


def _append_digits(
    before: NDArray[np.int64] | None, values: NDArray[Any], columns: range, base: int
) -> NDArray[np.int64]:
    """Return numbers [n] with one digit a column, vote + 1, after those that stand `before`, if any."""
    powers = np.array([float(base**j) for j in reversed(range(len(columns)))])
    code = np.empty(len(values), np.int64)
    for start in range(0, len(code), _ROWS):
        run = slice(start, start + _ROWS)
        votes = values[run, columns.start : columns.stop]
        if not ABSTAIN <= votes.min() <= votes.max() <= base - 2:
            raise _refuse(values, base - 2)
        # A product of floats, all of them whole numbers: one pass over the votes, and no rounding.
        digits = votes @ powers + powers.sum()
        if before is not None:
            digits += before[run] * float(base ** len(columns))
        code[run] = digits
    return code


def _refuse(values: NDArray[Any], most: int) -> VoteError:
    i, j = np.argwhere((values < ABSTAIN) | (values > most))[0].tolist()
    return VoteError(f"votes: row {i}, source {j}: expected 0 to {most}, or -1 to abstain, got {values[i, j]}")


def _read_digits(stages: list[tuple[range, NDArray[np.int64]]], base: int, size: int) -> Votes:
    """Return the votes [size, m] that the last stage's codes stand for; a stage's high digits are a rank before it."""
    values = np.empty((size, stages[-1][0].stop if stages else 0), np.int16)
    rank = np.arange(size)
    for columns, distinct in reversed(stages):
        code = distinct[rank]
        for j in reversed(columns):
            rest = code // base
            np.subtract(code, rest * base + 1, out=values[:, j], casting="unsafe")
            code = rest
        rank = code
    return values


def _rank(code: NDArray[np.int64], width: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct codes, sorted, the rank of each code and how many have it; codes lie in [0, width)."""
    if width <= max(4 * len(code), 1024):
        count = np.bincount(code, minlength=width)
        distinct = np.flatnonzero(count)
        rank_of = np.empty(width, np.int64)
        rank_of[distinct] = np.arange(len(distinct))
        for start in range(0, len(code), _ROWS):
            code[start : start + _ROWS] = rank_of.take(code[start : start + _ROWS])
        return distinct, code, count[distinct]
    hashed = pa.array(code).dictionary_encode()  # several times as fast as sorting all codes
    distinct = hashed.dictionary.to_numpy()
    order = np.argsort(distinct)
    rank_of = np.empty(len(order), np.int64)
    rank_of[order] = np.arange(len(order))
    rank = rank_of.take(hashed.indices.to_numpy())
    return distinct[order], rank, np.bincount(rank, minlength=len(order))
