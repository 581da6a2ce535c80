"""One label on which every vote says PRESENT, and the share of rows that have it: how both are honoured.

A label model takes an abstain for no evidence. Where functions only ever vote PRESENT that is not so: rows that they
pass over are the ones without the label. One offset for all rows (`class_balance.match_balance`) then drags the rows
with a vote down, below one half where the label is rare, and spreads their mass over the silent rows. Here the rows
with a vote keep what the model makes of them, and the silent ones share what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

from weaksup.label_models.health import Finding

__all__ = ["Held", "hold_share", "present_only"]

_MISSED = 0.1  # silent rows have the label at least a tenth as often as all rows: no functions find every one
_SURE = 1e-9  # probabilities are kept this far from 0 and 1, so that they can be moved
_FAR = 60.0  # log-odds


@dataclass(frozen=True, slots=True)
class Held:
    """How probabilities move: `tilt` is added to the log-odds of rows with a vote, the others get `rest`."""

    tilt: float
    rest: float

    def move(self, proba: NDArray[np.float64], covered: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the probabilities of PRESENT [n] so that their mean over the rows of the fit is the share."""
        moved = expit(logit(np.clip(proba, _SURE, 1 - _SURE)) + self.tilt) if self.tilt else proba
        held: NDArray[np.float64] = np.where(covered, moved, self.rest)
        return held


def hold_share(proba: NDArray[np.float64], covered: NDArray[np.bool_], counts: NDArray[np.int64], share: float) -> Held:
    """Find what makes the mean of the probabilities proba [p] of PRESENT equal the share; row p stands for counts [p].

    The silent rows get what the others leave over, from a tenth of the share up to the share; only where that does not
    do are the rows with a vote moved, all by the same log-odds.
    """
    odds, weight = logit(np.clip(proba[covered], _SURE, 1 - _SURE)), counts[covered]
    silent, need = int(counts[~covered].sum()), share * int(counts.sum())
    left = need - float(weight @ expit(odds))
    rest = float(np.clip(left / silent, _MISSED * share, share)) if silent else share
    aim = need - rest * silent
    if not len(odds) or abs(aim - weight @ expit(odds)) <= _SURE * need:
        return Held(0.0, rest)
    return Held(float(brentq(lambda tilt: weight @ expit(odds + tilt) - aim, -_FAR, _FAR, xtol=1e-12)), rest)


def present_only(covered: NDArray[np.bool_], share: float | None) -> Finding:
    """Say what it means that nobody votes ABSENT on a label; `covered` [n] marks rows with a vote."""
    rows, others = int(covered.sum()), int((~covered).sum())
    says = f"nobody votes ABSENT, so all {rows:,} rows with a vote lean to PRESENT"
    against = "vote {label: False} where a rule speaks against it"
    if share is None:
        says += f", and the probability of the {others:,} others says nothing"
        advice = f"give the share of rows that have the label (--class-balance LABEL=SHARE), or {against}"
        return Finding("present-only", says, advice, {"rows": rows})
    says += f"; the share given, {share:.1%}, settles what the {others:,} others get"
    return Finding("present-only", says, f"{against}, to be told of the rows in doubt", {"rows": rows, "share": share})
