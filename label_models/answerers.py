"""Tiers and people: sources that are asked where the labeling functions are in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from weaksup.labels import ABSTAIN
from weaksup.patterns import Patterns

__all__ = ["answer_accuracies", "answer_evidence", "answering", "without_answers"]

_ASSUMED = {"tier": 0.9, "person": 0.97}
_STRENGTH = 20.0  # of the assumption, in gold rows


def answering(kinds: Sequence[str] | None, patterns: Patterns) -> NDArray[np.int64]:
    """Return the columns of tiers and people, none when no other source votes: then they are ordinary sources."""
    if kinds is None:
        return np.empty(0, np.int64)
    asked = np.array([kind in _ASSUMED for kind in kinds], np.bool_)
    others_vote = bool((patterns.values[:, ~asked] != ABSTAIN).any())
    return np.flatnonzero(asked) if others_vote else np.empty(0, np.int64)


def without_answers(patterns: Patterns, columns: NDArray[np.int64]) -> Patterns:
    """Blank the answers out; rows may then be equal, which no sum minds."""
    if not len(columns):
        return patterns
    values = patterns.values.copy()
    values[:, columns] = ABSTAIN
    return replace(patterns, values=values)


def answer_accuracies(
    kinds: Sequence[str] | None, patterns: Patterns, columns: NDArray[np.int64], gold: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return the accuracy of each answering column: assumed by kind, corrected by gold rows where there are some.

    It is not read off agreement: the rows were chosen because the other sources fail there, so disagreeing with them
    says nothing against an answer.
    """
    assumed = np.array([_ASSUMED[kinds[j]] for j in columns.tolist()] if kinds else [], np.float64)
    if gold is None or not len(columns):
        return assumed
    answers = patterns.values[:, columns]
    right = np.take_along_axis(gold, np.maximum(answers, 0).astype(np.int64), axis=1)
    hits = np.where(answers >= 0, right, 0.0).sum(axis=0)
    judged = np.where(answers >= 0, gold.sum(axis=1, keepdims=True), 0.0).sum(axis=0)
    accuracies: NDArray[np.float64] = (assumed * _STRENGTH + hits) / (_STRENGTH + judged)
    return accuracies


def answer_evidence(
    patterns: Patterns, columns: NDArray[np.int64], accuracies: NDArray[np.float64], k: int
) -> NDArray[np.float64]:
    """Return the log-likelihood of the answers under each class, [p, k], up to a constant a row."""
    row, place = np.nonzero(patterns.values[:, columns] != ABSTAIN)
    said = patterns.values[row, columns[place]]
    # A wrong answer is any of the other classes alike.
    worth = np.log(accuracies * (k - 1) / (1 - accuracies))
    evidence = np.bincount(row * k + said, worth[place], minlength=len(patterns) * k)
    return evidence.reshape(len(patterns), k).astype(np.float64)
