"""From probabilities to an answer, in one place: the command line, Python and the server decide here.

Probabilities are shown with six digits, and the threshold is held against what is shown: filtering a written file by
its confidence keeps the rows that `abstain_below` keeps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError

__all__ = ["ABSTAINED", "DIGITS", "Decisions", "check_threshold", "decide"]

DIGITS = 6  # of a probability, wherever one is shown
ABSTAINED = -1


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """`codes` int64 [n], the index of the label or -1; `confidence` float64 [n]; `proba` float64 [n, k], as shown."""

    codes: NDArray[np.int64]
    confidence: NDArray[np.float64]
    proba: NDArray[np.float64]


def decide(proba: NDArray[np.float32], abstain_below: float | None = None) -> Decisions:
    """Take the most probable label of each row [n, k]; none where it is less probable than `abstain_below` (0 to 1)."""
    check_threshold(abstain_below)
    shown: NDArray[np.float64] = np.asarray(np.round(proba.astype(np.float64), DIGITS), np.float64)
    codes = proba.argmax(axis=1).astype(np.int64)
    confidence = shown.max(axis=1)
    if abstain_below is not None:
        codes[confidence < abstain_below] = ABSTAINED
    return Decisions(codes, confidence, shown)


def check_threshold(abstain_below: Any) -> None:
    """Raise UsageError unless it is None or a number from 0 to 1."""
    if abstain_below is None:
        return
    number = isinstance(abstain_below, (int, float)) and not isinstance(abstain_below, bool)
    if not number or math.isnan(abstain_below) or not 0 <= abstain_below <= 1:
        raise UsageError(f"abstain_below: expected a probability from 0 to 1, got {abstain_below!r:.60}")
