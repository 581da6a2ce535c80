"""How good a student is on rows with any number of labels, on gold alone, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup import metrics
from weaksup.errors import UsageError
from weaksup.label_sets import PRESENT, SIDES
from weaksup.metrics import ClassScore, Interval

__all__ = ["LabelScore", "SetsEvaluation", "evaluate_sets"]


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One label on the `rows` whose gold is known: how PRESENT fares, and how far its probabilities can be believed.

    `f1_interval` is a 95 % one (bootstrap over rows), None where gold has no row with the label.
    """

    rows: int
    present: ClassScore
    f1_interval: Interval | None
    brier: float
    ece: float

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        score = self.present
        shown = {"gold": score.support, "predicted": score.predicted, "precision": score.precision}
        interval = None if self.f1_interval is None else list(self.f1_interval)
        more = {"recall": score.recall, "f1": score.f1, "f1_interval": interval, "brier": self.brier, "ece": self.ece}
        return {"rows": self.rows, **shown, **more}


@dataclass(frozen=True, slots=True)
class SetsEvaluation:
    """Scores on the `rows` that have gold for some label.

    `micro_f1` is that of all labels of all rows together, `macro_f1` the mean over the labels that gold or the student
    says somewhere, `exact` the share of the `whole` rows, whose gold is known for every label, that get all of them
    right. Intervals are 95 %: bootstrap over rows for micro F1, Wilson's for `exact`.
    """

    rows: int
    micro_f1: float
    micro_f1_interval: Interval
    macro_f1: float
    whole: int
    exact: float | None
    exact_interval: Interval
    labels: tuple[tuple[str, LabelScore | None], ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "rows": self.rows,
            "micro_f1": self.micro_f1,
            "micro_f1_interval": list(self.micro_f1_interval),
            "macro_f1": self.macro_f1,
            "whole_rows": self.whole,
            "exact": self.exact,
            "exact_interval": list(self.exact_interval),
            "labels": {name: None if score is None else score.to_json() for name, score in self.labels},
        }


def evaluate_sets(gold: ArrayLike, proba: ArrayLike, classes: Sequence[str], *, seed: int = 0) -> SetsEvaluation:
    """Score probabilities [n, k] against gold [n, k]: 1 PRESENT, 0 ABSENT, -1 not known, which is left out.

    Raises UsageError where nothing is known, or shapes do not fit.
    """
    truth, p = np.asarray(gold), np.asarray(proba, np.float64)
    if truth.shape != p.shape or truth.ndim != 2 or truth.shape[1] != len(classes):
        shapes = f"{list(truth.shape)} and {list(p.shape)}"
        raise UsageError(f"evaluate: expected gold and probabilities [n, {len(classes)}], got {shapes}")
    known, said = np.asarray(truth >= 0), np.asarray(p > 0.5)
    if not known.any():
        raise UsageError(f"evaluate: expected gold for at least one row, got none in {len(truth)} rows")
    scores = [_score(truth[:, j], p[:, j], seed) for j in range(len(classes))]
    each = [score.present.f1 for score in scores if score and score.present.f1 is not None]
    right = ((truth == said) | ~known).all(axis=1)
    whole = known.all(axis=1)
    n, exact = int(whole.sum()), int(right[whole].sum())
    some = np.asarray(known.any(axis=1))
    micro, interval = _micro(np.asarray(known & (truth == PRESENT)), np.asarray(said & known), some, seed)
    return SetsEvaluation(
        rows=int(known.any(axis=1).sum()),
        micro_f1=micro,
        micro_f1_interval=interval,
        macro_f1=float(np.mean(each)) if each else 0.0,
        whole=n,
        exact=exact / n if n else None,
        exact_interval=metrics.wilson(exact, n),
        labels=tuple(zip(classes, scores, strict=True)),
    )


def _score(gold: NDArray[Any], proba: NDArray[np.float64], seed: int) -> LabelScore | None:
    """Score one label; None where nothing is known of it."""
    if not (gold >= 0).any():
        return None
    said, both = (proba > 0.5).astype(np.int64), np.column_stack([1 - proba, proba])
    present = metrics.class_scores(gold, said, len(SIDES))[PRESENT]

    def f1(some: NDArray[Any], guess: NDArray[Any]) -> float:
        return metrics.f1(some, guess, PRESENT)

    interval = metrics.bootstrap(f1, gold, said, seed=seed) if present.support else None
    return LabelScore(int((gold >= 0).sum()), present, interval, metrics.brier(gold, both), metrics.ece(gold, both))


def _micro(
    truth: NDArray[np.bool_], said: NDArray[np.bool_], rows: NDArray[np.bool_], seed: int
) -> tuple[float, Interval]:
    hits, both = (truth & said).sum(axis=1), truth.sum(axis=1) + said.sum(axis=1)

    def f1(_: NDArray[Any], some_hits: NDArray[Any], some: NDArray[Any]) -> float:
        total = some.sum()
        return float(2 * some_hits.sum() / total) if total else 1.0

    marks = np.where(rows, 0, -1)
    return f1(marks, hits[rows], both[rows]), metrics.bootstrap(f1, marks, hits, both, seed=seed)
