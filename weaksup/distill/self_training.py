"""Learn from rows that nobody labeled: a student's own labels, where it is sure of them (H. J. Scudder, 1965)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.distill.linear.softmax import Floats
from weaksup.distill.student import Student
from weaksup.errors import UsageError
from weaksup.labels import SoftLabels

__all__ = ["GATE", "label_rest"]

GATE = 0.9  # how sure the student must be of a row
LEAST = 10  # rows that it must be sure of in a class, to teach that class


def label_rest(
    student: Student,
    texts: Sequence[str],
    soft: SoftLabels,
    *,
    weight: float,
    weights: ArrayLike | None = None,
    gold: ArrayLike | None = None,
    gate: float = GATE,
) -> tuple[SoftLabels, Floats]:
    """Give rows that have neither votes nor gold the student's label, certain, where it is at least `gate` sure.

    Returns labels and weights [n]: such a row weighs `weight` times its own, others as before. Not soft: a student
    that learns its own probabilities learns nothing. Raises UsageError for a weight not above 0, at most 1.
    """
    if not 0 < weight <= 1:
        raise UsageError(f"student: expected a weight of self-training above 0, at most 1, got {weight:g}")
    given = np.ones(len(soft)) if weights is None else np.asarray(weights, np.float64)
    rows = np.flatnonzero(_unlabeled(soft, gold))
    said = student.predict_proba([texts[i] for i in rows.tolist()])
    best = said.argmax(axis=1) if len(rows) else np.empty(0, np.int64)
    sure = said.max(axis=1, initial=0.0) >= gate
    sure &= np.bincount(best[sure], minlength=said.shape[1])[best] >= LEAST
    proba, covered, weighed = soft.proba.copy(), soft.covered.copy(), given.copy()
    chosen = rows[sure]
    proba[chosen] = np.eye(said.shape[1])[best[sure]]
    covered[chosen] = True
    weighed[chosen] *= weight
    return replace(soft, proba=proba, covered=covered), weighed


def _unlabeled(soft: SoftLabels, gold: ArrayLike | None) -> NDArray[np.bool_]:
    without: NDArray[np.bool_] = ~soft.covered
    return without if gold is None else without & (np.asarray(gold) < 0)
