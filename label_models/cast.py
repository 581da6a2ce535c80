"""Votes as a sparse matrix over cells; a cell is one source saying one label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.patterns import Patterns

__all__ = ["CastVotes", "cast_votes"]


@dataclass(frozen=True, slots=True, eq=False)
class CastVotes:
    """The votes that were cast, abstains left out: all sums over votes cost O(votes x classes).

    `says` is a scipy CSR matrix [p, c] of ones: distinct row i says cell j. A cell's `source` [c] and `label` [c];
    cells are sorted by source, then label. `rows` [p] is how many rows share the pattern; `tally` int64 [p, k] is how
    many votes each class has.
    """

    says: Any
    source: NDArray[np.int64]
    label: NDArray[np.int64]
    rows: NDArray[np.float64]
    tally: NDArray[np.int64]

    @property
    def k(self) -> int:
        """The number of classes."""
        return int(self.tally.shape[1])

    @property
    def cell_rows(self) -> NDArray[np.float64]:
        """How many rows say each cell, [c]."""
        counts: NDArray[np.float64] = self.says.T @ self.rows
        return counts


def cast_votes(patterns: Patterns, k: int, known: NDArray[np.int64] | None = None) -> CastVotes:
    """List the votes of the distinct rows; `known` (codes source * k + label, sorted) fixes the cells, others drop.

    The tally counts every vote, also those whose cell is not known.
    """
    from scipy.sparse import csr_matrix

    row, source = np.nonzero(patterns.values >= 0)
    label = patterns.values[row, source].astype(np.int64)
    p, m = patterns.values.shape
    tally = np.bincount(row * k + label, minlength=p * k).reshape(p, k)
    code = source * k + label
    if known is None:
        known = np.flatnonzero(np.bincount(code, minlength=m * k))
    cell_of = np.full(m * k, -1)
    cell_of[known] = np.arange(len(known))
    cell = cell_of[code]
    kept = cell >= 0
    ends = np.concatenate([[0], np.cumsum(np.bincount(row[kept], minlength=p))])
    says = csr_matrix((np.ones(int(kept.sum())), cell[kept], ends), shape=(p, len(known)))
    return CastVotes(says, known // k, known % k, patterns.counts.astype(np.float64), tally)
