from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import told_votes

from weaksup.errors import UsageError
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.routing import Belief, Ladder, estimate, gain
from weaksup.votes import Source, VoteMatrix

LADDER = Ladder(("cheap", "premium"), ("other", "third"))
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
    belief = estimate(votes, Ladder((votes.names[0], votes.names[-1]) if len(votes.names) > 1 else ("s", "t")))
    assert belief.proba.shape == (len(votes), len(votes.labels))
    assert np.allclose(belief.proba.sum(axis=1), 1)
    assert (belief.label == belief.proba.argmax(axis=1)).all()
    assert ((belief.doubt >= 0) & (belief.doubt <= 1)).all()


@settings(max_examples=40)
@given(told_votes())
def test_a_premium_answer_is_the_label_and_leaves_no_doubt(votes: VoteMatrix) -> None:
    premium = votes.names[-1]
    belief = estimate(votes, Ladder(("nobody", premium)))
    said = votes.values[:, -1] != ABSTAIN
    assert (belief.label[said] == votes.values[said, -1]).all()
    assert (belief.doubt[said] == 0).all()


def test_permuting_rows_permutes_beliefs() -> None:
    votes, truth = world()
    votes = ask_premium(votes, truth, np.arange(60))
    order = np.random.default_rng(1).permutation(len(votes))
    one, two = estimate(votes, LADDER), estimate(votes.take(order), LADDER)
    assert np.allclose(one.proba[order], two.proba, atol=1e-3)


def test_sources_that_agree_are_believed_more_than_the_cheap_one_alone() -> None:
    votes, truth = world()
    belief = estimate(votes, LADDER)
    said = votes.values[:, :3]
    same = (said == said[:, :1]).all(axis=1)
    assert belief.doubt[same].mean() < belief.doubt[~same].mean()
    taught = estimate(ask_premium(votes, truth, np.flatnonzero(~same)[:80]), LADDER)
    rest = np.setdiff1d(np.arange(400), np.flatnonzero(~same)[:80])
    assert (taught.label == truth)[rest].mean() > (said[:, 0] == truth)[rest].mean()


def test_premium_answers_teach_which_cheap_votes_are_wrong() -> None:
    votes, truth = world(600)
    values = votes.values.copy()
    values[:, 0] = np.where(values[:, 0] == 1, 1, np.where(np.random.default_rng(3).random(600) < 0.6, 1, 0))
    votes = replace(votes, values=values)  # the cheap tier says c1 for most of c0: its c0 is good, its c1 is not
    taught = estimate(ask_premium(votes, truth, np.arange(200)), LADDER)
    rest = np.arange(200, 600)
    before = (estimate(votes, LADDER).label == truth)[rest].mean()
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
    belief = estimate(alone, Ladder(("cheap", "premium")))
    low = confidence[:, 0] < np.median(confidence[:, 0])
    assert belief.doubt[low].mean() > belief.doubt[~low].mean()


def test_a_student_judges_the_rows_that_nobody_answered() -> None:
    votes, truth = world(300)
    bare = np.arange(200, 300)
    votes = hide_cheap(votes, bare)
    said = np.where(np.eye(2)[truth] == 1, 0.95, 0.05)
    belief = estimate(votes, LADDER, opinion=lambda _proba, _weight: said)
    assert (belief.label[bare] == truth[bare]).all()
    assert (belief.doubt[bare] < 0.3).all()


def test_a_student_that_knows_only_the_most_common_label_is_not_heard() -> None:
    votes, _ = world(300)
    constant = np.tile([0.6, 0.4], (300, 1))
    heard = estimate(votes, LADDER, opinion=lambda _proba, _weight: constant)
    assert np.array_equal(heard.proba, estimate(votes, LADDER).proba)


def test_the_student_learns_from_answered_rows_and_premium_answers() -> None:
    votes, truth = world(50)
    votes = ask_premium(hide_cheap(votes, np.arange(40, 50)), truth, np.array([0, 45]))
    before = Belief(np.tile([0.1, 0.9], (50, 1)), np.ones(50, np.int64), np.full(50, 0.1))
    seen: list[tuple[np.ndarray, np.ndarray]] = []

    def opinion(proba: np.ndarray, weights: np.ndarray) -> np.ndarray:
        seen.append((proba, weights))
        return np.full((50, 2), 0.5)

    estimate(votes, LADDER, opinion=opinion, before=before)
    proba, weights = seen[0]
    assert np.flatnonzero(weights == 0).tolist() == [40, 41, 42, 43, 44, 46, 47, 48, 49]
    assert proba[[0, 45]].argmax(axis=1).tolist() == truth[[0, 45]].tolist()
    assert (proba[1:40, 1] == 1).all()


def test_rows_without_any_answer_or_student_are_open() -> None:
    votes, _ = world(5)
    belief = estimate(hide_cheap(votes, np.arange(5)), LADDER, opinion=lambda p, _w: p)
    assert np.allclose(belief.proba, 0.5)


def test_labeling_functions_speak_where_no_tier_did() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 200)
    values = np.where(random.random((200, 5)) < 0.85, truth[:, None], 1 - truth[:, None]).astype(np.int16)
    votes = VoteMatrix.from_array(values, cardinality=2)
    assert (estimate(votes, LADDER).label == truth).mean() > 0.9


def test_no_rows_are_no_error() -> None:
    votes, _ = world(3)
    assert estimate(votes.take(np.array([], np.int64)), LADDER).proba.shape == (0, 2)


@pytest.mark.parametrize("k", [2, 4])
def test_a_premium_answer_that_could_not_be_used_teaches_nothing(k: int) -> None:
    votes, truth = world(100, k=k)
    asked = np.array(votes.asked)
    asked[:10, 3] = True
    belief = estimate(replace(votes, asked=asked), LADDER)
    assert (belief.doubt[:10] > 0).all()
    assert (belief.label == truth).mean() > 0.6


def test_of_many_rows_a_sample_teaches_what_sources_agree_on() -> None:
    votes, truth = world(3000)
    belief = estimate(ask_premium(votes, truth, np.arange(100)), LADDER)
    assert (belief.label == truth)[100:].mean() > 0.8


@given(st.floats(0, 1), st.floats(0, 1))
def test_an_answer_never_adds_error_and_takes_no_more_than_there_is(doubt: float, error: float) -> None:
    drop = float(gain(np.array([doubt]), error)[0])
    assert 0 <= drop <= doubt


def test_people_overrule_the_teacher_and_gold_overrules_people() -> None:
    votes, truth = world(60)
    votes = ask_premium(votes, 1 - truth, np.arange(60))  # a teacher that is always wrong
    votes = votes.with_source(Source("desk", "person"), {str(i): int(truth[i]) for i in range(20)})
    gold = np.full(60, ABSTAIN, np.int64)
    gold[:5] = 1 - truth[:5]
    ladder = Ladder(("cheap", "premium"), ("other", "third"), people="desk")
    belief = estimate(votes, ladder, gold=gold)
    assert (belief.label[:5] == gold[:5]).all()
    assert (belief.label[5:20] == truth[5:20]).all()
    assert (belief.doubt[:20] == 0).all()
    assert belief.doubt[20:].mean() > 0.25  # people showed that the teacher is not to be trusted
    assert belief.label[20:].tolist() == (1 - truth)[20:].tolist()


def test_with_people_to_ask_a_teacher_against_all_evidence_is_doubted() -> None:
    votes, truth = world(300)
    same = np.flatnonzero((votes.values[:, :3] == votes.values[:, :1]).all(axis=1))
    votes = ask_premium(votes, truth, np.arange(300))
    values = votes.values.copy()
    odd = same[:5]
    values[odd, 3] = 1 - values[odd, 0]
    ladder = Ladder(("cheap", "premium"), ("other", "third"), people="desk")
    doubt = estimate(replace(votes, values=values), ladder).doubt
    assert doubt[odd].mean() > 2 * doubt.mean()


def test_a_middle_answer_is_believed_over_the_cheap_one() -> None:
    values = np.array([[0, -1, -1]] * 20 + [[0, 1, -1]] * 20, np.int16)
    sources = tuple(Source(name, "tier") for name in ("cheap", "middle", "premium"))
    votes = VoteMatrix(values, tuple(map(str, range(40))), sources, LabelSpace(["a", "b"]), values != ABSTAIN)
    belief = estimate(votes, Ladder(("cheap", "middle", "premium")))
    assert belief.label.tolist() == [0] * 20 + [1] * 20


def test_where_nobody_answered_labeling_functions_and_the_student_speak_together() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 400)
    values = np.where(random.random((400, 4)) < 0.8, truth[:, None], 1 - truth[:, None]).astype(np.int16)
    votes = VoteMatrix.from_array(values, cardinality=2)
    votes = votes.with_source(Source("cheap", "tier"), {votes.ids[i]: int(truth[i]) for i in range(100)})
    said = np.where((random.random(400) < 0.8)[:, None], np.eye(2)[truth], 1 - np.eye(2)[truth]) * 0.8 + 0.1
    alone = estimate(votes, LADDER)
    both = estimate(votes, LADDER, opinion=lambda _proba, _weight: said)
    bare = slice(100, 400)
    assert (both.label == truth)[bare].mean() > max((alone.label == truth)[bare].mean(), 0.85)


def test_a_ladder_needs_two_tiers() -> None:
    with pytest.raises(UsageError, match="expected at least two tiers to route between, got 1"):
        Ladder(("cheap",))
