"""What students of earlier corpora say: they answered for nothing, before anybody was asked."""

from __future__ import annotations

import numpy as np

from weaksup.labels import ABSTAIN
from weaksup.routing.ladder import Floats
from weaksup.votes import VoteMatrix

__all__ = ["earlier_students"]

_SURE = 0.9  # of an answer without a confidence


def earlier_students(votes: VoteMatrix) -> Floats | None:
    """Return the probabilities [n, k] that sources of kind "student" give, averaged; None where there are none.

    Where none of them answered, all labels are alike. A confidence is the probability of the label that was given; the
    others share the rest.
    """
    k = len(votes.labels)
    columns = [j for j, source in enumerate(votes.sources) if source.kind == "student"]
    if not columns:
        return None
    told = np.zeros((len(votes), k))
    times = np.zeros(len(votes))
    for j in columns:
        label = votes.values[:, j].astype(np.int64)
        known = label != ABSTAIN
        sure = np.full(len(votes), _SURE) if votes.confidence is None else votes.confidence[:, j].astype(np.float64)
        sure = np.clip(np.where(np.isfinite(sure), sure, _SURE), 1 / k, 1.0)
        given = np.where(np.arange(k) == label[:, None], sure[:, None], ((1 - sure) / (k - 1))[:, None])
        told += np.where(known[:, None], given, 0.0)
        times += known
    proba: Floats = np.where(times[:, None] > 0, told / np.maximum(times, 1)[:, None], 1 / k)
    return proba
