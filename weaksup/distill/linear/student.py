"""The linear student: n-grams of raw text, a softmax, whole-number weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.bundle.seal import MODEL
from weaksup.distill.linear.features import UNIT, NGrams, choose_ngrams
from weaksup.distill.linear.softmax import Floats, Line
from weaksup.distill.linear.strength import STRENGTHS, choose_strength
from weaksup.distill.student import Student
from weaksup.distill.targets import Targets
from weaksup.labels import LabelSpace

__all__ = ["LinearStudent", "fit_linear", "pack"]

_LARGEST_WEIGHT = 32767  # weights are int16 in the model file


@dataclass(frozen=True, slots=True, eq=False)
class LinearStudent(Student):
    """A softmax over n-grams.

    `table` int64 [v, k] holds the weight of each n-gram times its feature weight, in units of `step`: sums of whole
    numbers are the same in any order, so batches, threads and machines do not change a prediction. With two classes the
    columns are opposite, and in a multi-label space each is a log-odds by itself. `bias` [k].
    """

    kind: ClassVar[str] = "linear"

    labels: LabelSpace
    ngrams: NGrams
    table: NDArray[np.int64]
    step: float
    bias: Floats
    training: dict[str, Any]

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """Return probabilities [n, k]; a text without a known n-gram gets the class balance of the training rows."""
        counts = self.ngrams.counts(texts)
        size = np.sqrt(self.ngrams.sizes(counts))[:, None]
        scores = (counts @ self.table) * (self.step * np.sqrt(UNIT)) / size + self.bias
        if self.labels.multi:
            sets: Floats = 1 / (1 + np.exp(-scores))
            return sets
        scores = np.exp(scores - scores.max(axis=1, keepdims=True)) if len(texts) else scores
        proba: Floats = scores / scores.sum(axis=1, keepdims=True)
        return proba

    def cooled(self, temperature: float) -> Self:
        """Return the student with its scores divided by `temperature`."""
        return replace(self, step=self.step / temperature, bias=self.bias / temperature)

    def files(self) -> dict[str, bytes]:
        """Return the model file."""
        from weaksup.distill.linear.graph import to_onnx

        return {MODEL: to_onnx(self)}


def fit_linear(targets: Targets, *, seed: int = 0, strengths: Sequence[float] = STRENGTHS) -> LinearStudent:
    """Train a linear student.

    The regularisation is the one of `strengths` that predicts rows kept out best, by gold where there is enough of it.
    """
    ngrams, counts = choose_ngrams(targets.texts, classes=len(targets.labels), seed=seed)
    choice = choose_strength(ngrams.scale(counts), targets, strengths=strengths, seed=seed)
    training = {**targets.summary(), "ngrams": len(ngrams), "seed": seed, **choice.training}
    return pack(targets.labels, ngrams, choice.line, training)


def pack(labels: LabelSpace, ngrams: NGrams, line: Line, training: dict[str, Any]) -> LinearStudent:
    """Turn a linear model into whole numbers."""
    # What is added to the weights of all classes changes no probability; with two classes they become opposite.
    multi = labels.multi
    centred = line.weights if multi else line.weights - line.weights.mean(axis=1, keepdims=True)
    table = centred * np.sqrt(ngrams.squares / UNIT)[:, None]
    largest = float(np.abs(table).max(initial=0.0))
    step = largest / _LARGEST_WEIGHT if largest > 0 else 1.0
    whole = np.rint(table / step).astype(np.int64)
    if len(labels) == 2 and not multi:
        whole[:, 0] = -whole[:, 1]
    return LinearStudent(labels, ngrams, whole, step, line.bias, training)
