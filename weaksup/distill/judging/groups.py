"""How a student fares on parts of the rows, and how closely it follows the labels it learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.labels import SoftLabels
from weaksup.metrics import Interval, wilson

__all__ = ["Fidelity", "GroupScore", "measure_fidelity", "score_groups"]


@dataclass(frozen=True, slots=True)
class GroupScore:
    """The rows of a group that have gold: how many, and how many of them are labeled right.

    `interval` is that of the accuracy (Wilson's, 95 %), `confidence` the mean of the largest probabilities.
    """

    name: str
    rows: int
    correct: int
    interval: Interval
    confidence: float

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {**asdict(self), "interval": list(self.interval), "accuracy": self.correct / self.rows}


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How often a student says the same as the labels, on `rows` covered rows that it did not learn from.

    `interval` is Wilson's. `distance` is the mean total variation, half the sum of |p - q|: 0 equal, 1 at most.
    """

    rows: int
    same: int
    interval: Interval
    distance: float

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {**asdict(self), "interval": list(self.interval), "agreement": self.same / self.rows}


def score_groups(gold: ArrayLike, proba: ArrayLike, groups: Mapping[str, NDArray[Any]]) -> tuple[GroupScore, ...]:
    """Score probabilities [n, k] on groups of rows (positions, or a mask [n]); those without gold are left out."""
    truth, p = np.asarray(gold), np.asarray(proba)
    guess, sure = p.argmax(axis=1), p.max(axis=1)
    found = []
    for name, rows in groups.items():
        mask = np.zeros(len(truth), np.bool_)
        mask[rows] = True
        mask &= truth >= 0
        n, correct = int(mask.sum()), int((guess == truth)[mask].sum())
        if n:
            found.append(GroupScore(name, n, correct, wilson(correct, n), float(sure[mask].mean())))
    return tuple(found)


def measure_fidelity(proba: ArrayLike, soft: SoftLabels) -> Fidelity | None:
    """Compare probabilities [n, k] with soft labels of the same rows; None where no row is covered.

    A row whose most probable labels are tied counts as the same where the student says one of them.
    """
    p, covered = np.asarray(proba)[soft.covered], soft.proba[soft.covered]
    if not len(p):
        return None
    said = covered[np.arange(len(p)), p.argmax(axis=1)]
    same = int((said >= covered.max(axis=1) - 1e-9).sum())
    return Fidelity(len(p), same, wilson(same, len(p)), float(np.abs(p - covered).sum(axis=1).mean() / 2))
