"""How sources agree, pair by pair, and what that says of them when errors are made independently."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.cast import CastVotes

__all__ = ["Pairs", "count_pairs"]

_Floats = NDArray[np.float64]
_UNKNOWN = 0.25  # agreement beyond chance of two sources of which nothing is known: both right on three rows of four
_DENSE = 50_000_000  # multiplications up to which a dense product is the faster one
_MOST_PAIRS = 50_000_000  # pairs of votes that are counted; beyond it every nth pattern
_ROUNDS = 100


@dataclass(frozen=True, eq=False)
class Pairs:
    """Rows where two sources both vote, and equally, [m, m]; their chance agreement; votes [m]; rows in all."""

    both: _Floats
    same: _Floats
    chance: _Floats
    votes: _Floats
    rows: float

    @cached_property
    def beyond_chance(self) -> tuple[_Floats, _Floats]:
        """Return agreement beyond chance (J. Cohen's kappa, 1960) and its weight in rows, [m, m]; 0 on the diagonal.

        Sources of one label each agree by chance alone: weight 0.
        """
        weight = np.where((self.both > 0) & (self.chance < 1 - 1e-9), self.both, 0.0)
        np.fill_diagonal(weight, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            kappa = np.where(weight > 0, (self.same / self.both - self.chance) / (1 - self.chance), 0.0)
        return kappa, weight

    def reliabilities(self, unknown: float) -> _Floats:
        """Return how far each source follows the truth beyond chance, 0..1, [m], from agreement alone.

        Sources that err on their own agree beyond chance by r_i r_j. The fit is weighted least squares off the
        diagonal (minres; H. H. Harman and W. H. Jones, 1966), every source having 3 rows of reliability `unknown`.
        Against EM's counts it is blind to classes but unbiased.
        """
        kappa, weight = self.beyond_chance
        r = np.full(len(self.votes), unknown)
        for _ in range(_ROUNDS):
            # Half steps: full ones can swing between two answers for ever.
            r = 0.5 * r + 0.5 * np.clip(((weight * kappa) @ r + 3 * unknown) / (weight @ r**2 + 3), 0.0, 0.98)
        return r

    def owed_to_truth(self) -> _Floats:
        """Return the agreement beyond chance that third sources explain, in 0..1, [m, m]."""
        kappa, weight = self.beyond_chance
        summed = kappa * weight
        sides = [a.sum(axis=1)[:, None] - a for a in (summed, weight)]
        rest = [a.sum() - 2 * a.sum(axis=1)[:, None] - 2 * a.sum(axis=1) + 2 * a for a in (summed, weight)]
        with np.errstate(invalid="ignore", divide="ignore"):
            side = sides[0] / sides[1]
            third = np.where(rest[1] > 0, rest[0] / rest[1], 1.0)
            truth = side * side.T / third
        known = (sides[1] > 0) & (sides[1].T > 0) & (third > 0)
        return np.clip(np.where(known, truth, _UNKNOWN), 0.0, 1.0)

    def coincidence(self) -> _Floats:
        """Return by how many nats the rows of two sources coincide more than by chance, [m, m]."""
        first, second = self.votes[:, None], self.votes
        cells = (
            (self.both, first * second),
            (first - self.both, first * (self.rows - second)),
            (second - self.both, second * (self.rows - first)),
            (self.rows - first - second + self.both, (self.rows - first) * (self.rows - second)),
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            parts = [np.where(n > 0, n * np.log(n * self.rows / by_chance), 0.0) for n, by_chance in cells]
        nats: _Floats = np.where(self.both * self.rows > first * second, sum(parts), 0.0)
        return nats


def count_pairs(votes: CastVotes, m: int) -> Pairs:
    """Count the rows that pairs of sources share, [m, m]."""
    of_source = np.bincount(votes.source, votes.cell_rows, minlength=m).astype(np.float64)
    shares = np.zeros((m, votes.k))
    shares[votes.source, votes.label] = votes.cell_rows / np.maximum(of_source[votes.source], 1)
    step = int(np.ceil((votes.given.astype(np.float64) ** 2).sum() / _MOST_PAIRS)) or 1
    both, same = _overlaps(votes, m, step)
    own = of_source if step == 1 else np.diag(both).copy()
    return Pairs(both, same, shares @ shares.T, own, float(votes.rows[::step].sum()))


def _overlaps(votes: CastVotes, m: int, step: int) -> tuple[_Floats, _Floats]:
    """Count rows where two sources both vote, [m, m], and equally, on every nth pattern; whole numbers, so exact."""
    c = len(votes.label)
    if len(votes.rows) * c**2 <= _DENSE:  # then there are few pairs, and step is 1
        of_source = np.zeros((c, m))
        of_source[np.arange(c), votes.source] = 1.0
        cells = _count_cells(votes)
        same = np.where(votes.label[:, None] == votes.label, cells, 0.0)
        return of_source.T @ cells @ of_source, of_source.T @ same @ of_source
    taken = votes.row % step == 0
    row, cell = votes.row[taken], votes.cell[taken]
    source, weight = votes.source[cell], votes.rows[row]
    _, label_row = np.unique(row * votes.k + votes.label[cell], return_inverse=True)
    return _share(row, source, weight, m), _share(label_row, source, weight, m)


def _count_cells(votes: CastVotes) -> NDArray[Any]:
    """Count the rows that say both of two cells, [c, c]."""
    exact = np.float32 if votes.rows.sum() < 2**24 else np.float64
    p, c = votes.says.shape
    says = np.zeros(p * c, exact)
    says[votes.row * c + votes.cell] = 1.0
    says = says.reshape(p, c)
    counts: NDArray[Any] = says.T @ (says * votes.rows.astype(exact)[:, None])
    return counts


def _share(row: NDArray[np.int64], source: NDArray[np.int64], weight: _Floats, m: int) -> _Floats:
    """Add up the weights of rows that two sources share, [m, m]; of each vote its row, source and row's weight, [e]."""
    from scipy.sparse import csr_matrix

    rows = int(row.max(initial=-1)) + 1
    voted = csr_matrix((np.ones(len(row)), (source, row)), shape=(m, rows))
    shared: _Floats = (voted @ csr_matrix((weight, (row, source)), shape=(rows, m))).toarray()
    return shared
