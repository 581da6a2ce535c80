"""From probabilities to an answer, in one place: the command line, Python and the server decide here.

Probabilities are shown with six digits, and the threshold is held against what is shown: filtering a written file by
its confidence keeps the rows that `abstain_below` keeps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError

__all__ = ["ABSTAINED", "DIGITS", "Decisions", "SetDecisions", "check_threshold", "decide", "decide_sets"]

DIGITS = 6  # of a probability, wherever one is shown
ABSTAINED = -1


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """`codes` int64 [n], the index of the label or -1; `confidence` float64 [n]; `proba` float64 [n, k], as shown."""

    codes: NDArray[np.int64]
    confidence: NDArray[np.float64]
    proba: NDArray[np.float64]

    @property
    def abstained(self) -> int:
        """How many rows get no answer."""
        return int((self.codes == ABSTAINED).sum())

    def answers(self, classes: Sequence[str]) -> list[str | None]:
        """Return the label of each row, or None."""
        names = [*classes, None]  # the last one is that of -1
        return [names[code] for code in self.codes.tolist()]

    def counts(self, k: int) -> NDArray[np.int64]:
        """Return how many rows get each label, [k]."""
        return np.bincount(self.codes[self.codes != ABSTAINED], minlength=k).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class SetDecisions:
    """`present` bool [n, k], the labels of each row; `silent` bool [n], rows without an answer; the rest as above.

    The confidence of a row is that of its least sure label: max(p, 1 - p).
    """

    present: NDArray[np.bool_]
    silent: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    proba: NDArray[np.float64]

    @property
    def abstained(self) -> int:
        """How many rows get no answer."""
        return int(self.silent.sum())

    def answers(self, classes: Sequence[str]) -> list[tuple[str, ...] | None]:
        """Return the labels of each row, or None."""
        rows = zip(self.present.tolist(), self.silent.tolist(), strict=True)
        return [None if silent else tuple(compress(classes, row)) for row, silent in rows]

    def counts(self, k: int) -> NDArray[np.int64]:
        """Return how many rows get each label, [k]."""
        found: NDArray[np.int64] = self.present[~self.silent].reshape(-1, k).sum(axis=0)
        return found


def decide(proba: NDArray[np.float32], abstain_below: float | None = None) -> Decisions:
    """Take the most probable label of each row [n, k]; none where it is less probable than `abstain_below` (0 to 1)."""
    shown = _show(proba, abstain_below)
    codes = proba.argmax(axis=1).astype(np.int64)
    confidence = shown.max(axis=1)
    if abstain_below is not None:
        codes[confidence < abstain_below] = ABSTAINED
    return Decisions(codes, confidence, shown)


def decide_sets(proba: NDArray[np.float32], abstain_below: float | None = None) -> SetDecisions:
    """Take the labels of each row [n, k] that are more likely there than not; no answer where one is too unsure."""
    shown = _show(proba, abstain_below)
    confidence = np.maximum(shown, 1 - shown).round(DIGITS).min(axis=1)
    silent = np.zeros(len(shown), np.bool_) if abstain_below is None else confidence < abstain_below
    return SetDecisions(proba > 0.5, silent, confidence, shown)


def _show(proba: NDArray[np.float32], abstain_below: float | None) -> NDArray[np.float64]:
    check_threshold(abstain_below)
    return np.asarray(np.round(proba.astype(np.float64), DIGITS), np.float64)


def check_threshold(abstain_below: Any) -> None:
    """Raise UsageError unless it is None or a number from 0 to 1."""
    if abstain_below is None:
        return
    number = isinstance(abstain_below, (int, float)) and not isinstance(abstain_below, bool)
    if not number or math.isnan(abstain_below) or not 0 <= abstain_below <= 1:
        raise UsageError(f"abstain_below: expected a probability from 0 to 1, got {abstain_below!r:.60}")
