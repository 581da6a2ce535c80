"""What two sources do together: rows where both vote, and where they differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weaksup.labels import ABSTAIN
from weaksup.patterns import Patterns

__all__ = ["differing", "pair_counts", "pair_sides"]

_PATTERNS = 1 << 15  # at a time, so that memory does not grow with the number of patterns


def pair_counts(patterns: Patterns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return overlaps [m, m] and conflicts [m, m] in rows; both are symmetric, conflicts has a zero diagonal.

    Per block: one matrix product for the votes, one per label over the sources that use it.
    """
    m = patterns.values.shape[1]
    both, agree = np.zeros((m, m)), np.zeros((m, m))  # float64 is exact up to 2^53 rows, and has fast products
    for start in range(0, len(patterns), _PATTERNS):
        values = patterns.values[start : start + _PATTERNS]
        counts = patterns.counts[start : start + _PATTERNS].astype(np.float64)
        both += _together(values != ABSTAIN, counts)
        for label in np.unique(values[values != ABSTAIN]):
            says = values == label
            used = np.flatnonzero(says.any(axis=0))
            agree[np.ix_(used, used)] += _together(says[:, used], counts)
    overlaps = both.astype(np.int64)
    return overlaps, overlaps - agree.astype(np.int64)


def pair_sides(patterns: Patterns, i: int, j: int) -> list[tuple[int, int, int]]:
    """List what sources i and j say where they differ: (label of i, label of j, rows), most rows first."""
    first, second = patterns.values[:, i].astype(np.int64), patterns.values[:, j].astype(np.int64)
    differ = differing(patterns, i, j)
    base = int(second.max(initial=0)) + 1
    codes, at = np.unique(first[differ] * base + second[differ], return_inverse=True)
    rows = np.bincount(at, weights=patterns.counts[differ], minlength=len(codes)).astype(np.int64)
    sides = [(*divmod(code, base), n) for code, n in zip(codes.tolist(), rows.tolist(), strict=True)]
    return sorted(sides, key=lambda side: (-side[2], side[:2]))


def differing(patterns: Patterns, i: int, j: int) -> NDArray[np.bool_]:
    """Mark the patterns where sources i and j both vote, and differ, [p]."""
    first, second = patterns.values[:, i], patterns.values[:, j]
    differ: NDArray[np.bool_] = (first != ABSTAIN) & (second != ABSTAIN) & (first != second)
    return differ


def _together(marks: NDArray[np.bool_], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    ones = marks.astype(np.float64)
    together: NDArray[np.float64] = ones.T @ (ones * counts[:, None])
    return together
