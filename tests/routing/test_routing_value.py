from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import told_votes

from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.routing import Belief, Tiers, estimate
from weaksup.votes import Source, VoteMatrix

TIERS = Tiers("cheap", "premium", ("other", "third"))
NAMES = ("cheap", "other", "third", "premium")


def world(n: int = 400, *, k: int = 2, seed: int = 0) -> tuple[VoteMatrix, np.ndarray]:
    """Return votes of three sources right on 75 %, the premium tier never asked, and the truth."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, k, n)
    values = np.full((n, 4), ABSTAIN, np.int16)
    for j in range(3):
        values[:, j] = np.where(random.random(n) < 0.75, truth, (truth + random.integers(1, k, n)) % k)
    asked = np.ones((n, 4), np.bool_)
    asked[:, 3] = False
    labels = LabelSpace([f"c{i}" for i in range(k)])
    return VoteMatrix(values, tuple(map(str, range(n))), tuple(Source(s, "tier") for s in NAMES), labels, asked), truth


def ask_premium(votes: VoteMatrix, truth: np.ndarray, rows: np.ndarray) -> VoteMatrix:
    values, asked = votes.values.copy(), np.array(votes.asked)
    values[rows, 3] = truth[rows]
    asked[rows, 3] = True
    return replace(votes, values=values, asked=asked)


def hide_cheap(votes: VoteMatrix, rows: np.ndarray) -> VoteMatrix:
    values, asked = votes.values.copy(), np.array(votes.asked)
    values[rows, :3] = ABSTAIN
    asked[rows, :3] = False
    return replace(votes, values=values, asked=asked)


@settings(max_examples=40)
@given(told_votes())
def test_beliefs_are_probabilities_for_any_votes(votes: VoteMatrix) -> None:
    belief = estimate(votes, Tiers(votes.names[0], votes.names[-1]) if len(votes.names) > 1 else Tiers("s", "t"))
    assert belief.proba.shape == (len(votes), len(votes.labels))
    assert np.allclose(belief.proba.sum(axis=1), 1)
    assert (belief.label == belief.proba.argmax(axis=1)).all()
    assert ((belief.doubt >= 0) & (belief.doubt <= 1)).all()


@settings(max_examples=40)
@given(told_votes())
def test_a_premium_answer_is_the_label_and_leaves_no_doubt(votes: VoteMatrix) -> None:
    premium = votes.names[-1]
    belief = estimate(votes, Tiers("nobody", premium))
    said = votes.values[:, -1] != ABSTAIN
    assert (belief.label[said] == votes.values[said, -1]).all()
    assert (belief.doubt[said] == 0).all()


def test_permuting_rows_permutes_beliefs() -> None:
    votes, truth = world()
    votes = ask_premium(votes, truth, np.arange(60))
    order = np.random.default_rng(1).permutation(len(votes))
    one, two = estimate(votes, TIERS), estimate(votes.take(order), TIERS)
    assert np.allclose(one.proba[order], two.proba, atol=1e-3)


def test_sources_that_agree_are_believed_more_than_the_cheap_one_alone() -> None:
    votes, truth = world()
    belief = estimate(votes, TIERS)
    said = votes.values[:, :3]
    same = (said == said[:, :1]).all(axis=1)
    assert belief.doubt[same].mean() < belief.doubt[~same].mean()
    taught = estimate(ask_premium(votes, truth, np.flatnonzero(~same)[:80]), TIERS)
    rest = np.setdiff1d(np.arange(400), np.flatnonzero(~same)[:80])
    assert (taught.label == truth)[rest].mean() > (said[:, 0] == truth)[rest].mean()


def test_premium_answers_teach_which_cheap_votes_are_wrong() -> None:
    votes, truth = world(600)
    values = votes.values.copy()
    values[:, 0] = np.where(values[:, 0] == 1, 1, np.where(np.random.default_rng(3).random(600) < 0.6, 1, 0))
    votes = replace(votes, values=values)  # the cheap tier says c1 for most of c0: its c0 is good, its c1 is not
    taught = estimate(ask_premium(votes, truth, np.arange(200)), TIERS)
    rest = np.arange(200, 600)
    before = (estimate(votes, TIERS).label == truth)[rest].mean()
    assert (taught.label == truth)[rest].mean() >= before
    ones, zeros = (rest[values[rest, 0] == c] for c in (1, 0))
    assert taught.doubt[ones].mean() > taught.doubt[zeros].mean()


def test_less_sure_answers_are_doubted_more() -> None:
    votes, truth = world(300)
    random = np.random.default_rng(0)
    right = votes.values[:, 0] == truth
    confidence = np.full((300, 4), np.nan, np.float32)
    confidence[:, 0] = np.where(right, random.uniform(0.6, 1, 300), random.uniform(0.4, 0.8, 300))
    alone = replace(votes, confidence=confidence)
    belief = estimate(alone, Tiers("cheap", "premium"))
    low = confidence[:, 0] < np.median(confidence[:, 0])
    assert belief.doubt[low].mean() > belief.doubt[~low].mean()


def test_a_student_judges_the_rows_that_nobody_answered() -> None:
    votes, truth = world(300)
    bare = np.arange(200, 300)
    votes = hide_cheap(votes, bare)
    said = np.where(np.eye(2)[truth] == 1, 0.95, 0.05)
    belief = estimate(votes, TIERS, opinion=lambda _proba, _weight: said)
    assert (belief.label[bare] == truth[bare]).all()
    assert (belief.doubt[bare] < 0.3).all()


def test_a_student_that_knows_only_the_most_common_label_is_not_heard() -> None:
    votes, _ = world(300)
    constant = np.tile([0.6, 0.4], (300, 1))
    heard = estimate(votes, TIERS, opinion=lambda _proba, _weight: constant)
    assert np.array_equal(heard.proba, estimate(votes, TIERS).proba)


def test_the_student_learns_from_answered_rows_and_premium_answers() -> None:
    votes, truth = world(50)
    votes = ask_premium(hide_cheap(votes, np.arange(40, 50)), truth, np.array([0, 45]))
    before = Belief(np.tile([0.1, 0.9], (50, 1)), np.ones(50, np.int64), np.full(50, 0.1))
    seen: list[tuple[np.ndarray, np.ndarray]] = []

    def opinion(proba: np.ndarray, weights: np.ndarray) -> np.ndarray:
        seen.append((proba, weights))
        return np.full((50, 2), 0.5)

    estimate(votes, TIERS, opinion=opinion, before=before)
    proba, weights = seen[0]
    assert np.flatnonzero(weights == 0).tolist() == [40, 41, 42, 43, 44, 46, 47, 48, 49]
    assert proba[[0, 45]].argmax(axis=1).tolist() == truth[[0, 45]].tolist()
    assert (proba[1:40, 1] == 1).all()


def test_rows_without_any_answer_or_student_are_open() -> None:
    votes, _ = world(5)
    belief = estimate(hide_cheap(votes, np.arange(5)), TIERS, opinion=lambda p, _w: p)
    assert np.allclose(belief.proba, 0.5)


def test_labeling_functions_speak_where_no_tier_did() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 200)
    values = np.where(random.random((200, 5)) < 0.85, truth[:, None], 1 - truth[:, None]).astype(np.int16)
    votes = VoteMatrix.from_array(values, cardinality=2)
    assert (estimate(votes, TIERS).label == truth).mean() > 0.9


def test_no_rows_are_no_error() -> None:
    votes, _ = world(3)
    assert estimate(votes.take(np.array([], np.int64)), TIERS).proba.shape == (0, 2)


@pytest.mark.parametrize("k", [2, 4])
def test_a_premium_answer_that_could_not_be_used_teaches_nothing(k: int) -> None:
    votes, truth = world(100, k=k)
    asked = np.array(votes.asked)
    asked[:10, 3] = True
    belief = estimate(replace(votes, asked=asked), TIERS)
    assert (belief.doubt[:10] > 0).all()
    assert (belief.label == truth).mean() > 0.6


def test_of_many_rows_a_sample_teaches_what_sources_agree_on() -> None:
    votes, truth = world(3000)
    belief = estimate(ask_premium(votes, truth, np.arange(100)), TIERS)
    assert (belief.label == truth)[100:].mean() > 0.8
