"""Snorkel's LFAnalysis: the same names, columns and values, faster, and right with partial gold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.analysis.tally import columns, tally
from weaksup.errors import UsageError, VoteError
from weaksup.labels import ABSTAIN
from weaksup.multi_votes import MultiVotes
from weaksup.votes import VoteMatrix

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LFAnalysis"]

_MOST = np.iinfo(np.int16).max


class LFAnalysis:
    """Summarise what labeling functions say: votes [n, m], a `VoteMatrix` or an array with -1 = abstain.

    One documented difference from Snorkel: rows whose gold is -1 (not known) are left out of the accuracy, where
    Snorkel counts them as wrong (3 right, 0 wrong and 3 unknown show as 0.5 there, as 1.0 here).

    >>> votes = np.array([[-1, 0, 0], [-1, -1, -1], [1, 0, -1], [-1, 0, -1], [0, 0, 0]])
    >>> LFAnalysis(votes).label_conflict(), LFAnalysis(votes).lf_polarities()
    (0.2, [[0, 1], [0], [0]])
    """

    def __init__(self, L: VoteMatrix | ArrayLike, lfs: Sequence[Any] | None = None) -> None:  # noqa: N803
        if isinstance(L, MultiVotes):
            raise UsageError(
                "LFAnalysis: expected votes for one label a row, got multi-label ones; use MultiLFAnalysis"
            )
        self.L = L.values if isinstance(L, VoteMatrix) else _checked(np.asarray(L))
        self._names = L.names if isinstance(L, VoteMatrix) else None
        if lfs is not None:
            self._names = tuple(str(getattr(lf, "name", lf)) for lf in lfs)
        m = self.L.shape[1]
        if self._names is not None and len(self._names) != m:
            raise UsageError(f"LFAnalysis: expected one LF for each of the {m} columns, got {len(self._names)} LFs")
        k = len(L.labels) if isinstance(L, VoteMatrix) else int(self.L.max(initial=0)) + 1
        self.tally = tally(self.L, k)

    def label_coverage(self) -> float:
        """Return the share of rows with a vote."""
        return _share(self.tally.covered, self.tally.rows)

    def label_overlap(self) -> float:
        """Return the share of rows with at least two votes."""
        return _share(self.tally.overlapped, self.tally.rows)

    def label_conflict(self) -> float:
        """Return the share of rows with two votes that differ."""
        return _share(self.tally.conflicted, self.tally.rows)

    def lf_polarities(self) -> list[list[int]]:
        """Return the classes that each LF votes for, in order, [m]."""
        return [np.flatnonzero(row).tolist() for row in self.tally.votes]

    def lf_coverages(self) -> NDArray[np.float64]:
        """Return the share of rows that each LF votes on, [m]."""
        return self._of_rows(self.tally.coverage)

    def lf_overlaps(self, normalize_by_coverage: bool = False) -> NDArray[np.float64]:
        """Return the share of rows where each LF votes and another one too, [m]; or that share of its own votes."""
        overlaps = self._of_rows(self.tally.overlaps)
        return _ratio(overlaps, self.lf_coverages()) if normalize_by_coverage else overlaps

    def lf_conflicts(self, normalize_by_overlaps: bool = False) -> NDArray[np.float64]:
        """Return the share of rows where each LF votes and two votes differ, [m]; or that share of its overlaps."""
        conflicts = self._of_rows(self.tally.conflicts)
        return _ratio(conflicts, self.lf_overlaps()) if normalize_by_overlaps else conflicts

    def lf_empirical_accuracies(self, Y: ArrayLike) -> NDArray[np.float64]:  # noqa: N803
        """Return the share of each LF's votes that equal gold Y [n], [m]; rows with gold -1 do not count."""
        return _accuracies(*self._judge(Y))

    def lf_summary(
        self,
        Y: ArrayLike | None = None,  # noqa: N803
        est_weights: ArrayLike | None = None,
    ) -> pd.DataFrame:
        """Return one line per LF, with Snorkel's columns; gold Y [n] adds accuracy, est_weights [m] its own column."""
        import pandas as pd

        m = self.L.shape[1]
        table: dict[str, Any] = {} if self._names is None else {"j": list(range(m))}
        table["Polarity"] = pd.Series(self.lf_polarities(), index=range(m), dtype=object).to_numpy()
        table["Coverage"] = self.lf_coverages()
        table["Overlaps"] = self.lf_overlaps()
        table["Conflicts"] = self.lf_conflicts()
        if Y is not None:
            correct, incorrect = self._judge(Y)
            table |= {"Correct": correct, "Incorrect": incorrect, "Emp. Acc.": _accuracies(correct, incorrect)}
        if est_weights is not None:
            table["Learned Weight"] = np.asarray(est_weights)
        return pd.DataFrame(table, index=list(self._names or range(m)))

    def _of_rows(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        return _ratio(counts.astype(np.float64), np.float64(self.tally.rows))

    def _judge(self, gold: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count right and wrong votes where gold is known, [m] each."""
        truth = _checked(np.asarray(gold).reshape(-1, 1))[:, 0].astype(np.int16)
        n, m = self.L.shape
        if len(truth) != n:
            raise UsageError(f"LFAnalysis: expected gold for each of the {n} rows (-1 = not known), got {len(truth)}")
        correct, judged = np.zeros(m, np.int64), np.zeros(m, np.int64)
        for rows, block in columns(self.L):
            known = truth[rows] != ABSTAIN
            votes = np.where(known, block, ABSTAIN)
            judged += np.count_nonzero(votes != ABSTAIN, axis=1)
            correct += np.count_nonzero((votes == truth[rows]) & known, axis=1)
        return correct, judged - correct


def _checked(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim != 2:
        raise UsageError(f"LFAnalysis: expected votes [n, m] with -1 for abstain, got {array.ndim} dimension(s)")
    whole = array.dtype.kind in "iu" or (array.dtype.kind == "f" and bool((array == np.floor(array)).all()))
    if not whole or (array.size and not ABSTAIN <= array.min() <= array.max() <= _MOST):
        raise VoteError("LFAnalysis: expected class indices, or -1 to abstain (not known); got another value")
    return array


def _accuracies(correct: NDArray[np.int64], incorrect: NDArray[np.int64]) -> NDArray[np.float64]:
    # Snorkel's arithmetic, so that the figures are equal to the last bit; 0 where nothing is judged.
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(0.5 * ((correct - incorrect) / (correct + incorrect) + 1))


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(part / whole)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
