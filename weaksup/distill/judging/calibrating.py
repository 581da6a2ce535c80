"""Make a student's probabilities mean what they say: one temperature, put into its weights, so every route has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.distill.linear.strength import DIGITS
from weaksup.distill.student import Student
from weaksup.errors import UsageError
from weaksup.label_models.calibration import fit_temperature
from weaksup.label_models.reading import read_gold
from weaksup.label_models.softmax import softmax
from weaksup.metrics import ece

__all__ = ["Calibrated", "calibrate_by_gold", "calibrate_by_votes"]

_FOLDS = 5
_TINY = 1e-30  # of a probability, whose logarithm is taken


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """A student with its temperature: above 1 its probabilities were flattened. No row's most probable class changes.

    `by` says what it was learned from, `rows` from how many. `proba` [n, k] are probabilities to score on the same
    gold: each row's come from a temperature that its own gold did not teach. `ece_before` and `ece_after` are the
    expected calibration errors of the rows with gold, the second of `proba`. Without gold the three are `None`.
    """

    student: Student
    temperature: float
    by: Literal["gold", "votes"]
    rows: int
    proba: NDArray[np.float64] | None
    ece_before: float | None
    ece_after: float | None

    def to_json(self) -> dict[str, Any]:
        """Return what a bundle says of it, as plain JSON."""
        found = {"method": "temperature", "temperature": self.temperature, "by": self.by, "rows": self.rows}
        return {**found, "ece_before": self.ece_before, "ece_after": self.ece_after, "in_the_model": True}


def calibrate_by_gold(student: Student, texts: Sequence[str], gold: ArrayLike, *, seed: int = 0) -> Calibrated:
    """Learn the temperature from gold [n], -1 where not known, of texts that the student did not learn from.

    C. Guo et al. (2017), with a prior of 4 rows that say 1. Raises UsageError where no row has gold.
    """
    before = student.predict_proba(texts)
    known = read_gold(gold, *before.shape)
    if not (known >= 0).any():
        raise UsageError(f"calibration: expected gold for at least one row, got none in {len(known)} rows")
    # Down to the last digits: what a bundle is too sure of must not look better here than it is.
    logs = np.log(np.maximum(before, _TINY))
    temperature = round(_learn(logs, known), DIGITS)
    after = _cross_fitted(logs, known, temperature, seed)
    return Calibrated(
        student=student.cooled(temperature),
        temperature=temperature,
        by="gold",
        rows=int((known >= 0).sum()),
        proba=after,
        ece_before=ece(known, before),
        ece_after=ece(known, after),
    )


def _learn(logs: NDArray[np.float64], known: NDArray[np.int64]) -> float:
    rows = known >= 0
    return fit_temperature(logs[rows], np.eye(logs.shape[1])[known[rows]])


def _cross_fitted(
    logs: NDArray[np.float64], known: NDArray[np.int64], temperature: float, seed: int
) -> NDArray[np.float64]:
    """Return probabilities [n, k]: each fifth of the gold rows by the temperature of the other four."""
    found = softmax(logs / temperature)
    drawn = np.random.default_rng(seed).permutation(np.flatnonzero(known >= 0))
    for fold in (drawn[f::_FOLDS] for f in range(min(_FOLDS, len(drawn)))):
        others = known.copy()
        others[fold] = -1
        found[fold] = softmax(logs[fold] / _learn(logs, others))
    return found


def calibrate_by_votes(student: Student) -> Calibrated:
    """Use the temperature of the rows that were kept out while the student was trained: of their gold, or their votes.

    With too few texts to keep any out it is 1, from 0 rows.
    """
    temperature = float(student.training.get("held_out_temperature", 1.0))
    by: Literal["gold", "votes"] = student.training.get("held_out_rows", "votes")
    rows = int(student.training.get("held_out_texts", 0))
    return Calibrated(student.cooled(temperature), temperature, by, rows, None, None, None)
