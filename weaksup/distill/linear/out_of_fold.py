"""What a student says of rows that it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.linear.features import choose_ngrams
from weaksup.distill.linear.softmax import Floats, Line, fit_softmax

__all__ = ["OutOfFold"]

_ROUGHLY = 1e-4  # tolerance of the solver: labels change every round anyway
_HEEDED = 0.3  # how far an earlier student's log-odds stand out beside n-grams, whose features have length 1
_LEAST = 0.01  # a probability below says no more than it


class OutOfFold:
    """Students of one corpus, each of which saw all texts but a fold; equal texts are in one fold.

    N-grams are counted once; calling it again with other labels starts from the students of the call before.

    `before` [n, k], if given, is what a student of another corpus says of the texts. Its log-odds are features beside
    the n-grams (H. Daume, 2007, calls this PRED), so few labels are needed to say how far it holds here. It is heeded
    as long as rows that are kept out are predicted better with it than without, by a standard error.
    """

    def __init__(
        self,
        texts: Sequence[str],
        *,
        classes: int,
        folds: int = 3,
        strength: float = 10.0,
        seed: int = 0,
        before: Floats | None = None,
    ):
        ngrams, counts = choose_ngrams(texts, classes=classes)
        features = ngrams.scale(counts)
        _, text = np.unique(np.array(texts, dtype=object), return_inverse=True)
        fold = np.random.default_rng(seed).integers(0, folds, len(texts))[text]
        ways = [features] if before is None else [features, _beside(features, before)]
        self._ways = [_Way(one, fold, folds, strength) for one in ways]
        self.classes = classes

    def __call__(self, proba: Floats, weights: Floats) -> Floats:
        """Learn from proba [n, k], rows weighted [n]; return probabilities [n, k], each of a student without that row.

        A row of weight 0 teaches nothing. With no rows to learn from, all classes are alike.
        """
        alone, *heeding = [way.learn(proba, weights) for way in self._ways]
        return heeding[0] if heeding and _is_better(heeding[0], alone, proba, weights) else alone


class _Way:
    """The students of the folds, over one kind of features."""

    def __init__(self, features: Any, fold: NDArray[np.int64], folds: int, strength: float):
        self._features, self._fold, self._strength = features, fold, strength
        self._lines: list[Line | None] = [None] * folds

    def learn(self, proba: Floats, weights: Floats) -> Floats:
        said = np.full(proba.shape, 1 / proba.shape[1])
        for fold, before in enumerate(self._lines):
            kept = np.flatnonzero((weights > 0) & (self._fold != fold))
            held = np.flatnonzero(self._fold == fold)
            if len(kept) and len(held):
                line = fit_softmax(
                    self._features[kept],
                    proba[kept],
                    weights[kept],
                    strength=self._strength,
                    start=before,
                    tolerance=_ROUGHLY,
                )
                said[held] = np.exp(line.log_proba(self._features[held]))
                self._lines[fold] = line
        return said


def _beside(features: Any, before: Floats) -> Any:
    """Put log-odds [n, k] beside features [n, v]."""
    from scipy import sparse

    logs = np.log(np.clip(before, _LEAST, 1.0))
    odds = _HEEDED * (logs - logs.mean(axis=1, keepdims=True))
    return sparse.csr_array(sparse.hstack([features, sparse.csr_array(odds.astype(features.dtype))]))


def _is_better(one: Floats, other: Floats, proba: Floats, weights: Floats) -> bool:
    """Say whether the cross-entropy of rows kept out is lower by a standard error (L. Breiman et al., 1984)."""
    taught = weights > 0
    ratio = np.log(np.maximum(one[taught], 1e-12)) - np.log(np.maximum(other[taught], 1e-12))
    won = weights[taught] * (proba[taught] * ratio).sum(axis=1)
    return bool(won.sum() > np.sqrt((won**2).sum()))
