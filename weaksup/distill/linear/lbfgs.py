"""Minimise a smooth convex function by L-BFGS (D. C. Liu and J. Nocedal, 1989) with torch tensors.

`torch.optim.LBFGS` takes three seconds to import its compiler before the first step, and scipy's uses BLAS sums that
depend on the number of cores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["minimise"]

Function = Callable[["Tensor"], tuple[float, "Tensor"]]
_MEMORY = 12
_DESCENT, _CURVATURE = 1e-4, 0.9  # the weak Wolfe conditions
_TRIALS = 40


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    place: Tensor
    value: float
    slope: Tensor


def minimise(function: Function, start: Tensor, *, tolerance: float, steps: int = 500) -> Tensor:
    """Return where `function` (value, gradient) is least: no entry of the gradient exceeds `tolerance` there.

    It also ends when a step gains less than tolerance / 100, or after `steps`.
    """
    here = _Point(start, *function(start))
    pairs: list[tuple[Tensor, Tensor]] = []
    for _ in range(steps):
        if float(here.slope.abs().max()) <= tolerance:
            break
        direction = -_newton(here.slope, pairs)
        found = _search(function, here, direction, length=1.0 if pairs else 1.0 / float(here.slope.norm()))
        if found is None:  # no digits are left to gain
            break
        pairs = [*pairs, (found.place - here.place, found.slope - here.slope)][-_MEMORY:]
        gain, here = here.value - found.value, found
        if gain <= tolerance / 100:
            break
    return here.place


def _newton(slope: Tensor, pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Multiply the gradient by the inverse Hessian that the last steps suggest (two-loop recursion)."""
    found = slope.clone()
    shares = []
    for step, change in reversed(pairs):
        share = _dot(step, found) / _dot(step, change)
        found.add_(change, alpha=-share)
        shares.append(share)
    if pairs:
        step, change = pairs[-1]
        found *= _dot(step, change) / _dot(change, change)
    for (step, change), share in zip(pairs, reversed(shares), strict=True):
        found.add_(step, alpha=share - _dot(change, found) / _dot(step, change))
    return found


def _dot(a: Tensor, b: Tensor) -> float:
    return float(a.ravel().dot(b.ravel()))


def _search(function: Function, here: _Point, direction: Tensor, *, length: float) -> _Point | None:
    """Bisect for a step that meets the weak Wolfe conditions (A. S. Lewis and M. L. Overton, 2013)."""
    along = _dot(direction, here.slope)
    low, high = 0.0, float("inf")
    for _ in range(_TRIALS):
        place = here.place + length * direction
        new = _Point(place, *function(place))
        if new.value > here.value + _DESCENT * length * along:
            high = length
        elif _dot(direction, new.slope) < _CURVATURE * along:
            low = length
        else:
            return new
        length = 2 * low if high == float("inf") else (low + high) / 2
    return None
