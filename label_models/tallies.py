"""Sums that a vote enters for its own label only: cost O(votes), not O(votes x classes)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.cast import CastVotes

__all__ = ["agreement", "by_source", "one_coin_worth", "vote_rows", "weigh"]

_Floats = NDArray[np.float64]


def vote_rows(votes: CastVotes) -> NDArray[np.int64]:
    """Return the pattern of each vote, [e]; its cell is `votes.says.indices` [e]."""
    return np.repeat(np.arange(len(votes.rows)), np.diff(votes.says.indptr))


def weigh(votes: CastVotes, worth: _Floats) -> _Floats:
    """Add up what the votes for each class are worth, [p, k]; `worth` is by cell, [c]."""
    cell = votes.says.indices
    place = vote_rows(votes) * votes.k + votes.label[cell]
    return np.bincount(place, worth[cell], minlength=votes.tally.size).reshape(votes.tally.shape).astype(np.float64)


def agreement(votes: CastVotes, counts: _Floats) -> _Floats:
    """Return on how many rows each cell is right, [c]; `counts` [p, k] is how many rows are of each class."""
    cell = votes.says.indices
    right = counts[vote_rows(votes), votes.label[cell]]
    return np.bincount(cell, right, minlength=len(votes.label)).astype(np.float64)


def by_source(votes: CastVotes, values: _Floats, m: int) -> _Floats:
    """Add up values of cells [c] by source, [m]."""
    return np.bincount(votes.source, values, minlength=m).astype(np.float64)


def one_coin_worth(accuracy: _Floats, k: int) -> _Floats:
    """Return by how much a vote raises its own class above each other one, in nats; errors are spread evenly."""
    worth: _Floats = np.log(accuracy * (k - 1) / (1 - accuracy))
    return worth
