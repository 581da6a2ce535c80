"""A student's out-of-fold opinion as a source."""

from __future__ import annotations

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus

from weaksup.distill.student_vote import add_student_vote
from weaksup.errors import UsageError
from weaksup.labels import SoftLabels
from weaksup.votes import VoteMatrix

TEXTS, GOLD = make_corpus(200)
IDS = tuple(f"r{i}" for i in range(200))
KEEP = np.arange(200) % 2 == 0
VOTES = VoteMatrix.from_array(np.where(KEEP, GOLD, -1)[:, None].astype(np.int16), labels=SPACE, ids=IDS)


def labels_of(said: np.ndarray) -> SoftLabels:
    return SoftLabels(IDS, 0.85 * np.eye(3)[said] + 0.05, KEEP, SPACE)


def test_it_votes_on_rows_that_no_other_source_knows() -> None:
    more = add_student_vote(VOTES, TEXTS, labels_of(GOLD), confidence=0.5)
    assert more.names == (*VOTES.names, "student")
    assert more.sources[-1].kind == "student"
    assert (more.values[:, :-1] == VOTES.values).all()
    said = more.values[:, -1]
    voted = ~KEEP & (said >= 0)
    assert voted.any()
    assert (said == GOLD)[voted].mean() > 0.8


def test_what_it_says_of_a_row_does_not_come_from_that_row() -> None:
    other = GOLD.copy()
    other[0] = (GOLD[0] + 1) % 3
    before, after = (add_student_vote(VOTES, TEXTS, labels_of(said), confidence=0.0) for said in (GOLD, other))
    assert before.values[0, -1] == after.values[0, -1]


def test_rows_must_fit_and_the_name_be_free() -> None:
    with pytest.raises(UsageError, match="expected texts and labels of the 200 rows"):
        add_student_vote(VOTES, TEXTS[1:], labels_of(GOLD))
    twice = add_student_vote(VOTES, TEXTS, labels_of(GOLD))
    with pytest.raises(UsageError, match="rename it"):
        add_student_vote(twice, TEXTS, labels_of(GOLD))
