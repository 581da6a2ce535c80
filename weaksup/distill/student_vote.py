"""A student's opinion as one more source for a label model: of each row, from students that did not learn from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from weaksup.distill.linear.out_of_fold import OutOfFold
from weaksup.distill.targets import certainty
from weaksup.errors import UsageError
from weaksup.labels import ABSTAIN, SoftLabels
from weaksup.votes import Source, VoteMatrix

__all__ = ["add_student_vote"]

NAME = "student"


def add_student_vote(
    votes: VoteMatrix, texts: Sequence[str], soft: SoftLabels, *, confidence: float = 0.8, seed: int = 0
) -> VoteMatrix:
    """Add a source "student" to votes [n, m]: cross-fitted on `soft`, it votes where it is at least so confident.

    `texts` [n] and `soft` [n] are of the same rows. What it says comes from the other sources, by way of the texts: a
    label model that takes sources for independent trusts it too much, so measure before you use it. Raises UsageError
    where rows do not fit, or a source of that name is there.
    """
    if len(texts) != len(votes) or soft.ids != votes.ids or soft.labels.names != votes.labels.names:
        raise UsageError(f"student's vote: expected texts and labels of the {len(votes)} rows of the votes, got others")
    if NAME in votes.names:
        raise UsageError(f'student\'s vote: expected votes without a source "{NAME}", got one; rename it')
    said = OutOfFold(texts, classes=len(soft.labels), seed=seed)(soft.proba, certainty(soft.proba) * soft.covered)
    vote = np.where(said.max(axis=1, initial=0.0) >= confidence, said.argmax(axis=1), ABSTAIN).astype(np.int16)
    more = np.ones((len(votes), 1), np.bool_)
    sure = said.max(axis=1, initial=0.0).astype(np.float32)[:, None]
    return replace(
        votes,
        values=np.column_stack([votes.values, vote]),
        sources=(*votes.sources, Source(NAME, "student")),
        asked=None if votes.asked is None else np.hstack([votes.asked, more]),
        confidence=None if votes.confidence is None else np.hstack([votes.confidence, sure]),
    )
