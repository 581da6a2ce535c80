"""Weighted majority vote: a source counts for as much as it agrees with the majority."""

from __future__ import annotations

import numpy as np

from weaksup.label_models.base import BaseLabelModel, Floats1d, Floats2d
from weaksup.label_models.cast import cast_votes
from weaksup.label_models.tallies import agreement, by_source, weigh
from weaksup.patterns import Patterns

__all__ = ["WeightedVote"]


class WeightedVote(BaseLabelModel):
    """Worker agreement with aggregate (Wawa; Appen, formerly Figure Eight), one round.

    A source's weight is the share of its votes that equal the majority vote, and a class gets its share of a row's
    weights. Three things differ from Wawa: on a tie each tied class counts in part, so no order of classes matters; a
    vote that is alone on its row always agrees with itself and is not counted; and every source has one vote more, of
    average agreement, so weights are above 0 and a source with two votes is not trusted blindly. Gold rows count in
    place of the majority. The class balance only fills rows without a vote.

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
        right = by_source(votes, agreement(votes, counts), self.m_)
        seen = by_source(votes, votes.says.T @ counts.sum(axis=1), self.m_)
        average = (right.sum() + 1) / (seen.sum() + 1)
        self.weights_ = (right + average) / (seen + 1)

    def _infer(self, patterns: Patterns) -> Floats2d:
        votes = cast_votes(patterns, self.k_)
        weights = weigh(votes, self.weights_[votes.source])
        shares: Floats2d = weights / np.where(votes.tally.any(axis=1), weights.sum(axis=1), 1.0)[:, None]
        return shares
