"""How sources agree, pair by pair, and what that says of them when errors are made independently."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.cast import CastVotes

__all__ = ["Pairs", "count_pairs"]

_Floats = NDArray[np.float64]
_UNKNOWN = 0.25  # agreement beyond chance of two sources of which nothing is known: both right on three rows of four
_DENSE_CELLS = 128
_MOST_PAIRS = 50_000_000  # pairs of votes that are counted; beyond it every nth pattern
_ROUNDS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Rows where two sources both vote, and equally, [m, m]; their chance agreement; votes [m]; rows in all."""

    both: _Floats
    same: _Floats
    chance: _Floats
    votes: _Floats
    rows: float

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
        kappa, weight = self.beyond_chance()
        r = np.full(len(self.votes), unknown)
        for _ in range(_ROUNDS):
            # Half steps: full ones can swing between two answers for ever.
            r = 0.5 * r + 0.5 * np.clip(((weight * kappa) @ r + 3 * unknown) / (weight @ r**2 + 3), 0.0, 0.98)
        return r

    def owed_to_truth(self) -> _Floats:
        """Return the agreement beyond chance that third sources explain, in 0..1, [m, m]."""
        kappa, weight = self.beyond_chance()
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
    cell_rows = votes.cell_rows
    of_source = np.bincount(votes.source, cell_rows, minlength=m).astype(np.float64)
    shares = np.zeros((m, votes.k))
    shares[votes.source, votes.label] = cell_rows / np.maximum(of_source[votes.source], 1)
    both, same, rows = _overlaps(votes, m)
    own = np.diag(both).copy() if rows < votes.rows.sum() else of_source
    return Pairs(both, same, shares @ shares.T, own, rows)


def _overlaps(votes: CastVotes, m: int) -> tuple[_Floats, _Floats, float]:
    """Count rows where two sources both vote, [m, m], and equally, and the rows in all; whole numbers, so exact."""
    from scipy.sparse import csr_matrix, diags

    given = np.diff(votes.says.indptr).astype(np.float64)
    step = int(np.ceil((given**2).sum() / _MOST_PAIRS)) or 1
    says, weight = votes.says[::step], votes.rows[::step]
    c = len(votes.label)
    to_source = csr_matrix((np.ones(c), (np.arange(c), votes.source)), shape=(c, m))
    if c <= _DENSE_CELLS:
        dense = says.toarray()
        cells = dense.T @ (dense * weight[:, None])
        same = np.where(votes.label[:, None] == votes.label, cells, 0.0)
        return to_source.T @ (to_source.T @ cells).T, to_source.T @ (to_source.T @ same).T, float(weight.sum())
    voted = says @ to_source
    both = (voted.T @ (diags(weight) @ voted)).toarray()
    same = np.zeros((m, m))
    for label in np.unique(votes.label).tolist():
        columns = np.flatnonzero(votes.label == label)
        of_label = says[:, columns] @ to_source[columns]
        same += (of_label.T @ (diags(weight) @ of_label)).toarray()
    return both, same, float(weight.sum())
