"""A small network over n-grams: one embedding for each, their sum, a hidden layer; trained in torch.

The idea is that of A. Joulin et al. (2017, fastText), with tf-idf weights and a hidden layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from weaksup.distill.linear.softmax import Floats, one_thread
from weaksup.distill.neural.adam import Adam

if TYPE_CHECKING:
    from torch import Generator, Tensor

__all__ = ["BagNetwork", "Shape", "train_epochs"]

BATCH = (8, 64)  # rows a step: the fewest, and the most unless an epoch had more than MOST_STEPS
FEW_STEPS, MOST_STEPS = 25, 400  # an epoch has about so many
RATE = 0.005
SPREAD = 0.1  # of the embeddings at the start


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a network is: n-grams, numbers an n-gram, numbers in the hidden layer, classes."""

    ngrams: int
    dim: int
    hidden: int
    classes: int


@dataclass(frozen=True, slots=True, eq=False)
class BagNetwork:
    """A trained network: `embeddings` [v, d], `inner` [d, h], `inner_bias` [h], `outer` [h, k], `outer_bias` [k]."""

    embeddings: Floats
    inner: Floats
    inner_bias: Floats
    outer: Floats
    outer_bias: Floats

    def log_proba(self, features: Any) -> Floats:
        """Return log-probabilities [n, k] for features [n, v]."""
        hidden = np.maximum(features @ self.embeddings @ self.inner + self.inner_bias, 0.0)
        scores = hidden @ self.outer + self.outer_bias
        scores -= scores.max(axis=1, keepdims=True)
        found: Floats = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return found


def train_epochs(
    features: Any, target: Floats, row_weights: Floats, shape: Shape, *, epochs: int, seed: int
) -> Iterator[BagNetwork]:
    """Train by Adam on cross-entropy to `target` [n, k], rows weighted; give the network after each epoch.

    `features` is scipy CSR float32 [n, v]. The step falls to nothing over `epochs`. One thread, so that a seed gives
    the same numbers on any machine with the same torch.
    """
    import torch

    draws = torch.Generator().manual_seed(seed)
    batches = _count_batches(len(target))
    aim = torch.tensor(target * (row_weights / row_weights.mean())[:, None], dtype=torch.float32)
    places = [tensor.requires_grad_() for tensor in _start(shape, target, row_weights, draws)]
    adam = Adam(places)
    for epoch in range(epochs):
        with one_thread():
            order = torch.randperm(len(target), generator=draws).numpy()
            for i, rows in enumerate(np.array_split(order, batches)):
                _loss(places, features[rows], aim[rows]).backward()  # type: ignore[no-untyped-call]
                adam.step(RATE * (1 - (epoch + i / batches) / epochs))
        yield BagNetwork(*(place.detach().double().numpy().copy() for place in places))


def _count_batches(rows: int) -> int:
    size = int(np.clip(rows // FEW_STEPS, *BATCH))
    return min(-(-rows // size), MOST_STEPS)


def _start(shape: Shape, target: Floats, row_weights: Floats, draws: Generator) -> list[Tensor]:
    """Draw a network whose first answers are near the class balance."""
    import torch

    share = row_weights @ target + 1.0
    return [
        torch.randn(shape.ngrams, shape.dim, generator=draws) * SPREAD,
        torch.randn(shape.dim, shape.hidden, generator=draws) / shape.dim**0.5,
        torch.zeros(shape.hidden),
        torch.randn(shape.hidden, shape.classes, generator=draws) / (2 * shape.hidden**0.5),
        torch.tensor(np.log(share / share.sum()), dtype=torch.float32),
    ]


def _loss(places: list[Tensor], features: Any, aim: Tensor) -> Tensor:
    import torch
    from torch.nn.functional import embedding_bag

    embeddings, inner, inner_bias, outer, outer_bias = places
    ngrams, starts = torch.tensor(features.indices).long(), torch.tensor(features.indptr[:-1]).long()
    summed = embedding_bag(ngrams, embeddings, starts, mode="sum", per_sample_weights=torch.tensor(features.data))
    scores = torch.relu(summed @ inner + inner_bias) @ outer + outer_bias
    return -(aim * torch.log_softmax(scores, dim=1)).sum() / len(aim)
