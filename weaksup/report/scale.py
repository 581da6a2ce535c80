"""Scales of bars and colours."""

from __future__ import annotations

from math import ceil, sqrt

__all__ = ["level", "nice_top"]

_TOPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
_LEVELS = 5


def nice_top(largest: float) -> float:
    """Return the end of a bar's scale: the first round share that is not below the largest."""
    return next((top for top in _TOPS if top >= largest), 1.0)


def level(n: int, most: int) -> int:
    """Return a colour from 0 (none) to 5 (the most); by square root, so that small numbers can be told apart."""
    return ceil(_LEVELS * sqrt(n / most)) if n and most else 0
