"""Answer only where it is sure: accuracy against the share answered, and the threshold for a wanted precision."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from weaksup.distill.bundle.decide import DIGITS
from weaksup.errors import UsageError

__all__ = ["SHARES", "Answered", "find_threshold", "precision_bound", "selective_curve"]

SHARES = tuple(i / 10 for i in range(1, 11))


@dataclass(frozen=True, slots=True)
class Answered:
    """The rows whose largest probability is at least `threshold`: `share` of all, and `correct` of them right.

    `at_least` is a lower bound of the precision, that of rows to come from the same source; the bounds of a whole curve
    hold together at its level.
    """

    threshold: float
    share: float
    rows: int
    correct: int
    at_least: float

    @property
    def accuracy(self) -> float:
        """The share of the answers that are right."""
        return self.correct / self.rows

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {**asdict(self), "accuracy": self.accuracy}


def selective_curve(gold: ArrayLike, proba: ArrayLike, *, level: float = 0.95) -> tuple[Answered, ...]:
    """Answer the surest tenth, the surest two tenths, ..., all of the rows with gold; most sure first.

    `gold` [n], -1 where not known, `proba` [n, k]. Rows as sure as the last one are answered too, so two points may be
    the same. Bounds are those of C. J. Clopper and E. S. Pearson (1934), one-sided, each at 1 - (1 - level) / 10
    (Bonferroni): one may pick any point of the curve after having seen it. Raises UsageError where no row has gold.
    """
    truth, p = np.asarray(gold), np.asarray(proba)
    known = np.flatnonzero(truth >= 0)
    if not len(known):
        raise UsageError(f"selective accuracy: expected gold for at least one row, got none in {len(truth)} rows")
    if not np.isfinite(p[known]).all():
        raise UsageError("selective accuracy: expected probabilities that are finite, got nan or inf")
    # As predictions are written and thresholds held against them: what is counted here is what is answered.
    sure = np.round(p[known].max(axis=1).astype(np.float32).astype(np.float64), DIGITS)
    right = p[known].argmax(axis=1) == truth[known]
    cuts = np.sort(sure)[::-1][[int(np.ceil(share * len(known))) - 1 for share in SHARES]]
    each = 1 - (1 - level) / len(SHARES)
    found = []
    for cut in cuts.tolist():
        rows, correct = int((sure >= cut).sum()), int(right[sure >= cut].sum())
        found.append(Answered(cut, rows / len(known), rows, correct, precision_bound(correct, rows, level=each)))
    return tuple(found)


def find_threshold(curve: tuple[Answered, ...], precision: float) -> Answered | None:
    """Return the point of a curve that answers most with a bound of at least `precision`; None where there is none."""
    if not 0 < precision < 1:
        raise UsageError(f"expected a wanted precision between 0 and 1, got {precision:g}")
    good = [point for point in curve if point.at_least >= precision]
    return max(good, key=lambda point: point.share, default=None)


def precision_bound(correct: int, rows: int, *, level: float = 0.95) -> float:
    """Return the one-sided lower bound of a share, `correct` of `rows` (Clopper and Pearson); 0 for 0 of n."""
    from scipy.stats import beta

    return float(beta.ppf(1 - level, correct, rows - correct + 1)) if correct else 0.0
