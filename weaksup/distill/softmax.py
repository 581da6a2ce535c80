"""Softmax regression on soft labels, in torch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.lbfgs import minimise

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Floats", "Line", "fit_softmax"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A linear model: `weights` [v, k] and `bias` [k]."""

    weights: Floats
    bias: Floats

    def log_proba(self, features: Any) -> Floats:
        """Return log-probabilities [n, k] for features [n, v]."""
        scores = features @ self.weights + self.bias
        scores -= scores.max(axis=1, keepdims=True)
        log_proba: Floats = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return log_proba


def fit_softmax(
    features: Any,
    target: Floats,
    row_weights: Floats,
    *,
    strength: float,
    start: Line | None = None,
    tolerance: float = 1e-6,
) -> Line:
    """Minimise cross-entropy to `target` [n, k], rows weighted, plus |weights|^2 / (2 strength).

    `features` is scipy CSR [n, v]; the bias is free. The problem is convex, so the end does not depend on the start,
    which only saves steps (see `lbfgs.minimise` for where it ends; gradients are per unit of weight). Weights are
    float32, sums over rows float64. One thread: the same input gives the same bytes.
    """
    import torch

    rows, columns = _to_torch(features), _to_torch(features.T.tocsr())
    aim, weight = torch.from_numpy(target), torch.from_numpy(row_weights)[:, None]
    mass, total = aim.sum(dim=1, keepdim=True), float(row_weights.sum())
    begin = start or Line(np.zeros((features.shape[1], target.shape[1])), _prior(target, row_weights))
    line = torch.from_numpy(np.vstack([begin.weights, begin.bias[None]]).astype(np.float32))

    def loss(line: Tensor) -> tuple[float, Tensor]:
        weights = line[:-1]
        log_proba = torch.log_softmax((rows @ weights + line[-1]).double(), dim=1)
        slope = (weight * (log_proba.exp() * mass - aim)).float()
        value = float(weights.square().sum()) / (2 * strength) - float((weight * aim * log_proba).sum())
        gradient = torch.cat([columns @ slope + weights / strength, slope.sum(dim=0, keepdim=True)])
        return value / total, gradient / total

    with _one_thread(), torch.no_grad():
        found = minimise(loss, line, tolerance=tolerance).numpy()
    return Line(found[:-1].astype(np.float64), found[-1].astype(np.float64))


def _prior(target: Floats, row_weights: Floats) -> Floats:
    share = row_weights @ target + 1.0
    prior: Floats = np.log(share / share.sum())
    return prior


def _to_torch(matrix: Any) -> Tensor:
    import torch

    arrays = (matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), matrix.data.astype(np.float32))
    starts, columns, values = map(torch.from_numpy, arrays)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse", category=UserWarning)  # "... is in beta state"
        return torch.sparse_csr_tensor(starts, columns, values, size=matrix.shape)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums over several threads would depend on their number."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
