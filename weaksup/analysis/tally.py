"""Count votes, overlaps and conflicts in one pass over the columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.labels import ABSTAIN
from weaksup.votes import Votes

__all__ = ["Tally", "columns", "tally"]

_ROWS = 1 << 15  # a block of this many rows stays in the processor's cache while it is counted
_FEW_LABELS = 10  # up to here, one comparison per label beats a histogram


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of rows.

    `covered`, `overlapped`, `conflicted`: rows with a vote, with two, with two that differ. `votes` [m, k]: votes of
    each source per class. `overlaps` [m], `conflicts` [m]: rows a source votes on that are overlapped, conflicted.
    """

    rows: int
    votes: NDArray[np.int64]
    overlaps: NDArray[np.int64]
    conflicts: NDArray[np.int64]
    covered: int = field(default=0)
    overlapped: int = field(default=0)
    conflicted: int = field(default=0)

    @property
    def coverage(self) -> NDArray[np.int64]:
        """Rows that each source votes on, [m]."""
        coverage: NDArray[np.int64] = self.votes.sum(axis=1)
        return coverage


def tally(values: NDArray[Any], k: int) -> Tally:
    """Count the votes values [n, m] of k classes; cost O(n m), and a few MB for any n."""
    n, m = values.shape
    votes = np.zeros((m, k), np.int64)
    overlaps, conflicts, rows = np.zeros(m, np.int64), np.zeros(m, np.int64), np.zeros(3, np.int64)
    for _, block in columns(values):
        voted = block != ABSTAIN
        overlapped = voted.sum(axis=0, dtype=np.int32) > 1
        highest = block.max(axis=0, initial=ABSTAIN)
        # Unsigned, an abstain is the largest number: the minimum is the lowest real vote.
        lowest = block.view(np.uint16).min(axis=0, initial=0xFFFF)
        conflicted = overlapped & (highest.view(np.uint16) != lowest)
        rows += [np.count_nonzero(highest != ABSTAIN), np.count_nonzero(overlapped), np.count_nonzero(conflicted)]
        for j in range(m):
            votes[j] += _per_label(block[j], k)
            overlaps[j] += np.count_nonzero(voted[j] & overlapped)
            conflicts[j] += np.count_nonzero(voted[j] & conflicted)
    return Tally(n, votes, overlaps, conflicts, *rows.tolist())


def columns(values: NDArray[Any]) -> Iterator[tuple[slice, Votes]]:
    """Give the votes [n, m] block by block, turned to int16 [m, rows], each with the rows it holds."""
    for start in range(0, len(values), _ROWS):
        rows = slice(start, start + _ROWS)
        yield rows, np.array(values[rows].T, dtype=np.int16, order="C")


def _per_label(column: Votes, k: int) -> NDArray[np.int64]:
    if k <= _FEW_LABELS:
        return np.array([np.count_nonzero(column == c) for c in range(k)], np.int64)
    return np.bincount(column + 1, minlength=k + 1)[1:]
