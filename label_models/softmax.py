"""Probabilities from log-likelihoods, quickly where classes are few."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["over_classes", "row_blocks", "softmax"]

_FEW = 16
_BLOCK = 1 << 16


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities [n, k] from logits [n, k]."""
    proba: NDArray[np.float64] = logits - over_classes(np.maximum, logits)[:, None]
    np.exp(proba, out=proba)
    proba /= over_classes(np.add, proba)[:, None]
    return proba


def over_classes(ufunc: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
    """Reduce values [n, k] to [n]; numpy is slow along a short axis, so few classes go column by column."""
    if values.shape[1] > _FEW:
        whole: NDArray[Any] = ufunc.reduce(values, axis=1)
        return whole
    total = values[:, 0].copy()
    for c in range(1, values.shape[1]):
        ufunc(total, values[:, c], out=total)
    return total


def row_blocks(n: int, k: int) -> Iterator[slice]:
    """Cut n rows of k numbers into blocks that stay in the cache while several things are done to them."""
    step = max(1, _BLOCK // k)
    return (slice(start, start + step) for start in range(0, n, step))
