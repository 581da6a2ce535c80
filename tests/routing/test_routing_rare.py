"""Rare labels: a student that finds them is heard; a tier that errs both ways is doubted where it names one."""

from __future__ import annotations

import numpy as np

from weaksup.labels import LabelSpace
from weaksup.routing import Ladder, estimate
from weaksup.votes import Source, VoteMatrix

LADDER = Ladder(("cheap", "premium"))
LABELS = LabelSpace(["no", "yes"])


def nobody_asked(n: int) -> VoteMatrix:
    return VoteMatrix(np.empty((n, 0), np.int16), tuple(map(str, range(n))), (), LABELS)


def rarely_yes() -> tuple[VoteMatrix, np.ndarray]:
    """Return a cheap tier's answers to 400 of 600 rows, all right, and the truth: one row in 50 is "yes"."""
    truth = (np.arange(600) % 50 == 0).astype(np.int64)
    return nobody_asked(600).with_source(Source("cheap", "tier"), {str(i): int(truth[i]) for i in range(400)}), truth


def test_a_student_that_finds_a_rare_label_is_heard() -> None:
    votes, truth = rarely_yes()
    belief = estimate(votes, LADDER, opinion=lambda *_: np.eye(2)[truth] * 0.9 + 0.05)
    assert (belief.label == truth).all()
    assert (belief.doubt[400:] < 0.1).all()


def test_a_student_that_says_the_most_common_label_alone_is_not_heard() -> None:
    belief = estimate(rarely_yes()[0], LADDER, opinion=lambda *_: np.tile([0.98, 0.02], (600, 1)))
    assert (belief.doubt[400:] == 0.5).all()


def test_the_word_of_a_tier_for_a_rare_label_is_worth_less() -> None:
    random = np.random.default_rng(0)
    truth = (random.random(1500) < 0.08).astype(np.int64)
    cheap = np.where(random.random(1500) < 0.85, truth, 1 - truth)
    votes = nobody_asked(1500).with_source(Source("cheap", "tier"), {str(i): int(c) for i, c in enumerate(cheap)})
    votes = votes.with_source(Source("premium", "tier"), {str(i): int(truth[i]) for i in range(150)})
    belief, rest = estimate(votes, LADDER), np.arange(150, 1500)
    rare = rest[cheap[rest] == 1]
    assert (belief.label == truth)[rest].mean() > 0.9 > (cheap == truth)[rest].mean()
    assert abs(belief.doubt[rare].mean() - (belief.label != truth)[rare].mean()) < 0.1
    assert belief.doubt[rare].mean() > 2 * belief.doubt[np.setdiff1d(rest, rare)].mean()
