"""Rows whose label looks wrong: students that did not learn from a row are sure of another label than it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.linear.out_of_fold import OutOfFold
from weaksup.distill.linear.softmax import Floats
from weaksup.distill.targets import certainty
from weaksup.errors import UsageError
from weaksup.labels import SoftLabels

__all__ = ["SURE", "Suspect", "deny", "find_suspects"]

SURE = 0.8  # of the labels that a student denies so surely, half are wrong; at .9 as many, but a third of the rows


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row whose label is in doubt: `label` is what it has, `says` what the student says, with `confidence`.

    `row` is its position. `kept` is the probability that the student leaves to the label.
    """

    row: int
    id: str
    label: str
    says: str
    confidence: float
    kept: float


def find_suspects(
    texts: Sequence[str], soft: SoftLabels, *, confidence: float = SURE, folds: int = 3, seed: int = 0
) -> tuple[Suspect, ...]:
    """List the covered rows whose label a student denies that learned from other texts alone; most sure first.

    The student must give another label at least `confidence` (confident learning; C. G. Northcutt et al., 2021, by
    one threshold for all). Rows whose labels are tied have no label to deny. Order of rows does not matter.
    """
    if len(texts) != len(soft):
        raise UsageError(f"suspects: expected a text for each of {len(soft)} labels, got {len(texts)}")
    if not 0 < confidence <= 1:
        raise UsageError(f"suspects: expected a confidence above 0, at most 1, got {confidence:g}")
    order = np.array(sorted(range(len(texts)), key=lambda i: (texts[i], soft.ids[i])), np.int64)
    said = np.empty_like(soft.proba)
    said[order] = _opinion([texts[i] for i in order.tolist()], soft.take(order), folds, seed)
    top, second = np.sort(soft.proba, axis=1)[:, [-1, -2]].T
    label, other = soft.proba.argmax(axis=1), said.argmax(axis=1)
    denied = soft.covered & (top > second) & deny(said, label, confidence=confidence)
    names = soft.labels.names
    found = [
        Suspect(i, soft.ids[i], names[label[i]], names[other[i]], float(said[i].max()), float(said[i, label[i]]))
        for i in np.flatnonzero(denied).tolist()
    ]
    return tuple(sorted(found, key=lambda one: (-one.confidence, one.id)))


def deny(said: Floats, label: NDArray[Any], *, confidence: float = SURE) -> NDArray[np.bool_]:
    """Mark the rows [n] where what a student says [n, k] is at least so sure of another class than `label` [n]."""
    denied: NDArray[np.bool_] = (said.argmax(axis=1) != label) & (said.max(axis=1, initial=0.0) >= confidence)
    return denied


def _opinion(texts: Sequence[str], soft: SoftLabels, folds: int, seed: int) -> Floats:
    weights = certainty(soft.proba) * soft.covered
    return OutOfFold(texts, classes=len(soft.labels), folds=folds, seed=seed)(soft.proba, weights)
