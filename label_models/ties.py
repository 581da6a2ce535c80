"""Turn probabilities into labels, with a policy for ties."""

from __future__ import annotations

from hashlib import sha1
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.labels import ABSTAIN

__all__ = ["TIE", "TiePolicy", "choose"]

TiePolicy = Literal["abstain", "random", "true-random"]

TIE = 1e-9
"""Probabilities this close are equal."""


def choose(
    proba: NDArray[np.float64],
    index: NDArray[np.int64],
    covered: NDArray[np.bool_],
    policy: TiePolicy = "abstain",
) -> NDArray[np.int64]:
    """Return the most probable class of each row [n]; proba [p, k] and covered [p] are by pattern, index [n] by row.

    Ties go by Snorkel's policies: "abstain" gives -1, "random" takes the tied class that a hash of the row's position
    picks (the same in every run), "true-random" draws one (differs from run to run). An uncovered row is -1 under
    "abstain"; under the other two it gets the most probable class of the class balance.
    """
    if policy not in get_args(TiePolicy):
        raise UsageError(f'tie_break_policy: expected "abstain", "random" or "true-random", got "{policy}"')
    tied = proba >= proba.max(axis=1, keepdims=True) - TIE
    clear = tied.sum(axis=1) == 1
    best = np.where(clear & (covered | (policy != "abstain")), proba.argmax(axis=1), ABSTAIN)
    labels: NDArray[np.int64] = best[index].astype(np.int64)
    if policy == "abstain":
        return labels
    rows = np.flatnonzero(~clear[index])
    draws = _hashes(rows) if policy == "random" else np.random.default_rng().integers(0, 2**62, len(rows))
    among = tied[index[rows]]
    nth = draws % among.sum(axis=1)
    labels[rows] = (among.cumsum(axis=1) > nth[:, None]).argmax(axis=1)
    return labels


def _hashes(rows: NDArray[np.int64]) -> NDArray[np.object_]:
    # Snorkel's hash of the position, digit for digit, so that "random" gives its labels; only tied rows come here.
    digests = (sha1(str(row).encode(), usedforsecurity=False).hexdigest() for row in rows.tolist())
    return np.array([int(digest, 16) for digest in digests], dtype=object)
