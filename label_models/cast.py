"""Votes as a sparse matrix over cells; a cell is one source saying one label."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.softmax import over_classes
from weaksup.patterns import Patterns

__all__ = ["CastVotes", "cast_votes"]

_Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CastVotes:
    """The votes that were cast, abstains left out: all sums over votes cost O(votes x classes).

    `says` is a scipy CSR matrix [p, c] of ones: distinct row i says cell j; its votes in order are those of pattern
    `row` [e] for `cell` [e]. A cell's `source` [c] and `label` [c]; cells are sorted by source, then label. `rows` [p]
    is how many rows share the pattern; `tally` int64 [p, k] is how many votes each class has.
    """

    says: Any
    row: NDArray[np.int64]
    cell: NDArray[np.int64]
    source: NDArray[np.int64]
    label: NDArray[np.int64]
    rows: _Floats
    tally: NDArray[np.int64]

    @property
    def k(self) -> int:
        """The number of classes."""
        return int(self.tally.shape[1])

    @cached_property
    def given(self) -> NDArray[np.int64]:
        """How many votes each pattern has, [p]; those whose cell is not known count too."""
        return over_classes(np.add, self.tally)

    @cached_property
    def cell_rows(self) -> _Floats:
        """How many rows say each cell, [c]."""
        return np.bincount(self.cell, self.rows.take(self.row), minlength=len(self.label)).astype(np.float64)

    @cached_property
    def speakers(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first cell of each source that voted, and for each cell [c] the place of its source among them."""
        first = np.diff(self.source, prepend=-1) > 0
        return np.flatnonzero(first), np.cumsum(first) - 1

    def collect(self, values: _Floats, weight: _Floats | None = None) -> _Floats:
        """Add up values of patterns [p, ...] over the votes for each cell, [c, ...], each times its `weight` [e]."""
        from scipy.sparse import csc_matrix

        heard = self._heard
        if weight is not None:
            heard = csc_matrix((weight, self.says.indices, self.says.indptr), shape=heard.shape)
        collected: _Floats = heard @ values
        return collected

    @cached_property
    def _heard(self) -> Any:
        return self.says.T


def cast_votes(patterns: Patterns, k: int, known: NDArray[np.int64] | None = None) -> CastVotes:
    """List the votes of the distinct rows; `known` (codes source * k + label, sorted) fixes the cells, others drop.

    The tally counts every vote, also those whose cell is not known.
    """
    from scipy.sparse import csr_matrix

    p, m = patterns.values.shape
    place = np.flatnonzero(patterns.values >= 0)
    row = place // max(m, 1)
    label = patterns.values.take(place).astype(np.int64)
    tally = np.bincount(row * k + label, minlength=p * k).reshape(p, k)
    code = (place - row * m) * k + label
    if known is None:
        known = np.flatnonzero(np.bincount(code, minlength=m * k))
    cell_of = np.full(m * k, -1)
    cell_of[known] = np.arange(len(known))
    cell = cell_of.take(code)
    given = over_classes(np.add, tally)
    if (cell < 0).any():
        row, cell = row[cell >= 0], cell[cell >= 0]
        given = np.bincount(row, minlength=p)
    ends = np.zeros(p + 1, np.int32)
    np.cumsum(given, out=ends[1:])
    says = csr_matrix((np.ones(len(cell)), cell.astype(np.int32), ends), shape=(p, len(known)))
    return CastVotes(says, row, cell, known // k, known % k, patterns.counts.astype(np.float64), tally)
