"""What a bundle carries for `weaksup drift`: the look of rows that a twin of the student did not learn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill import Student
from weaksup.distill.judging.reference import make_reference
from weaksup.errors import UsageError
from weaksup.labels import SoftLabels
from weaksup.routing.audit import draws
from weaksup.votes import VoteMatrix

__all__ = ["Again", "reference_by", "reference_of"]

_LEAST, _MOST = 40, 5_000  # rows that a reference is made of; twins on fewer differ so much that drift is seen in all

Again = Callable[[list[str], SoftLabels], Student]
"""Train the student once more, on other rows."""


def reference_of(
    texts: Sequence[str],
    soft: SoftLabels,
    again: Again,
    *,
    temperature: float = 1.0,
    votes: VoteMatrix | None = None,
    seed: int = 0,
) -> dict[str, Any] | None:
    """Train a twin on all but a fifth of the rows (5,000 at most), and note what that fifth looks like to it, as JSON.

    `temperature` is what the student was calibrated by, `votes` are those of the rows of `soft`, in their order. Rows
    are drawn as a later corpus would be: texts that come twice may be on both sides. None where there are too few rows.
    """
    size = min(len(texts) // 5, _MOST)
    if size < _LEAST:
        return None
    order = np.argsort(draws(soft.ids, seed), kind="stable")
    shown, learned = np.sort(order[:size]), np.sort(order[size:])
    try:
        twin = again([texts[i] for i in learned.tolist()], soft.take(learned)).cooled(temperature)
    except UsageError:  # labels of the student's rows teach; those of fewer may not
        return None
    return _note(twin, texts, (shown, learned), votes, seed)


def reference_by(
    student: Student, texts: Sequence[str], kept_out: NDArray[np.bool_], *, votes: VoteMatrix | None, seed: int
) -> dict[str, Any] | None:
    """Note what the rows [n] that were kept from training look like to the student itself; None for too few of them."""
    drawn = np.random.default_rng(seed).permutation(np.flatnonzero(kept_out))[:_MOST]
    shown, learned = np.sort(drawn), np.flatnonzero(~kept_out)
    return _note(student, texts, (shown, learned), votes, seed) if len(shown) >= _LEAST else None


def _note(
    student: Student,
    texts: Sequence[str],
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
    votes: VoteMatrix | None,
    seed: int,
) -> dict[str, Any]:
    shown, learned = rows
    seen = [texts[i] for i in shown.tolist()]
    own = None if votes is None else votes.take(shown)
    proba = student.predict_proba(seen)
    return make_reference([texts[i] for i in learned.tolist()], seen, proba, votes=own, seed=seed).to_json()
