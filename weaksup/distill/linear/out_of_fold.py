"""What a student says of rows that it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from weaksup.distill.linear.features import choose_ngrams
from weaksup.distill.linear.softmax import Floats, Line, fit_softmax

__all__ = ["OutOfFold"]

_ROUGHLY = 1e-4  # tolerance of the solver: labels change every round anyway


class OutOfFold:
    """Students of one corpus, each of which saw all texts but a fold; equal texts are in one fold.

    N-grams are counted once; calling it again with other labels starts from the students of the call before.
    """

    def __init__(self, texts: Sequence[str], *, classes: int, folds: int = 3, strength: float = 10.0, seed: int = 0):
        ngrams, counts = choose_ngrams(texts, classes=classes)
        self._features = ngrams.scale(counts)
        _, text = np.unique(np.array(texts, dtype=object).astype(str), return_inverse=True)
        self._fold = np.random.default_rng(seed).integers(0, folds, len(texts))[text]
        self._lines: list[Line | None] = [None] * folds
        self._strength = strength
        self.classes = classes

    def __call__(self, proba: Floats, weights: Floats) -> Floats:
        """Learn from proba [n, k], rows weighted [n]; return probabilities [n, k], each of a student without that row.

        A row of weight 0 teaches nothing. With no rows to learn from, all classes are alike.
        """
        said = np.full((len(weights), self.classes), 1 / self.classes)
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
