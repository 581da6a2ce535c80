"""Scores against gold, with intervals. Rows whose gold is -1 (not known) are left out everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.errors import UsageError

__all__ = [
    "ClassScore",
    "Interval",
    "ReliabilityBin",
    "accuracy",
    "bootstrap",
    "brier",
    "by_confidence",
    "class_scores",
    "confusion",
    "ece",
    "f1",
    "macro_f1",
    "nll",
    "reliability",
    "scores_of",
    "wilson",
]

Interval = tuple[float, float]
"""The low and the high end."""

ECE_BINS = 15


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How one class fares: `support` gold rows, `predicted` rows with gold known, `correct` of them.

    A ratio whose denominator is 0 is `None`: precision where nothing was predicted, recall where no gold row has the
    class, F1 where neither happens.
    """

    support: int
    predicted: int
    correct: int

    @property
    def precision(self) -> float | None:
        """Of the rows predicted to be of the class, the share that are."""
        return self.correct / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        """Of the gold rows of the class, the share found."""
        return self.correct / self.support if self.support else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall."""
        both = self.support + self.predicted
        return 2 * self.correct / both if both else None


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The rows whose confidence lies in (`low`, `high`]: their mean confidence, and how many of them are right.

    `interval` is that of the accuracy (Wilson's). Confidence and accuracy are `None` where there are no rows.
    """

    low: float
    high: float
    rows: int
    confidence: float | None
    correct: int

    @property
    def accuracy(self) -> float | None:
        """The share of the rows that are right."""
        return self.correct / self.rows if self.rows else None

    @property
    def interval(self) -> Interval:
        """Where the accuracy lies, at 95 %."""
        return wilson(self.correct, self.rows)


def wilson(hits: int, n: int, level: float = 0.95) -> Interval:
    """Return the score interval of a share, `hits` of `n`; (0, 1) when `n` is 0 (E. B. Wilson, 1927)."""
    if not 0 <= hits <= n or not 0 < level < 1:
        raise UsageError(f"wilson: expected 0 <= hits <= n and a level in (0, 1), got {hits} of {n} at {level}")
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share, spread = hits / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    # Rounding must not push the exact ends 0 and 1 inward.
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == n else middle + half)


def accuracy(gold: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of rows with gold that are predicted right; an abstain (-1) counts as wrong."""
    truth, guess = _judged(gold, predicted)
    return float((truth == guess).mean())


def confusion(gold: ArrayLike, predicted: ArrayLike, k: int) -> NDArray[np.int64]:
    """Count [k, k + 1]: rows are gold classes, columns predicted classes; the last column counts abstains."""
    truth, guess = _judged(gold, predicted)
    if truth.max() >= k or guess.max() >= k or guess.min() < -1:
        raise UsageError(f"confusion: expected class indices below {k}, or -1; got {max(truth.max(), guess.max())}")
    cells = truth * (k + 1) + np.where(guess < 0, k, guess)
    return np.bincount(cells, minlength=k * (k + 1)).reshape(k, k + 1)


def scores_of(counts: NDArray[np.int64]) -> list[ClassScore]:
    """Read the class scores off a confusion matrix [k, k + 1]."""
    k = len(counts)
    support, predicted, correct = counts.sum(axis=1), counts.sum(axis=0)[:k], np.diagonal(counts)
    return [ClassScore(*row) for row in zip(support.tolist(), predicted.tolist(), correct.tolist(), strict=True)]


def class_scores(gold: ArrayLike, predicted: ArrayLike, k: int) -> list[ClassScore]:
    """Return precision, recall and F1 of every class, [k]."""
    return scores_of(confusion(gold, predicted, k))


def f1(gold: ArrayLike, predicted: ArrayLike, positive: int) -> float:
    """Return the F1 of one class; 0 when it is neither in gold nor predicted."""
    truth, guess = _judged(gold, predicted)
    is_gold, is_guess = truth == positive, guess == positive
    return ClassScore(int(is_gold.sum()), int(is_guess.sum()), int((is_gold & is_guess).sum())).f1 or 0.0


def macro_f1(gold: ArrayLike, predicted: ArrayLike, k: int) -> float:
    """Return the mean F1 over the classes that occur in gold or among the predictions."""
    return float(np.mean([s.f1 for s in class_scores(gold, predicted, k) if s.f1 is not None]))


def brier(gold: ArrayLike, proba: ArrayLike) -> float:
    """Return the squared error of proba [n, k]: summed over classes, mean over rows, in 0..2 (G. W. Brier, 1950)."""
    truth, p = _judged_proba(gold, proba)
    aim = np.zeros_like(p)
    aim[np.arange(len(truth)), truth] = 1.0
    return float(((p - aim) ** 2).sum(axis=1).mean())


def nll(gold: ArrayLike, proba: ArrayLike) -> float:
    """Return the mean negative log-likelihood of gold under proba [n, k], in nats; inf where gold has probability 0."""
    truth, p = _judged_proba(gold, proba)
    with np.errstate(divide="ignore"):
        return float(-np.log(p[np.arange(len(truth)), truth]).mean())


def ece(gold: ArrayLike, proba: ArrayLike, *, bins: int = ECE_BINS) -> float:
    """Return the expected calibration error: |accuracy - confidence| over bins of equal width, weighted by their rows.

    15 bins, (0, 1/15], (1/15, 2/15], ..., by the largest probability of a row (M. P. Naeini et al., 2015).
    """
    sure, right, at = by_confidence(gold, proba, bins)
    return float(np.abs(np.bincount(at, weights=right - sure, minlength=bins)).sum() / len(sure))


def reliability(gold: ArrayLike, proba: ArrayLike, *, bins: int = ECE_BINS) -> list[ReliabilityBin]:
    """Return the bins of a reliability diagram, lowest confidence first (M. H. DeGroot and S. E. Fienberg, 1983).

    They are those of `ece`, which is sum(rows x |accuracy - confidence|) / sum(rows) over them.
    """
    sure, right, at = by_confidence(gold, proba, bins)
    rows = np.bincount(at, minlength=bins).tolist()
    total = np.bincount(at, weights=sure, minlength=bins).tolist()
    correct = np.bincount(at[right], minlength=bins).tolist()
    return [
        ReliabilityBin(b / bins, (b + 1) / bins, rows[b], total[b] / rows[b] if rows[b] else None, correct[b])
        for b in range(bins)
    ]


def bootstrap(
    statistic: Callable[..., float],
    *arrays: ArrayLike,
    level: float = 0.95,
    rounds: int = 1000,
    seed: int = 0,
) -> Interval:
    """Return the percentile interval of `statistic(*arrays)` over rows drawn with replacement (B. Efron, 1979).

    The first array is gold: rows where it is -1 are left out before drawing. Cost: `rounds` calls of the statistic.
    """
    gold, *rest = map(np.asarray, arrays)
    known = _known(gold)
    columns = [gold[known], *(array[known] for array in rest)]
    rng, n = np.random.default_rng(seed), len(columns[0])
    draws = (rng.integers(0, n, n) for _ in range(rounds))
    values = [statistic(*(column[draw] for column in columns)) for draw in draws]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return low, high


def by_confidence(
    gold: ArrayLike, proba: ArrayLike, bins: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Return, by row with gold, the largest probability, whether its class is right, and the bin it falls into."""
    truth, p = _judged_proba(gold, proba)
    sure = p.max(axis=1)
    at = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    return sure, p.argmax(axis=1) == truth, at


def _known(gold: NDArray[Any]) -> NDArray[np.bool_]:
    known: NDArray[np.bool_] = gold >= 0
    if not known.any():
        raise UsageError(f"scores: expected gold for at least one row, got none in {len(gold)} rows")
    return known


def _judged(gold: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    truth, guess = np.asarray(gold), np.asarray(predicted)
    if truth.ndim != 1 or truth.shape != guess.shape:
        raise UsageError(f"scores: expected gold [n] and predictions [n], got {list(truth.shape)}, {list(guess.shape)}")
    known = _known(truth)
    return truth[known].astype(np.int64), guess[known].astype(np.int64)


def _judged_proba(gold: ArrayLike, proba: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    truth, p = np.asarray(gold), np.asarray(proba, np.float64)
    if truth.ndim != 1 or p.ndim != 2 or len(p) != len(truth):
        raise UsageError(f"scores: expected gold [n] and proba [n, k], got {list(truth.shape)}, {list(p.shape)}")
    known = _known(truth)
    if not np.isfinite(p[known]).all():
        raise UsageError("scores: expected probabilities that are finite, got nan or inf")
    if truth.max() >= p.shape[1]:
        raise UsageError(f"scores: expected gold below {p.shape[1]}, as proba has so many classes; got {truth.max()}")
    return truth[known].astype(np.int64), p[known]
