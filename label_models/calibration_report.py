"""What calibration by gold would change: scores with intervals and reliability bins, before and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.label_models.calibration import Calibration, Method, calibrate, cross_calibrated
from weaksup.metrics import ECE_BINS, ReliabilityBin, bootstrap, brier, by_confidence, ece, nll, reliability

__all__ = ["LEAST", "CalibrationReport", "CalibrationScores", "Estimate", "calibration_report", "calibration_scores"]

LEAST = float(np.finfo(np.float64).eps)  # keeps a log-likelihood finite, as in scikit-learn


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score with its 95 % bootstrap interval over rows."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CalibrationScores:
    """How far probabilities mean what they say; less is better. `bins` are those that ECE sums over."""

    brier: Estimate
    nll: Estimate
    ece: Estimate
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """Scores on `rows` gold rows as they are and after calibration.

    `after` is cross-fitted: no row is calibrated by its own gold. `calibration` is fitted on all of it, for use.
    """

    rows: int
    calibration: Calibration
    before: CalibrationScores
    after: CalibrationScores

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON; of the calibration its method and its temperature."""
        method, temperature = self.calibration.method, self.calibration.temperature
        parts = {name: _plain(scores) for name, scores in (("before", self.before), ("after", self.after))}
        return {"rows": self.rows, "method": method, "temperature": temperature, **parts}


def calibration_report(
    proba: ArrayLike, gold: ArrayLike, *, method: Method = "auto", folds: int = 5, rounds: int = 200, seed: int = 0
) -> CalibrationReport:
    """Score probabilities [n, k] on the rows with gold [n], as they are and calibrated; cost: 6 `rounds` scores."""
    after = cross_calibrated(proba, gold, method=method, folds=folds, seed=seed)
    return CalibrationReport(
        rows=int((np.asarray(gold) >= 0).sum()),
        calibration=calibrate(proba, gold, method=method, seed=seed),
        before=calibration_scores(proba, gold, rounds=rounds, seed=seed),
        after=calibration_scores(after, gold, rounds=rounds, seed=seed),
    )


def calibration_scores(proba: ArrayLike, gold: ArrayLike, *, rounds: int = 200, seed: int = 0) -> CalibrationScores:
    """Score probabilities [n, k] on the rows with gold, as they are; cost: 3 `rounds` scores.

    In the log-likelihood a probability of 0 counts as 2e-16, so that it stays finite.
    """
    p, known = np.asarray(proba, np.float64), np.asarray(gold)
    sure, right, at = by_confidence(known, p, ECE_BINS)
    rows = np.flatnonzero(known >= 0)
    of_truth = p[rows, known[rows]]

    def estimate(value: float, statistic: Callable[..., float], *columns: NDArray[Any]) -> Estimate:
        return Estimate(value, *bootstrap(statistic, known[rows], *columns, rounds=rounds, seed=seed))

    # One number a row is enough to draw rows anew, so that 100,000 rows take a second or two.
    return CalibrationScores(
        brier=estimate(brier(known, p), _mean, (p[rows] ** 2).sum(axis=1) - 2 * of_truth + 1),
        nll=estimate(nll(known, np.maximum(p, LEAST)), _mean, -np.log(np.maximum(of_truth, LEAST))),
        ece=estimate(ece(known, p), _gap, at, right - sure),
        bins=tuple(reliability(known, p)),
    )


def _mean(_gold: NDArray[Any], losses: NDArray[np.float64]) -> float:
    return float(losses.mean())


def _gap(_gold: NDArray[Any], at: NDArray[np.int64], gap: NDArray[np.float64]) -> float:
    return float(np.abs(np.bincount(at, gap, minlength=ECE_BINS)).sum() / len(at))


def _plain(scores: CalibrationScores) -> dict[str, Any]:
    bins = [
        {**asdict(b), "accuracy": b.accuracy, "accuracy_low": b.interval[0], "accuracy_high": b.interval[1]}
        for b in scores.bins
    ]
    return {**asdict(scores), "bins": bins}
