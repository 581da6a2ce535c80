"""The student `embedbag`: embeddings of n-grams and a hidden layer, packed as whole numbers into one text-in file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.bundle.seal import MODEL
from weaksup.distill.linear.features import UNIT, NGrams, choose_ngrams
from weaksup.distill.linear.softmax import Floats
from weaksup.distill.neural.bag_network import BagNetwork, Shape, train_epochs
from weaksup.distill.neural.settings import whole
from weaksup.distill.neural.stopping import train_until_best
from weaksup.distill.student import Student
from weaksup.distill.targets import Targets
from weaksup.labels import LabelSpace

__all__ = ["FINE", "EmbedBagStudent", "Layer", "fit_embedbag"]

FINE = 2.0**12  # parts of one that what goes into a layer is counted in
_LARGEST_EMBEDDING, _LARGEST_WEIGHT = 127, 32767


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer in whole numbers: `weights` int64 [a, b] in units of `step`, `bias` [b]."""

    weights: NDArray[np.int64]
    step: float
    bias: Floats

    def __call__(self, values: Floats) -> Floats:
        """Return what comes out [n, b] for what goes in [n, a]: sums of whole numbers, the same in any order."""
        fine = (values * FINE).astype(np.int64)
        found: Floats = (fine @ self.weights).astype(np.float64) * (self.step / FINE) + self.bias
        return found


@dataclass(frozen=True, slots=True, eq=False)
class EmbedBagStudent(Student):
    """A network over n-grams.

    `table` int64 [v, d] holds the embedding of each n-gram times its feature weight, each number at most 127; `inner`
    and `outer` are the layers. All sums are of whole numbers, so batches, threads and machines change no prediction.
    """

    kind: ClassVar[str] = "embedbag"

    labels: LabelSpace
    ngrams: NGrams
    table: NDArray[np.int64]
    inner: Layer
    outer: Layer
    training: dict[str, Any]

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """Return probabilities [n, k]."""
        counts = self.ngrams.counts(texts)
        size = np.sqrt(self.ngrams.sizes(counts).astype(np.float64))[:, None]
        hidden = np.maximum(self.inner((counts @ self.table) / size), 0.0)
        scores = self.outer(hidden)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True)) if len(texts) else scores
        proba: Floats = scores / scores.sum(axis=1, keepdims=True)
        return proba

    def cooled(self, temperature: float) -> Self:
        """Return the student with its scores divided by `temperature`."""
        outer = replace(self.outer, step=self.outer.step / temperature, bias=self.outer.bias / temperature)
        return replace(self, outer=outer)

    def files(self) -> dict[str, bytes]:
        """Return the model file."""
        from weaksup.distill.neural.embedbag_graph import to_onnx

        return {MODEL: to_onnx(self)}


def fit_embedbag(
    targets: Targets, *, seed: int = 0, dim: int = 32, hidden: int = 32, epochs: int = 10
) -> EmbedBagStudent:
    """Train a student with `dim` numbers for each n-gram (1 to 128) and `hidden` numbers between (1 to 256).

    It stops after at most `epochs` (1 to 100), where rows kept out are predicted best.
    """
    whole("embedbag", "dim", dim, 1, 128)
    whole("embedbag", "hidden", hidden, 1, 256)
    whole("embedbag", "epochs", epochs, 1, 100)
    # A number of an embedding is a byte, and a weight of a linear student two: the file is as large.
    ngrams, counts = choose_ngrams(targets.texts, classes=-(-dim // 2), seed=seed)
    features = ngrams.scale(counts)
    shape = Shape(len(ngrams), dim, hidden, len(targets.labels))

    def train(rows: NDArray[np.int64]) -> Iterator[BagNetwork]:
        return train_epochs(features[rows], targets.proba[rows], targets.weights[rows], shape, epochs=epochs, seed=seed)

    def read(network: BagNetwork, rows: NDArray[np.int64]) -> Floats:
        return network.log_proba(features[rows])

    done = train_until_best(targets, train, read, epochs=epochs, seed=seed)
    training = {**targets.summary(), "ngrams": len(ngrams), "dim": dim, "hidden": hidden, "epochs": done.epochs}
    return _pack(targets.labels, ngrams, done.network, {**training, "seed": seed, **done.training})


def _pack(labels: LabelSpace, ngrams: NGrams, network: BagNetwork, training: dict[str, Any]) -> EmbedBagStudent:
    """Turn a network into whole numbers; the unit of each column of embeddings goes into the first layer."""
    weighted = network.embeddings * np.sqrt(ngrams.squares / UNIT)[:, None]
    largest = np.abs(weighted).max(axis=0, initial=0.0)
    steps = np.where(largest > 0, largest, 1.0) / _LARGEST_EMBEDDING
    table = np.rint(weighted / steps).astype(np.int64)
    # Features are divided by the root of the sum of squares, which are counted in 1 / UNIT.
    inner = _whole(network.inner * (steps * np.sqrt(UNIT))[:, None], network.inner_bias)
    return EmbedBagStudent(labels, ngrams, table, inner, _whole(network.outer, network.outer_bias), training)


def _whole(weights: Floats, bias: Floats) -> Layer:
    step = max(float(np.abs(weights).max()), 1e-30) / _LARGEST_WEIGHT
    return Layer(np.rint(weights / step).astype(np.int64), step, bias)
