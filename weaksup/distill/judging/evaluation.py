"""How good a student is, on gold alone, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup import metrics
from weaksup.errors import UsageError
from weaksup.metrics import ClassScore, Interval

__all__ = ["Evaluation", "evaluate", "hold_out"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores on the `rows` that have gold; each interval is a 95 % one.

    `f1` is that of the class `positive` with two classes, else the mean over classes. Intervals: Wilson for accuracy,
    bootstrap for F1. `classes` in label order.
    """

    rows: int
    accuracy: float
    accuracy_interval: Interval
    f1: float
    f1_interval: Interval
    positive: str | None
    brier: float
    nll: float
    ece: float
    classes: tuple[tuple[str, ClassScore], ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "rows": self.rows,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "f1": self.f1,
            "f1_interval": list(self.f1_interval),
            "f1_of": self.positive or "mean over classes",
            "brier": self.brier,
            "nll": self.nll if np.isfinite(self.nll) else None,
            "ece": self.ece,
            "classes": {name: _class_json(score) for name, score in self.classes},
        }


def evaluate(
    gold: ArrayLike, proba: ArrayLike, classes: Sequence[str], *, positive: str | None = None, seed: int = 0
) -> Evaluation:
    """Score probabilities [n, k] against gold [n], -1 where not known; such rows are left out.

    With two classes, `positive` names the one whose F1 is given: by default the last.
    """
    truth, p = np.asarray(gold), np.asarray(proba, np.float64)
    if not (truth >= 0).any():
        raise UsageError(f"evaluate: expected gold for at least one row, got none in {len(truth)} rows")
    if positive is not None and positive not in classes:
        raise UsageError(f'evaluate: expected one of {", ".join(classes)} as the positive label, got "{positive}"')
    guess = p.argmax(axis=1)
    k, n = len(classes), int((truth >= 0).sum())
    named = positive or (classes[-1] if k == 2 else None)

    def f1(some_gold: NDArray[Any], some_guess: NDArray[Any]) -> float:
        if named is None:
            return metrics.macro_f1(some_gold, some_guess, k)
        return metrics.f1(some_gold, some_guess, classes.index(named))

    hits = int((truth == guess)[truth >= 0].sum())
    return Evaluation(
        rows=n,
        accuracy=hits / n,
        accuracy_interval=metrics.wilson(hits, n),
        f1=f1(truth, guess),
        f1_interval=metrics.bootstrap(f1, truth, guess, seed=seed),
        positive=named,
        brier=metrics.brier(truth, p),
        nll=metrics.nll(truth, p),
        ece=metrics.ece(truth, p),
        classes=tuple(zip(classes, metrics.class_scores(truth, guess, k), strict=True)),
    )


def hold_out(texts: Sequence[str], *, share: float = 0.2) -> NDArray[np.bool_]:
    """Mark the rows [n] to keep from training, chosen by a hash of the text: equal texts stay together."""
    # Not the bare hash of the text: rows may have come sorted, or sampled, by that.
    drawn = (sha256(b"held out\n" + text.encode("utf-8", "surrogatepass")).digest()[:4] for text in texts)
    return np.array([int.from_bytes(four) < share * 2**32 for four in drawn], np.bool_)


def _class_json(score: ClassScore) -> dict[str, Any]:
    return {
        "gold": score.support,
        "predicted": score.predicted,
        "precision": score.precision,
        "precision_interval": metrics.wilson(score.correct, score.predicted),
        "recall": score.recall,
        "recall_interval": metrics.wilson(score.correct, score.support),
        "f1": score.f1,
    }
