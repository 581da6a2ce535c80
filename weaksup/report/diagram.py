"""The reliability diagram: where its marks stand, in the units of its drawing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

__all__ = ["Diagram", "Mark", "Tick", "reliability_diagram"]

_SIDE = 260.0  # of the square of accuracy against confidence
_HIST = 56.0  # height of the tallest bar below it
_HALF = 0.4  # with two classes nothing lies below: the diagram starts here


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid: where it is, and what it says."""

    at: float
    says: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One bin, `bin` being its numbers.

    Its point (`x`, `y`) of radius `r`, the point's interval `top` to `bottom`, the diagonal's height there, `fair`, and
    its bar from `left`, `width` wide and `height` high.
    """

    x: float
    y: float
    r: float
    top: float
    bottom: float
    fair: float
    left: float
    width: float
    height: float
    bin: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Diagram:
    """`across` are ticks of confidence, `up` of accuracy; `start` is the height at which the diagonal begins."""

    marks: tuple[Mark, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    start: float
    side: float = _SIDE


def reliability_diagram(bins: Sequence[Mapping[str, Any]], beside: Iterable[Mapping[str, Any]] = ()) -> Diagram:
    """Lay out the bins that hold rows; `beside` are the bins of a diagram that must have the same scale."""
    held = [b for b in bins if b["rows"]]
    lowest = min((b["low"] for b in (*held, *beside) if b["rows"]), default=0.0)
    first = _HALF if lowest >= _HALF else 0.0
    most = max((b["rows"] for b in held), default=1)

    def across(share: float) -> float:
        return round(_SIDE * (share - first) / (1 - first), 2)

    return Diagram(
        marks=tuple(_mark(b, across, most) for b in held),
        across=tuple(Tick(across(n / 5), f"{n / 5:g}") for n in range(6) if n / 5 >= first),
        up=tuple(Tick(_up(n / 5), f"{n / 5:g}") for n in range(6)),
        start=_up(first),
    )


def _up(share: float) -> float:
    return round(_SIDE * (1 - share), 2)


def _mark(b: Mapping[str, Any], across: Callable[[float], float], most: int) -> Mark:
    left, right = across(b["low"]), across(b["high"])
    return Mark(
        x=across(b["confidence"]),
        y=_up(b["accuracy"]),
        r=round(2.5 + 4 * sqrt(b["rows"] / most), 2),
        top=_up(b["accuracy_high"]),
        bottom=_up(b["accuracy_low"]),
        fair=_up(b["confidence"]),
        left=left + 0.75,
        width=round(right - left - 1.5, 2),
        height=round(max(_HIST * b["rows"] / most, 1), 2),
        bin=b,
    )
