"""Triplets: accuracies in closed form, from how often three sources agree in pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.base import Floats1d, Floats2d
from weaksup.label_models.cast import CastVotes, cast_votes
from weaksup.label_models.class_balance import settle_balance
from weaksup.label_models.heeding import HeedingModel
from weaksup.label_models.one_coin import toss
from weaksup.label_models.softmax import softmax
from weaksup.label_models.tallies import agreement, by_source, one_coin_worth, weigh
from weaksup.patterns import Patterns

__all__ = ["Triplet"]

_PRIOR_VOTES = 10.0
_MOST_SKILL = 0.99  # of a source; a vote never settles a row alone
_DENSE = 0.02  # share of cells from which on a dense product is faster
_BLOCK = 1 << 22


class Triplet(HeedingModel):
    """Read accuracies off pairwise agreement, without EM (D. Fu, M. Chen, F. Sala, S. Hooper et al., 2020).

    A source of accuracy a_j whose errors are spread evenly has skill b_j = (k a_j - 1) / (k - 1). Two independent ones
    agree, where both vote, with probability P_ij, and M_ij = (k P_ij - 1) / (k - 1) = b_i b_j. So any three give
    b_i^2 = M_ij M_ih / M_jh (their eq. 3 for two classes, FlyingSquid; here for k). All triplets of a source are used
    at once, by least squares: b_i^2 = sum w M_ij M_ih M_jh / sum w M_jh^2, w the product of the three pairs' rows,
    which never divides by a moment that happens to be near 0. b_i has the sign of its agreement with the others.

    What can go wrong has one answer, the pooled accuracy of all votes (`one_coin.toss`): a source in no triplet (fewer
    than 3 sources, no overlap), or whose sum is not above 0. Pairs that could not disagree, or could not agree, because
    the two use one label only, or none in common, say nothing and are left out. 10 pseudo-votes of the pooled accuracy
    are added and skills kept within .99, so every weight is finite. Gold rows are counted beside it: each is a vote
    judged. The class balance is the given one, else `class_balance`'s estimate. Confidences are heeded
    (`HeedingModel`); the seed changes nothing. Cost: O(pairs of votes on a row), and sources^3 once.

    accuracies_   float64 [m], in (0, 1)
    solved_       bool [m], False where the pooled accuracy stands in
    """

    name = "triplet"
    options: ClassVar[tuple[str, ...]] = ("cardinality", "seed")

    accuracies_: Floats1d
    solved_: NDArray[np.bool_]

    def _learn(self, patterns: Patterns, *, balance: Floats1d | None, gold: Floats2d | None) -> None:
        votes, k = cast_votes(patterns, self.k_), self.k_
        self.class_balance_ = settle_balance(balance, votes, gold)
        pooled = toss(votes, gold).accuracy
        skills, self.solved_ = _solve(_count_pairs(votes, self.m_), k)
        found = np.where(self.solved_, (1 + (k - 1) * skills) / k, pooled)
        rows = _overlaps(votes, self.m_)
        right, judged = _judge(votes, gold, self.m_)
        # Gold measures; agreement only infers, so it steps back by as many votes as were judged.
        rows = np.maximum(rows - judged, 0.0)
        learned = (rows * found + _PRIOR_VOTES * pooled + right) / (rows + _PRIOR_VOTES + judged)
        worst, best = ((1 + (k - 1) * skill) / k for skill in (-_MOST_SKILL / (k - 1), _MOST_SKILL))
        self.accuracies_ = np.clip(learned, worst, best)

    def _infer(self, patterns: Patterns) -> Floats2d:
        votes = cast_votes(patterns, self.k_)
        worth = one_coin_worth(self.accuracies_, self.k_)[votes.source]
        return softmax(weigh(votes, worth) + np.log(self.class_balance_))


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """On how many rows two sources both vote, and agree, [m, m]; 0 for a source and itself, and for pairs left out."""

    both: Floats2d
    agree: Floats2d


def _count_pairs(votes: CastVotes, m: int) -> _Pairs:
    """Count by matrix products; all sums are of whole numbers, so they are exact in any order."""
    uses = np.zeros((m, votes.k), np.bool_)
    uses[votes.source, votes.label] = True
    agree = np.zeros((m, m))
    for c in np.unique(votes.label).tolist():
        cells = np.flatnonzero(votes.label == c)
        agree[np.ix_(votes.source[cells], votes.source[cells])] += _gram(votes.says[:, cells], votes.rows)
    both = _gram(_spoke(votes, m), votes.rows)
    shared = uses.astype(np.float64) @ uses.T.astype(np.float64)
    used = uses.sum(axis=1)
    in_all = used[:, None] + used - shared
    telling = (shared >= 1) & (in_all >= 2) & ~np.eye(m, dtype=np.bool_)
    return _Pairs(both * telling, agree * telling)


def _spoke(votes: CastVotes, m: int) -> Any:
    """Return the sparse matrix [p, m] of who voted on which pattern."""
    from scipy.sparse import csr_matrix

    source = votes.source[votes.says.indices]
    return csr_matrix((votes.says.data, source, votes.says.indptr), shape=(len(votes.rows), m))


def _gram(columns: Any, weight: Floats1d) -> Floats2d:
    """Return columns^T diag(weight) columns for a sparse matrix of ones."""
    p, size = columns.shape
    if columns.nnz < _DENSE * p * size:
        sparse: Floats2d = (columns.T @ columns.multiply(weight[:, None]).tocsr()).toarray()
        return sparse
    total = np.zeros((size, size))
    step = max(1, _BLOCK // max(1, size))
    for start in range(0, p, step):
        block = columns[start : start + step].toarray()
        total += block.T @ (block * weight[start : start + step, None])
    return total


def _solve(pairs: _Pairs, k: int) -> tuple[Floats1d, NDArray[np.bool_]]:
    """Return the skill of each source, [m], and whether its triplets gave one."""
    weight = pairs.both / max(1.0, float(pairs.both.max(initial=0.0)))
    moment = (k * pairs.agree / np.maximum(pairs.both, 1.0) - 1) / (k - 1)
    weighed = weight * moment
    # einsum, not @: its sums have one order, whatever the number of threads.
    top = (np.einsum("ij,jh->ih", weighed, weighed) * weighed).sum(axis=1)
    bottom = (np.einsum("ij,jh->ih", weight, weighed * moment) * weight).sum(axis=1)
    solved = (top > 0) & (bottom > 0)
    skills = np.sqrt(np.minimum(np.where(solved, top, 0.0) / np.where(solved, bottom, 1.0), 1.0))
    towards = (weighed * skills).sum(axis=1)  # agreement with the others, the able ones first
    return np.where(towards < 0, -skills, skills), solved


def _overlaps(votes: CastVotes, m: int) -> Floats1d:
    """Return on how many rows each source meets another one, [m]."""
    checked = np.where(votes.tally.sum(axis=1) >= 2, votes.rows, 0.0)
    meets: Floats1d = _spoke(votes, m).T @ checked
    return meets


def _judge(votes: CastVotes, gold: Floats2d | None, m: int) -> tuple[Floats1d, Floats1d]:
    """Return how many votes of each source gold rows find right, and how many they judge, [m] each."""
    if gold is None:
        return np.zeros(m), np.zeros(m)
    return by_source(votes, agreement(votes, gold), m), by_source(votes, votes.says.T @ gold.sum(axis=1), m)
