"""Confusion of each source by EM on the votes that were cast; abstains are ignored.

The model is that of A. P. Dawid and A. M. Skene (1979): given that source j votes and the true class is c, it says l
with probability theta_j[c, l]. MAP estimates under a Dirichlet prior. Two ways to count a source's votes:
`full_em` against the posterior of all sources, `leave_one_out_em` against the posterior of the other sources only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.cast import CastVotes

__all__ = ["Climb", "Confusion", "Prior", "climb", "full_em", "leave_one_out_em", "over_classes", "softmax"]

_Floats = NDArray[np.float64]
Learned = TypeVar("Learned")
_BLOCK = 4_000_000  # floats per temporary array; fixed, so that sums have one order


@dataclass(frozen=True, slots=True)
class Prior:
    """Pseudo-counts of every source's confusion: on the diagonal in addition to the rest, and everywhere."""

    diagonal: float
    rest: float


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """What EM learned: `log` [c, k] is log theta of each cell under each true class; `balance` [k]; how it ended."""

    log: _Floats
    balance: _Floats
    iterations: int
    converged: bool


@dataclass(frozen=True, slots=True, eq=False)
class Climb(Generic[Learned]):
    """Where EM ended: what the last M-step learned, the class balance, and how."""

    learned: Learned
    balance: _Floats
    iterations: int
    converged: bool


def full_em(
    votes: CastVotes,
    balance: _Floats,
    prior: Prior,
    *,
    gold: _Floats | None = None,
    prevalence: bool = False,
    iterations: int = 50,
    tolerance: float = 1e-3,
) -> Confusion:
    """Fit by EM; the options are those of `climb`."""
    ended = climb(
        votes,
        balance,
        lambda counts, _: _log_confusion(votes.says.T @ counts, votes, prior),
        lambda log: votes.says @ log,
        gold=gold,
        prevalence=prevalence,
        iterations=iterations,
        tolerance=tolerance,
    )
    return Confusion(ended.learned, ended.balance, ended.iterations, ended.converged)


def climb(
    votes: CastVotes,
    balance: _Floats,
    m_step: Callable[[_Floats, Learned | None], Learned],
    evidence: Callable[[Learned], _Floats],
    *,
    gold: _Floats | None = None,
    prevalence: bool = False,
    iterations: int = 50,
    tolerance: float = 1e-3,
) -> Climb[Learned]:
    """Run EM for any model of votes, from majority shares until no posterior moves by more than `tolerance`.

    `m_step` gets how many rows of each pattern are of each class, [p, k], gold rows clamped, and what it returned last;
    `evidence` turns what it returns into log-likelihoods [p, k]. With `prevalence` the class balance is learned too,
    one pseudo-row a class (Dawid and Skene, 1979, eq. 2.4).
    """
    free, known = _split(votes, gold)
    covered = votes.tally.any(axis=1)
    posterior: _Floats = votes.tally / np.maximum(votes.tally.sum(axis=1, keepdims=True), 1)
    learned: Learned | None = None
    for done in range(1, iterations + 1):
        counts = posterior * free
        if gold is not None:
            counts += known
        learned = m_step(counts, learned)
        if prevalence:
            balance = counts[covered].sum(axis=0) + 1.0
            balance /= balance.sum()
        logits = evidence(learned)
        logits += np.log(balance)
        before, posterior = posterior, softmax(logits)
        before -= posterior
        moved = over_classes(np.maximum, np.abs(before, out=before))
        if moved[covered].max(initial=0.0) <= tolerance:
            return Climb(learned, balance, done, converged=True)
    assert learned is not None
    return Climb(learned, balance, iterations, converged=False)


def leave_one_out_em(
    votes: CastVotes, balance: _Floats, prior: Prior, *, gold: _Floats | None = None, iterations: int = 3
) -> Confusion:
    """Fit by EM where a vote is counted against what the other votes of its row say; no other votes, no count."""
    free, known = _split(votes, gold)
    fixed = votes.says.T @ known
    blocks = [_Block.cut(votes, run, free) for run in _runs(votes)]
    log: _Floats | None = None
    for _ in range(iterations):
        counts = fixed.copy()
        for block in blocks:
            counts += block.collect @ (block.shares(votes) if log is None else block.posterior(log, np.log(balance)))
        log = _log_confusion(counts, votes, prior)
    assert log is not None
    return Confusion(log, balance, iterations, converged=True)


def softmax(logits: _Floats) -> _Floats:
    """Return probabilities [n, k] from logits [n, k]."""
    proba = np.exp(logits - over_classes(np.maximum, logits)[:, None])
    proba /= over_classes(np.add, proba)[:, None]
    return proba


def over_classes(ufunc: np.ufunc, values: _Floats) -> _Floats:
    """Reduce values [n, k] to [n]; numpy is slow along a short axis, so few classes go column by column."""
    if values.shape[1] > 16:
        whole: _Floats = ufunc.reduce(values, axis=1)
        return whole
    total = values[:, 0].copy()
    for c in range(1, values.shape[1]):
        ufunc(total, values[:, c], out=total)
    return total


def _split(votes: CastVotes, gold: _Floats | None) -> tuple[_Floats, _Floats]:
    """Return the rows whose label is not known, [p, 1], and the counts of those known, [p, k]."""
    known = np.zeros(votes.tally.shape) if gold is None else gold
    return (votes.rows - known.sum(axis=1))[:, None], known


def _log_confusion(counts: _Floats, votes: CastVotes, prior: Prior) -> _Floats:
    k = votes.k
    cells = np.arange(len(votes.label))
    starts = np.flatnonzero(np.diff(votes.source, prepend=-1))
    of_source = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(cells))))
    support = np.add.reduceat(counts, starts, axis=0) if len(cells) else counts
    said = counts + prior.rest
    said[cells, votes.label] += prior.diagonal
    log: _Floats = np.log(said) - np.log(support + prior.diagonal + k * prior.rest)[of_source]
    return log


def _runs(votes: CastVotes) -> Iterator[slice]:
    """Cut the patterns into runs whose votes times classes fit one temporary array."""
    ends = votes.says.indptr
    step = max(1, _BLOCK // max(1, votes.k))
    start = 0
    while start < len(ends) - 1:
        stop = max(start + 1, int(np.searchsorted(ends, ends[start] + step, side="right")) - 1)
        yield slice(start, stop)
        start = stop


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """The votes [e] of a run of patterns that have another vote on their row.

    `says` is the run of `CastVotes.says`; `row` counts within the run; `collect` [c, e] sums votes by cell, each
    weighted by the rows whose label is not known.
    """

    run: slice
    says: Any
    row: NDArray[np.int64]
    cell: NDArray[np.int64]
    collect: Any

    @classmethod
    def cut(cls, votes: CastVotes, run: slice, free: _Floats) -> _Block:
        from scipy.sparse import csc_matrix

        says = votes.says[run]
        given = np.diff(says.indptr)
        row = np.repeat(np.arange(len(given)), given)
        checked = given[row] >= 2
        row, cell = row[checked], says.indices[checked]
        weight = free[run, 0].take(row)
        collect = csc_matrix((weight, cell, np.arange(len(cell) + 1)), shape=(len(votes.label), len(cell)))
        return cls(run, says, row, cell, collect.tocsr())

    def shares(self, votes: CastVotes) -> _Floats:
        """Return the shares of the other votes, [e, k]: what stands in before anything is learned."""
        others = votes.tally[self.run].take(self.row, axis=0).astype(np.float64)
        others[np.arange(len(self.row)), votes.label[self.cell]] -= 1
        shares: _Floats = others / over_classes(np.add, others)[:, None]
        return shares

    def posterior(self, log: _Floats, log_balance: _Floats) -> _Floats:
        """Return the posterior of the other votes, [e, k]."""
        logits = (self.says @ log + log_balance).take(self.row, axis=0)
        logits -= log.take(self.cell, axis=0)
        return softmax(logits)
