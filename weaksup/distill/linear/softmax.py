"""Softmax regression on soft labels, in torch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.linear.lbfgs import minimise
from weaksup.distill.side_by_side import Run, crew

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Floats", "Line", "fit_softmax", "one_thread"]

Floats = NDArray[np.float64]

_SPLIT = 1_000_000  # entries, from which on a matrix is worked on in
_PARTS = 4  # parts
_POWER = 0.35


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
    tolerance: float = 1e-5,
) -> Line:
    """Minimise cross-entropy to `target` [n, k], rows weighted, plus |weights|^2 / (2 strength).

    `features` is scipy CSR [n, v]; the bias is free. The problem is convex, so the end does not depend on the start,
    which only saves steps (see `lbfgs.minimise` for where it ends; gradients are per unit of weight). Weights are
    float32, sums over rows float64. Any number of threads gives the same bytes.
    """
    import torch

    k = target.shape[1]
    aim = _aligned(target * row_weights[:, None])
    mass, total = aim.sum(dim=1, keepdim=True), float(row_weights.sum())
    begin = start or Line(np.zeros((features.shape[1], k)), _prior(target, row_weights))
    cuts = _cut(features)

    def fit(line: Tensor, part: _Part) -> tuple[float, Tensor]:
        """Return the cross-entropy of some rows, and the slope by weight."""
        scores = _all_classes(_times(part.rows, line[:-1]) + line[-1])
        log_proba = torch.log_softmax(scores.double(), dim=1)
        value = -float(log_proba.ravel().dot(aim[part.where].ravel()))
        slope = _own_classes(log_proba.exp_() * mass[part.where] - aim[part.where]).float()
        return value, torch.cat([_times(part.columns, slope), slope.sum(dim=0, keepdim=True)])

    def loss(place: Tensor) -> tuple[float, Tensor]:
        line = place * spread
        weights = line[:-1]
        values, slopes = zip(*run(lambda part: fit(line, part), parts), strict=True)
        weigh = k / line.shape[1] / strength
        gradient = sum(slopes[1:], start=slopes[0])
        gradient[:-1] += weights * weigh
        return (float(weights.square().sum()) * weigh / 2 + sum(values)) / total, gradient * spread / total

    with crew(len(cuts)) as run, one_thread(), torch.no_grad():
        parts = run(lambda rows: _to_torch(features, rows), cuts)
        spread = _aligned(_spread(run, parts, row_weights, strength, k))[:, None]
        first = _aligned(np.vstack([begin.weights, begin.bias[None]]).astype(np.float32))
        first = (_own_classes(first) / 2 if k == 2 else first) / spread
        found = _all_classes(minimise(loss, first, tolerance=tolerance) * spread).numpy()
    return Line(found[:-1].astype(np.float64), found[-1].astype(np.float64))


def _all_classes(one_or_all: Tensor) -> Tensor:
    """With two classes one column is searched: the weights of the other are opposite."""
    import torch

    return torch.cat([-one_or_all, one_or_all], dim=1) if one_or_all.shape[1] == 1 else one_or_all


def _own_classes(every: Tensor) -> Tensor:
    return every[:, 1:] - every[:, :1] if every.shape[1] == 2 else every


def _times(matrix: Tensor, columns: Tensor) -> Tensor:
    return (matrix @ columns[:, 0])[:, None] if columns.shape[1] == 1 else matrix @ columns


def _spread(run: Run, parts: list[_Part], row_weights: Floats, strength: float, k: int) -> NDArray[np.float32]:
    """Return the unit in which each weight is searched, and the bias, [v + 1]: smaller where the loss is steeper.

    The curvature is that of rows that are undecided. Its inverse root would be the unit if n-grams did not come
    together; the power was chosen by the number of steps on three corpora: 44 in place of 240 to come as near.
    """
    undecided = (1 - 1 / k) / k
    weight = _aligned(row_weights.astype(np.float32))

    def steep(part: _Part) -> Tensor:
        m = part.columns
        squared = _csr(m.crow_indices(), m.col_indices(), m.values().square(), size=m.shape)
        return (squared @ weight[part.where]).double()

    steepness = sum(found.numpy() for found in run(steep, parts)) * undecided + 1 / strength
    curvature = np.append(steepness, row_weights.sum() * undecided) / row_weights.sum()
    found: NDArray[np.float32] = (curvature**-_POWER).astype(np.float32)
    return found


def _prior(target: Floats, row_weights: Floats) -> Floats:
    share = row_weights @ target + 1.0
    prior: Floats = np.log(share / share.sum())
    return prior


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Some rows of a matrix, which, and the same turned over."""

    where: slice
    rows: Tensor
    columns: Tensor


def _cut(matrix: Any) -> list[slice]:
    """Split a matrix by rows, the same way on every machine: in parts of as many entries."""
    parts = 1 if matrix.nnz < _SPLIT else _PARTS
    edges = np.searchsorted(matrix.indptr, np.linspace(0, matrix.nnz, parts + 1)[1:-1]).tolist()
    return [slice(*edge) for edge in pairwise([0, *edges, matrix.shape[0]])]


def _to_torch(matrix: Any, where: slice) -> _Part:
    part = matrix[where]
    return _Part(where, _copied(part), _copied(part.T.tocsr()))


def _copied(matrix: Any) -> Tensor:
    starts, indices = matrix.indptr.astype(np.int32, copy=False), matrix.indices.astype(np.int32, copy=False)
    arrays = map(_aligned, (starts, indices, matrix.data.astype(np.float32, copy=False)))
    return _csr(*arrays, size=matrix.shape)


def _aligned(array: NDArray[Any]) -> Tensor:
    """Copy to where torch keeps its own: in numpy's memory, sums round as the array happens to lie."""
    import torch

    return torch.from_numpy(array).clone()


def _csr(starts: Tensor, columns: Tensor, values: Tensor, *, size: tuple[int, ...]) -> Tensor:
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse", category=UserWarning)  # "... is in beta state"
        return torch.sparse_csr_tensor(starts, columns, values, size=size)


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums over several threads would depend on their number."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
