"""Weighted majority vote: a source counts for as much as it agrees with the majority."""

from __future__ import annotations

import numpy as np

from weaksup.label_models.base import Floats1d, Floats2d
from weaksup.label_models.cast import CastVotes, cast_votes
from weaksup.label_models.heeding import HeedingModel
from weaksup.label_models.tallies import agreement, by_source, weigh
from weaksup.patterns import Patterns

__all__ = ["WeightedVote"]

_PIN = 20.0  # rows that all unlabeled ones count for beside gold, as in `default`


class WeightedVote(HeedingModel):
    """Worker agreement with aggregate (Wawa; Appen, formerly Figure Eight), one round.

        P(c | votes) = (weights of the votes for c) / (weights of all votes)

    A source's weight is the share of its votes that equal the majority vote. Three things differ from Wawa: on a tie
    each tied class counts in part, so no order of classes matters; a vote that is alone on its row always agrees with
    itself and is not counted; and every source has one vote more, of average agreement, so weights are above 0 and a
    source with two votes is not trusted blindly. Gold rows count in place of the majority, and where gold judges a
    source, its other rows count for 20 judged ones at most: sources that agree on a lie are their own majority.

    The class balance only fills rows without a vote; the seed changes nothing. Confidences are heeded (`HeedingModel`),
    except where all votes of a row agree: its share is 1. Cost: O(votes), and the answer, rows x classes.

    weights_   float64 [m], in (0, 1]
    """

    name = "weighted"

    weights_: Floats1d

    def _learn(self, patterns: Patterns, *, balance: Floats1d | None, gold: Floats2d | None) -> None:  # noqa: ARG002
        votes = cast_votes(patterns, self.k_)
        known = np.zeros(votes.tally.shape) if gold is None else gold
        checked = votes.tally.sum(axis=1) >= 2
        winners = votes.tally == votes.tally.max(axis=1, keepdims=True)
        free = np.where(checked, votes.rows - known.sum(axis=1), 0.0)
        counts = winners * (free / winners.sum(axis=1))[:, None] + known
        right, seen = _count(votes, counts, self.m_)
        sure, judged = _count(votes, known, self.m_)
        # What the majority says of a source steps back where gold says it.
        part = np.where(judged > 0, np.minimum(_PIN / np.maximum(seen - judged, 1.0), 1.0), 1.0)
        right, seen = sure + part * (right - sure), judged + part * (seen - judged)
        average = (right.sum() + 1) / (seen.sum() + 1)
        self.weights_ = (right + average) / (seen + 1)

    def _infer(self, patterns: Patterns) -> Floats2d:
        votes = cast_votes(patterns, self.k_)
        weights = weigh(votes, self.weights_[votes.source])
        shares: Floats2d = weights / np.where(votes.tally.any(axis=1), weights.sum(axis=1), 1.0)[:, None]
        return shares


def _count(votes: CastVotes, counts: Floats2d, m: int) -> tuple[Floats1d, Floats1d]:
    """Return how many votes of each source are right and how many are judged, [m], by the truth `counts` [p, k]."""
    return by_source(votes, agreement(votes, counts), m), by_source(votes, votes.says.T @ counts.sum(axis=1), m)
