"""Majority vote: the baseline that stands beside every model."""

from __future__ import annotations

import numpy as np

from weaksup.label_models.base import BaseLabelModel, Floats1d, Floats2d
from weaksup.patterns import Patterns

__all__ = ["MajorityVote", "tally"]


class MajorityVote(BaseLabelModel):
    """Give each class its share of a row's votes, so ties share the mass; there is nothing to learn.

        P(c | votes) = (votes for c) / (votes)

    The class balance only fills rows without a vote. Gold, confidences and the seed change nothing. Cost: O(votes), and
    the answer, rows x classes.
    """

    name = "majority"

    def _learn(self, patterns: Patterns, *, balance: Floats1d | None, gold: Floats2d | None) -> None:
        pass

    def _infer(self, patterns: Patterns) -> Floats2d:
        votes = tally(patterns, self.k_)
        shares: Floats2d = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1.0)
        return shares


def tally(patterns: Patterns, k: int) -> Floats2d:
    """Count the votes for each class, [p, k]."""
    row, source = np.nonzero(patterns.values >= 0)
    cells = row * k + patterns.values[row, source]
    counts: Floats2d = np.bincount(cells, minlength=len(patterns) * k).reshape(-1, k).astype(np.float64)
    return counts
