"""Scores of labels against gold, as the steps report them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models import MajorityVote
from weaksup.labels import ABSTAIN, SoftLabels
from weaksup.metrics import wilson
from weaksup.votes import VoteMatrix

__all__ = ["compare", "score"]

Json = dict[str, Any]


def compare(soft: SoftLabels, votes: VoteMatrix, gold: NDArray[np.int16] | None) -> Json:
    """Put majority vote beside a model: where the two differ, and with gold how often each is right on covered rows.

    Rows where majority vote ties are counted as `tied`; to be scored on the same rows as the model, it draws there.
    """
    majority = MajorityVote(len(votes.labels)).fit(votes)
    labels, decided = soft.hard(), majority.predict(votes)
    clear = decided != ABSTAIN
    found: Json = {
        "covered": int(soft.covered.sum()),
        "tied": int((soft.covered & ~clear).sum()),
        "differ": int((labels != decided)[clear].sum()),
    }
    if gold is not None:
        found["model"] = score(labels, gold)
        drawn = majority.predict(votes, tie_break_policy="random")
        found["majority"] = score(np.where(soft.covered, drawn, ABSTAIN), gold)
    return found


def score(labels: NDArray[Any], gold: NDArray[np.int16]) -> Json:
    """Return accuracy with its 95 % Wilson interval over the rows that have a label and gold."""
    judged = (labels != ABSTAIN) & (gold != ABSTAIN)
    hits, n = int((labels == gold)[judged].sum()), int(judged.sum())
    if not n:
        return {"accuracy": None, "low": None, "high": None, "judged": 0}
    low, high = wilson(hits, n)
    return {"accuracy": hits / n, "low": low, "high": high, "judged": n}
