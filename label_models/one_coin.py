"""One accuracy for all sources, read off how often they agree: how much a vote is worth before any source is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.cast import CastVotes
from weaksup.label_models.softmax import over_classes

__all__ = ["OneCoin", "prior_accuracy", "row_evidence", "toss"]

_PRIOR_VOTES = 3.0  # strength of the prior on the accuracy
_PRIOR_ODDS = 3.0  # before any evidence, a vote makes its class three times as likely as each other class


@dataclass(frozen=True, slots=True)
class OneCoin:
    """The accuracy of a vote: mean and strength of a Beta distribution.

    `witnesses` is how many sources could be checked against another one; below 3 there is little to learn from.
    """

    accuracy: float
    strength: float
    witnesses: int


def toss(votes: CastVotes, gold: NDArray[np.float64] | None = None) -> OneCoin:
    """Estimate the accuracy a of a vote from the agreement of pairs of votes on one row.

    Two independent sources of accuracy a, with errors spread evenly, agree with probability
    a^2 + (1 - a)^2 / (k - 1); the estimate solves this for a. Sources, not rows, are the sample here (their errors
    are shared between rows), so a prior of mean 3 / (k + 2) and strength 3 is outweighed by one count for each source
    that has a label in common with another source, and never by more than there are rows with two votes. Each gold row
    (`gold` [p, k] counts them) with a vote then counts as much as one source, with the share of its votes that are
    right.
    """
    k, given = votes.k, votes.given
    pairs = float((votes.rows * (given * (given - 1))).sum())
    agreeing = float((votes.rows * over_classes(np.add, votes.tally * (votes.tally - 1))).sum())
    overlapping = float(votes.rows[given >= 2].sum())
    witnesses = _count_witnesses(votes) if pairs else 0
    evidence = min(float(witnesses), overlapping)
    seen = _solve(agreeing / pairs, k) if pairs else 0.0
    prior = prior_accuracy(k)
    strength = evidence + _PRIOR_VOTES
    accuracy = (evidence * seen + _PRIOR_VOTES * prior) / strength
    if gold is not None:
        judged = np.where(given > 0, gold.sum(axis=1), 0.0)
        right = ((gold * votes.tally).sum(axis=1) / np.maximum(given, 1)).sum()
        # Below chance votes would speak against themselves: that is for each source's confusion to say.
        accuracy = max((strength * accuracy + right) / (strength + judged.sum()), (1 + 0.01) / (k + 0.01))
    return OneCoin(accuracy, strength, witnesses)


def prior_accuracy(k: int) -> float:
    """Return the accuracy that a vote is taken for before anything is seen, 3 / (k + 2)."""
    return _PRIOR_ODDS / (_PRIOR_ODDS + k - 1)


def row_evidence(tally: NDArray[np.int64], coin: OneCoin) -> NDArray[np.float64]:
    """Return the log-likelihood of each row's votes under each class, [p, k], up to a constant a row.

    Every row draws its own accuracy from Beta(a s, (1 - a) s), so its votes share a cause and each further one says
    less: n of t votes right have probability B(a s + n, (1 - a) s + t - n) / B(a s, (1 - a) s) / (k - 1)^(t - n).
    """
    k = tally.shape[1]
    given = over_classes(np.add, tally)[:, None]
    steps = np.arange(int(given.max(initial=0)))
    right = np.concatenate([[0.0], np.cumsum(np.log((k - 1) * (coin.accuracy * coin.strength + steps)))])
    wrong = np.concatenate([[0.0], np.cumsum(np.log((1 - coin.accuracy) * coin.strength + steps))])
    evidence: NDArray[np.float64] = right.take(tally)
    evidence += wrong.take(given - tally)
    return evidence


def _solve(agreement: float, k: int) -> float:
    """Solve a^2 + (1 - a)^2 / (k - 1) = agreement for the root at or above 1 / k."""
    spread = max((k * agreement - 1) * (k - 1), 0.0)
    return float((1 + np.sqrt(spread)) / k)


def _count_witnesses(votes: CastVotes) -> int:
    sources_per_label = np.bincount(votes.label, minlength=votes.k)
    return len(np.unique(votes.source[sources_per_label[votes.label] >= 2]))
