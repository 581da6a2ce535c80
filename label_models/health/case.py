"""What the checks look at, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.base import BaseLabelModel
from weaksup.label_models.what_if import Rows
from weaksup.labels import ABSTAIN
from weaksup.votes import VoteMatrix

__all__ = ["Case", "Finding", "count_differences", "list_names", "shares"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know before using the labels: what it is called, what was seen, what to do."""

    name: str
    text: str
    advice: str
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain JSON."""
        return {"name": self.name, "text": self.text, "advice": self.advice, "numbers": dict(self.numbers)}


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A fitted model, the votes it labels, and what both say.

    `said` [m, k] counts the votes of each source for each class; `labels` and `majority` [n] are -1 where a row is
    uncovered or tied, `gold` [n] where it is not known. `sample` are some of the rows, for what takes long, and `twins`
    [m] the first column of each source's group of twins, itself where it has none.
    """

    model: BaseLabelModel
    votes: VoteMatrix
    rows: Rows
    sample: Rows
    said: NDArray[np.int64]
    covered: NDArray[np.bool_]
    proba: NDArray[np.float64]
    labels: NDArray[np.int64]
    majority: NDArray[np.int64]
    gold: NDArray[np.int64]
    twins: NDArray[np.int64]
    disagreement: float

    @property
    def names(self) -> tuple[str, ...]:
        """The classes' names."""
        return self.votes.labels.names

    @property
    def one_label(self) -> int | None:
        """The class that all votes are for, if there is only one."""
        used = np.flatnonzero(self.said.any(axis=0))
        return int(used[0]) if len(used) == 1 else None


def count_differences(labels: NDArray[np.int64], majority: NDArray[np.int64]) -> int:
    """Count the rows where both name a class, and not the same one."""
    return int(((labels != majority) & (labels != ABSTAIN) & (majority != ABSTAIN)).sum())


def shares(labels: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Return the share of each class among the labels, [k]; zeros where there is none."""
    counts = np.bincount(labels[labels != ABSTAIN], minlength=k)
    found: NDArray[np.float64] = counts / max(1, int(counts.sum()))
    return found


def list_names(names: Sequence[str], most: int = 5) -> str:
    """Write the first few names."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
