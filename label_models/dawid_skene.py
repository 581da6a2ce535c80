"""Confusion of each source by EM on the votes that were cast; abstains are ignored.

The model is that of A. P. Dawid and A. M. Skene (1979): given that source j votes and the true class is c, it says l
with probability theta_j[c, l]. MAP estimates under a Dirichlet prior. Two ways to count a source's votes:
`full_em` against the posterior of all sources, `leave_one_out_em` against the posterior of the other sources only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.cast import CastVotes
from weaksup.label_models.softmax import over_classes, row_blocks, softmax

__all__ = ["Climb", "Confusion", "Prior", "climb", "full_em", "leave_one_out_em"]

_Floats = NDArray[np.float64]
Learned = TypeVar("Learned")


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
        lambda counts, _: _log_confusion(votes.collect(counts), votes, prior),
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

    `m_step` gets how many rows of each pattern are of each class, [p, k], gold rows clamped and rows without a vote
    left out, and what it returned last; `evidence` turns what it returns into log-likelihoods [p, k], an array of its
    own. With `prevalence` the class balance is learned too, one pseudo-row a class (Dawid and Skene, 1979, eq. 2.4).
    """
    free, covered = _free_rows(votes, gold)[:, None], votes.given > 0
    known = None if gold is None else gold * covered[:, None]
    posterior: _Floats = votes.tally / np.maximum(votes.given, 1)[:, None]
    learned: Learned | None = None
    counts = np.empty_like(posterior)
    for done in range(1, iterations + 1):
        np.multiply(posterior, free, out=counts)
        if known is not None:
            counts += known
        learned = m_step(counts, learned)
        if prevalence:
            balance = counts.sum(axis=0) + 1.0
            balance /= balance.sum()
        before, posterior = posterior, evidence(learned)
        moved = _update(posterior, np.log(balance), before)
        if moved[covered].max(initial=0.0) <= tolerance:
            return Climb(learned, balance, done, converged=True)
    assert learned is not None
    return Climb(learned, balance, iterations, converged=False)


def leave_one_out_em(
    votes: CastVotes, balance: _Floats, prior: Prior, *, gold: _Floats | None = None, iterations: int = 3
) -> Confusion:
    """Fit by EM where a vote is counted against what the other votes of its row say; no other votes, no count."""
    weight = np.where(votes.given >= 2, _free_rows(votes, gold), 0.0).take(votes.row)
    counts = _collect_shares(votes, weight)
    for done in range(1, iterations + 1):
        log = _log_confusion(counts if gold is None else counts + votes.collect(gold), votes, prior)
        if done < iterations:
            counts = _collect_posteriors(votes, weight, log, np.log(balance))
    return Confusion(log, balance, iterations, converged=True)


def _free_rows(votes: CastVotes, gold: _Floats | None) -> _Floats:
    """Return how many rows of each pattern have a vote and no known label, [p]."""
    free = votes.rows if gold is None else votes.rows - gold.sum(axis=1)
    return np.where(votes.given > 0, free, 0.0)


def _update(logits: _Floats, log_balance: _Floats, before: _Floats) -> _Floats:
    """Turn logits [p, k] into posteriors, in place, and return by how much those of each row moved, [p]."""
    moved = np.empty(len(logits))
    for run in row_blocks(*logits.shape):
        logits[run] = softmax(logits[run] + log_balance)
        moved[run] = over_classes(np.maximum, np.abs(logits[run] - before[run]))
    return moved


def _log_confusion(counts: _Floats, votes: CastVotes, prior: Prior) -> _Floats:
    starts, speaker = votes.speakers
    support = np.add.reduceat(counts, starts, axis=0) if len(starts) else counts
    said = counts + prior.rest
    said[np.arange(len(said)), votes.label] += prior.diagonal
    log: _Floats = np.log(said) - np.log(support + prior.diagonal + votes.k * prior.rest)[speaker]
    return log


def _collect_shares(votes: CastVotes, weight: _Floats) -> _Floats:
    """Count each vote by the shares of the other votes of its row, [c, k], before anything is learned."""
    weight = weight / np.maximum(votes.given.take(votes.row) - 1, 1)
    counts = votes.collect(votes.tally.astype(np.float64), weight)
    own = np.bincount(votes.cell, weight, minlength=len(votes.label))
    counts[np.arange(len(counts)), votes.label] -= own
    return counts


def _collect_posteriors(votes: CastVotes, weight: _Floats, log: _Floats, log_balance: _Floats) -> _Floats:
    """Count each vote by the posterior of the other votes of its row, [c, k].

    The posterior is that of the row without the vote, e(row) / theta(cell) over its sum, so a sum over votes needs only
    the sum of each, [e], and no exponential of its own.
    """
    logits = votes.says @ log
    row = np.exp(logits - over_classes(np.maximum, logits)[:, None])
    without = np.exp(log_balance - log)
    sums = np.empty(len(votes.row))
    for run in row_blocks(len(sums), votes.k):
        sums[run] = over_classes(np.add, row.take(votes.row[run], axis=0) * without.take(votes.cell[run], axis=0))
    return without * votes.collect(row, weight / sums)
