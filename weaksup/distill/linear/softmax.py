"""Softmax regression on soft labels, in torch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.linear.lbfgs import minimise
from weaksup.distill.side_by_side import crew

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Floats", "Line", "fit_softmax"]

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

    rows, columns = _to_torch(features), _to_torch(features.T.tocsr())
    aim = _aligned(target * row_weights[:, None])
    mass, total = aim.sum(dim=1, keepdim=True), float(row_weights.sum())
    begin = start or Line(np.zeros((features.shape[1], target.shape[1])), _prior(target, row_weights))
    spread = _aligned(_spread(columns, row_weights, strength, target.shape[1]))[:, None]

    def fit(line: Tensor, part: _Part) -> tuple[float, Tensor]:
        """Return the cross-entropy of some rows, and its slope by score."""
        log_proba = torch.log_softmax((part.matrix @ line[:-1] + line[-1]).double(), dim=1)
        value = -float(log_proba.ravel().dot(aim[part.where].ravel()))
        return value, (log_proba.exp_() * mass[part.where] - aim[part.where]).float()

    def loss(place: Tensor) -> tuple[float, Tensor]:
        line = place * spread
        weights = line[:-1]
        values, slopes = zip(*run(lambda part: fit(line, part), rows), strict=True)
        slope = torch.cat(slopes)
        value = float(weights.square().sum()) / (2 * strength) + sum(values)
        down = torch.cat(run(lambda part: part.matrix @ slope, columns))
        gradient = torch.cat([down + weights / strength, slope.sum(dim=0, keepdim=True)])
        return value / total, gradient * spread / total

    with crew(len(rows)) as run, _one_thread(), torch.no_grad():
        first = _aligned(np.vstack([begin.weights, begin.bias[None]]).astype(np.float32)) / spread
        found = (minimise(loss, first, tolerance=tolerance) * spread).numpy()
    return Line(found[:-1].astype(np.float64), found[-1].astype(np.float64))


def _spread(columns: list[_Part], row_weights: Floats, strength: float, k: int) -> NDArray[np.float32]:
    """Return the unit in which each weight is searched, and the bias, [v + 1]: smaller where the loss is steeper.

    The curvature is that of rows that are undecided. Its inverse root would be the unit if n-grams did not come
    together; the power was chosen by the number of steps on three corpora: 44 in place of 240 to come as near.
    """
    import torch

    undecided = (1 - 1 / k) / k
    weight = _aligned(row_weights.astype(np.float32))
    matrices = [part.matrix for part in columns]
    squared = [_csr(m.crow_indices(), m.col_indices(), m.values().square(), size=m.shape) for m in matrices]
    steep = torch.cat([matrix @ weight for matrix in squared]).double().numpy() * undecided + 1 / strength
    curvature = np.append(steep, row_weights.sum() * undecided) / row_weights.sum()
    found: NDArray[np.float32] = (curvature**-_POWER).astype(np.float32)
    return found


def _prior(target: Floats, row_weights: Floats) -> Floats:
    share = row_weights @ target + 1.0
    prior: Floats = np.log(share / share.sum())
    return prior


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Some rows of a matrix, and which."""

    where: slice
    matrix: Tensor


def _to_torch(matrix: Any) -> list[_Part]:
    """Split a matrix by rows, the same way on every machine; each row's sums are its own, so no digit changes."""

    parts = 1 if matrix.nnz < _SPLIT else _PARTS
    starts = matrix.indptr.astype(np.int32)
    indices, data = matrix.indices.astype(np.int32, copy=False), matrix.data.astype(np.float32, copy=False)
    edges = np.searchsorted(starts, np.linspace(0, matrix.nnz, parts + 1)[1:-1]).tolist()
    found = []
    for begin, end in zip([0, *edges], [*edges, matrix.shape[0]], strict=True):
        cells = slice(starts[begin], starts[end])
        arrays = (starts[begin : end + 1] - starts[begin], indices[cells], data[cells])
        starts_here, columns, values = map(_aligned, arrays)
        found.append(_Part(slice(begin, end), _csr(starts_here, columns, values, size=(end - begin, matrix.shape[1]))))
    return found


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
def _one_thread() -> Iterator[None]:
    """Sums over several threads would depend on their number."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
