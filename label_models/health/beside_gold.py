"""The finding that gold alone can give: that majority vote is right more often."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.health.case import Case, Finding
from weaksup.label_models.majority import MajorityVote
from weaksup.label_models.ties import TIE

__all__ = ["majority_better"]

_LEAST = 30  # rows with gold
_SURE = 1.96  # standard errors of the paired difference


def majority_better(case: Case) -> Iterator[Finding]:
    """Find a model that gold puts behind majority vote, by more than chance; a tie is right in part."""
    judged = np.flatnonzero(case.covered & (case.gold >= 0))
    if len(judged) < _LEAST:
        return
    votes, gold = case.votes.take(judged), case.gold[judged]
    majority = MajorityVote(case.model.k_).fit(votes).predict_proba(votes)
    own, theirs = _right(case.proba[judged], gold), _right(majority, gold)
    behind = theirs - own
    if behind.mean() <= _SURE * behind.std(ddof=1) / np.sqrt(len(behind)):
        return
    right = f"the model is right on {own.mean():.1%}, majority vote on {theirs.mean():.1%}"
    yield Finding(
        "majority vote is better",
        f"of {len(judged):,} rows with gold {right}",
        'use "majority" (--model majority), give --class-balance, or let the model learn from gold (--learn)',
        {"rows": len(judged), "model": float(own.mean()), "majority": float(theirs.mean())},
    )


def _right(proba: NDArray[np.float64], gold: NDArray[np.int64]) -> NDArray[np.float64]:
    tied = proba >= proba.max(axis=1, keepdims=True) - TIE
    right: NDArray[np.float64] = tied[np.arange(len(gold)), gold] / tied.sum(axis=1)
    return right
