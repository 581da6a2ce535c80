"""Sums that a vote enters for its own label only: cost O(votes), not O(votes x classes)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.cast import CastVotes

__all__ = ["agreement", "by_source", "one_coin_worth", "weigh"]

_Floats = NDArray[np.float64]


def weigh(votes: CastVotes, worth: _Floats) -> _Floats:
    """Add up what the votes for each class are worth, [p, k]; `worth` is by cell, [c]."""
    place = votes.row * votes.k + votes.label.take(votes.cell)
    return (
        np.bincount(place, worth.take(votes.cell), minlength=votes.tally.size)
        .reshape(votes.tally.shape)
        .astype(np.float64)
    )


def agreement(votes: CastVotes, counts: _Floats) -> _Floats:
    """Return on how many rows each cell is right, [c]; `counts` [p, k] is how many rows are of each class."""
    right = counts[votes.row, votes.label[votes.cell]]
    return np.bincount(votes.cell, right, minlength=len(votes.label)).astype(np.float64)


def by_source(votes: CastVotes, values: _Floats, m: int) -> _Floats:
    """Add up values of cells [c] by source, [m]."""
    return np.bincount(votes.source, values, minlength=m).astype(np.float64)


def one_coin_worth(accuracy: _Floats, k: int) -> _Floats:
    """Return by how much a vote raises its own class above each other one, in nats; errors are spread evenly."""
    worth: _Floats = np.log(accuracy * (k - 1) / (1 - accuracy))
    return worth
