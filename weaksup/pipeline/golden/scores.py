"""How good labels are on a golden set: all rows count, and what is no label counts as wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.labels import ABSTAIN
from weaksup.metrics import ClassScore, Interval, confusion, macro_f1, scores_of, wilson

__all__ = ["Confusion", "Score", "score_golden"]

_SHOWN = 3  # confusions


@dataclass(frozen=True, slots=True)
class Confusion:
    """`rows` of the label `gold` were given the label `said`."""

    gold: str
    said: str
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """Scores on n golden rows. `right` [n] marks the rows whose label is the true one.

    A row is answered, abstained (the answer was no label) or failed (there was none); only answered ones can be right.
    `classes` has recall and precision by label; `confusions` the most frequent ones; `cost_per_1000` is in dollars.
    """

    right: NDArray[np.bool_]
    answered: int
    abstained: int
    failed: int
    macro_f1: float
    classes: tuple[tuple[str, ClassScore], ...]
    confusions: tuple[Confusion, ...]
    cost_per_1000: float

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.right)

    @property
    def hits(self) -> int:
        """How many are right."""
        return int(self.right.sum())

    @property
    def accuracy(self) -> float:
        """The share of all rows that is right."""
        return self.hits / self.rows

    @property
    def interval(self) -> Interval:
        """Where the accuracy lies, at 95 % (Wilson)."""
        return wilson(self.hits, self.rows)

    @property
    def accuracy_of_answered(self) -> float | None:
        """The share of the answered rows that is right; `None` where nothing was answered."""
        return self.hits / self.answered if self.answered else None

    def to_json(self) -> dict[str, Any]:
        """Return the scores as plain JSON."""
        low, high = self.interval
        return {
            "rows": self.rows,
            "answered": self.answered,
            "abstained": self.abstained,
            "failed": self.failed,
            "right": self.hits,
            "accuracy": self.accuracy,
            "low": low,
            "high": high,
            "accuracy_of_answered": self.accuracy_of_answered,
            "macro_f1": self.macro_f1,
            "cost_per_1000_usd": self.cost_per_1000,
            "labels": {
                name: {"rows": c.support, "recall": c.recall, "precision": c.precision, "f1": c.f1}
                for name, c in self.classes
            },
            "confusions": [{"gold": c.gold, "said": c.said, "rows": c.rows} for c in self.confusions],
        }


def score_golden(
    gold: NDArray[np.int64], said: NDArray[np.int64], names: Sequence[str], *, failed: int = 0, cost: float = 0.0
) -> Score:
    """Score labels `said` [n], ABSTAIN where there is none, against `gold` [n]; `failed` of them never came.

    `cost` is what the labels cost, in micro-dollars.
    """
    counts = confusion(gold, said, len(names))
    answered = int((said != ABSTAIN).sum())
    return Score(
        right=gold == said,
        answered=answered,
        abstained=len(gold) - answered - failed,
        failed=failed,
        macro_f1=macro_f1(gold, said, len(names)),
        classes=tuple(zip(names, scores_of(counts), strict=True)),
        confusions=_confusions(counts, names),
        cost_per_1000=cost / 1e6 / max(1, len(gold) - failed) * 1000,
    )


def _confusions(counts: NDArray[np.int64], names: Sequence[str]) -> tuple[Confusion, ...]:
    """Return the most frequent confusions of two labels, of a confusion matrix [k, k + 1]."""
    wrong = counts[:, :-1].copy()
    np.fill_diagonal(wrong, 0)
    worst = np.argsort(-wrong, axis=None, kind="stable")[:_SHOWN]
    cells = [(int(cell) // len(names), int(cell) % len(names)) for cell in worst]
    return tuple(Confusion(names[i], names[j], int(wrong[i, j])) for i, j in cells if wrong[i, j])
