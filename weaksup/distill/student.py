"""The linear student: n-grams of raw text, a softmax, whole-number weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.distill.features import UNIT, NGrams, choose_ngrams
from weaksup.distill.predict import Predictor, load_bundle
from weaksup.distill.softmax import Floats, Line
from weaksup.distill.strength import STRENGTHS, choose_strength
from weaksup.distill.targets import balance_classes, make_targets
from weaksup.labels import LabelSpace, SoftLabels

__all__ = ["Student", "train"]

BALANCE = 0.5  # the power that `balance_classes` takes
_LARGEST_WEIGHT = 32767  # weights are int16 in the model file


@dataclass(frozen=True, slots=True, eq=False)
class Student:
    """A trained linear student; `weaksup.distill.save_bundle` packs it, `load_bundle` runs it without torch.

    `table` int64 [v, k] holds the weight of each n-gram times its feature weight, in units of `step`: sums of whole
    numbers are the same in any order, so batches, threads and machines do not change a prediction. With two classes the
    columns are opposite. `bias` [k]. `training` says what it was trained on, as JSON.
    """

    labels: LabelSpace
    ngrams: NGrams
    table: NDArray[np.int64]
    step: float
    bias: Floats
    training: dict[str, Any]

    @property
    def classes(self) -> tuple[str, ...]:
        """The label names; probabilities are in this order."""
        return self.labels.names

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """Return probabilities [n, k]; a text without a known n-gram gets the class balance of the training rows."""
        counts = self.ngrams.counts(texts)
        size = np.sqrt(self.ngrams.sizes(counts))[:, None]
        scores = (counts @ self.table) * (self.step * np.sqrt(UNIT)) / size + self.bias
        scores = np.exp(scores - scores.max(axis=1, keepdims=True)) if len(texts) else scores
        proba: Floats = scores / scores.sum(axis=1, keepdims=True)
        return proba

    def predict(self, texts: Sequence[str]) -> list[str]:
        """Return the most probable label of each text."""
        best = self.predict_proba(texts).astype(np.float32).argmax(axis=1)  # as precise as the packed model
        return [self.classes[c] for c in best.tolist()]

    @staticmethod
    def load(path: str | Path) -> Predictor:
        """Open a bundle; the same as `load_bundle`, which needs numpy and onnxruntime alone."""
        return load_bundle(path)


def train(
    texts: Sequence[str],
    soft: SoftLabels | ArrayLike,
    *,
    labels: LabelSpace | None = None,
    weights: ArrayLike | None = None,
    gold: ArrayLike | None = None,
    gold_weight: float = 4.0,
    balance: float = BALANCE,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> Student:
    """Train a student on soft labels; rows that nobody voted on, and have no gold, are left out.

    `soft` is a `SoftLabels`, or an array [n, k] of probabilities with `labels`. A row weighs 1 - entropy / log k, times
    `weights` [n] if given: a row that the votes left open teaches little. `gold` [n], -1 where not known: such rows
    become one-hot and weigh `gold_weight` times as much. `balance` raises rare classes (see `balance_classes`). The
    regularisation is the one of `strengths` that predicts rows kept out best, by gold where there is enough of it. The
    order of the rows does not matter; a seed gives the same bytes.
    """
    targets = make_targets(texts, soft, labels=labels, weights=weights, gold=gold, gold_weight=gold_weight)
    targets = balance_classes(targets, balance)
    ngrams, counts = choose_ngrams(targets.texts, classes=len(targets.labels), seed=seed)
    features = ngrams.scale(counts)
    choice = choose_strength(features, targets, strengths=strengths, seed=seed)
    training = {**targets.summary(), "ngrams": len(ngrams), "strength": choice.strength, "seed": seed}
    if choice.losses:
        training["held_out_loss"] = choice.losses
        training["held_out_rows"] = choice.judged
        training["held_out_temperature"] = choice.temperature
    return _pack(targets.labels, ngrams, choice.line, training)


def _pack(labels: LabelSpace, ngrams: NGrams, line: Line, training: dict[str, Any]) -> Student:
    """Turn a linear model into whole numbers."""
    # What is added to the weights of all classes changes no probability; with two classes they become opposite.
    centred = line.weights - line.weights.mean(axis=1, keepdims=True)
    table = centred * np.sqrt(ngrams.squares / UNIT)[:, None]
    largest = float(np.abs(table).max(initial=0.0))
    step = largest / _LARGEST_WEIGHT if largest > 0 else 1.0
    whole = np.rint(table / step).astype(np.int64)
    if len(labels) == 2:
        whole[:, 0] = -whole[:, 1]
    return Student(labels, ngrams, whole, step, line.bias, training)
