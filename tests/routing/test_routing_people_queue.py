"""The queue for people: rules first, then the audit, then the most doubtful."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from people_rows import SPACE, belief_of, candidates, policies

from weaksup.errors import UsageError
from weaksup.routing.always import FieldRule, LabelRule, SliceRule
from weaksup.routing.people_queue import Candidates, audited_rows, people_queue
from weaksup.routing.policy import LabelPolicy, Policy
from weaksup.routing.value import Belief

limits = st.none() | st.integers(0, 35)


@given(candidates(), policies(), limits)
def test_every_row_is_in_the_queue_once_for_a_reason_that_holds(rows: Candidates, policy: Policy, limit: int) -> None:
    queue = people_queue(rows, policy, limit=limit)
    assert len(set(queue.rows.tolist())) == len(queue) == len(queue.reasons) == len(queue.part)
    assert limit is None or len(queue) <= limit
    threshold = policy.thresholds(["people"], SPACE)[0]
    for i, reason, part in zip(queue.rows.tolist(), queue.reasons, queue.part.tolist(), strict=True):
        label, likely = int(rows.belief.label[i]), float(rows.likely[i])
        assert rows.asked is None or not rows.asked[i]
        if part == 0:
            caught = {"C": label == 2, "7": rows.fields["amount"][i] > 7, "3": rows.fields["amount"][i] == 3}
            assert reason.startswith("always: ")
            assert caught[reason[-1]]
        elif part == 1:
            assert reason == "audit"
            assert likely >= policy.accepts(SPACE)[label]
        else:
            assert reason.startswith("below ")
            assert likely < threshold[label]


@given(candidates(), policies(), limits)
def test_the_parts_come_in_order_and_what_does_not_fit_is_counted(rows: Candidates, policy: Policy, limit: int) -> None:
    whole, cut = people_queue(rows, policy), people_queue(rows, policy, limit=limit)
    assert (np.diff(whole.part) >= 0).all()
    assert cut.rows.tolist() == whole.rows[:limit].tolist()
    assert {part: cut.sizes[part] + n for part, n in cut.left_out.items()} == whole.sizes
    assert not any(whole.left_out.values())
    assert whole.expected_errors == pytest.approx(rows.belief.doubt[whole.rows].sum())
    threshold = policy.thresholds(["people"], SPACE)[0]
    doubtful = whole.rows[whole.part == 2]
    assert (np.diff(rows.likely[doubtful] / threshold[rows.belief.label[doubtful]]) >= 0).all()


@given(candidates(), policies())
def test_a_row_that_is_called_is_in_the_queue_unless_people_saw_it(rows: Candidates, policy: Policy) -> None:
    queued = np.isin(np.arange(len(rows)), people_queue(rows, policy).rows)
    fresh = np.ones(len(rows), np.bool_) if rows.asked is None else ~rows.asked
    doubtful = rows.likely < policy.thresholds(["people"], SPACE)[0][rows.belief.label]
    assert queued[doubtful & fresh].all()
    assert (queued[audited_rows(rows, policy)] == fresh[audited_rows(rows, policy)]).all()
    assert not queued[~fresh].any()


@given(candidates(), policies(), limits, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(rows: Candidates, policy: Policy, limit: int, random: object) -> None:
    order = np.array(random.sample(range(len(rows)), len(rows)), np.int64)  # type: ignore[attr-defined]
    moved = Candidates(
        Belief(rows.belief.proba[order], rows.belief.label[order], rows.belief.doubt[order]),
        SPACE,
        [rows.ids[i] for i in order.tolist()],
        {"amount": [rows.fields["amount"][i] for i in order.tolist()]},
        asked=None if rows.asked is None else rows.asked[order],
    )
    one, two = people_queue(rows, policy, limit=limit), people_queue(moved, policy, limit=limit)
    assert [rows.ids[i] for i in one.rows.tolist()] == [moved.ids[i] for i in two.rows.tolist()]
    assert one.reasons == two.reasons


def test_the_audit_draws_the_same_rows_whatever_else_there_is() -> None:
    ids = [str(i) for i in range(20_000)]
    sure = Candidates(belief_of([0] * 20_000, [0.95] * 20_000), SPACE, ids)
    policy = Policy(audit=0.1)
    drawn = audited_rows(sure, policy)
    assert drawn.sum() == pytest.approx(2000, abs=150)  # more than 3 standard deviations
    part = Candidates(belief_of([0] * 500, [0.95] * 500), SPACE, ids[:500])
    assert (audited_rows(part, policy) == drawn[:500]).all()
    larger = audited_rows(sure, replace(policy, audit=0.2))
    assert (larger >= drawn).all()
    other = audited_rows(sure, replace(policy, seed=1))
    assert (other & drawn).sum() == pytest.approx(200, abs=60)


def test_a_queue_says_why_each_row_is_there() -> None:
    belief = belief_of([0, 0, 1, 2, 0, 1], [0.95, 0.4, 0.6, 0.99, 0.45, 0.95])
    rows = Candidates(belief, SPACE, list("abcdef"), {"amount": ["1", "2", "3", "4", "20000", None]})
    policy = Policy(
        below={"people": 0.5},
        labels={"B": LabelPolicy(0.98, {"people": 0.725})},
        always=(LabelRule("C"), FieldRule("amount", "above", 10000.0)),
        audit=1.0,
    )
    queue = people_queue(rows, policy)
    assert [(rows.ids[i], reason) for i, reason in zip(queue.rows.tolist(), queue.reasons, strict=True)] == [
        ("e", "always: amount above 10000"),
        ("d", "always: label C"),
        ("a", "audit"),
        ("b", "below 0.50"),  # .4 / .5 is less than .6 / .725
        ("c", "below 0.725"),
    ]
    assert queue.sizes == {"always": 2, "audit": 1, "doubt": 2, "student": 0}
    assert people_queue(rows, policy, limit=1).left_out == {"always": 1, "audit": 1, "doubt": 2, "student": 0}
    assert queue.to_json()["reasons"]["audit"] == 1


def test_the_first_rule_that_catches_a_row_is_its_reason() -> None:
    rows = Candidates(belief_of([2], [0.5]), SPACE, ["a"], {"amount": [9]})
    rules = (FieldRule("amount", "above", 7), LabelRule("C"))
    assert people_queue(rows, Policy(always=rules)).reasons == ("always: amount above 7",)
    assert people_queue(rows, Policy(always=rules[::-1])).reasons == ("always: label C",)


def test_a_row_exactly_as_likely_as_accept_is_left_alone_and_may_be_audited() -> None:
    rows = Candidates(belief_of([0, 1], [0.75, 0.5]), SPACE, ["a", "b"])
    assert people_queue(rows, Policy(0.75, audit=1.0)).reasons == ("audit", "below 0.75")


def test_a_slice_that_there_is_not_is_told() -> None:
    rows = Candidates(belief_of([0], [0.5]), SPACE, ["a"])
    queue = people_queue(rows, Policy(always=(SliceRule("uncoverd"), SliceRule("uncovered"))))
    assert queue.notes == (
        "always: no slice uncoverd now, so it sends no row to people; kinds are conflict, single, agreed, uncovered",
    )


def test_a_tier_that_the_policy_does_not_name_is_asked_about_all_that_is_not_accepted() -> None:
    rows = Candidates(belief_of([0, 0], [0.85, 0.95]), SPACE, ["a", "b"])
    assert people_queue(rows, Policy(below={"qa": 0.3}), tier="desk").rows.tolist() == [0]


def test_no_rows_make_an_empty_queue() -> None:
    rows = Candidates(belief_of([], []), SPACE, [])
    queue = people_queue(rows, Policy(audit=0.5, always=(LabelRule("A"),)), limit=3)
    assert (len(queue), queue.reasons, queue.expected_errors) == (0, (), 0.0)


def test_what_does_not_fit_together_is_refused() -> None:
    belief = belief_of([0], [0.5])
    with pytest.raises(UsageError, match="expected ids for 1 rows, got 2 ids"):
        Candidates(belief, SPACE, ["a", "b"])
    with pytest.raises(UsageError, match="got 1 ids and 3 marks of rows asked"):
        Candidates(belief, SPACE, ["a"], asked=np.zeros(3, np.bool_))
    with pytest.raises(UsageError, match="expected a limit of at least 0 rows, got -1"):
        people_queue(Candidates(belief, SPACE, ["a"]), Policy(), limit=-1)


def test_labels_that_a_student_denies_come_before_the_doubtful_and_only_once() -> None:
    proba = np.array([[0.9, 0.05, 0.05]] * 4 + [[0.6, 0.2, 0.2]] * 2)
    belief = Belief(proba, np.zeros(6, np.int64), 1 - proba[:, 0])
    denied = np.array([True, False, True, False, True, False])
    asked = np.array([True] + [False] * 5)
    rows = Candidates(belief, SPACE, tuple("abcdef"), asked=asked, denied=denied)
    queue = people_queue(rows, Policy(below={"people": 0.7}))
    assert queue.rows.tolist() == [4, 2, 5]
    assert queue.reasons == ("student disagrees", "student disagrees", "below 0.70")
    assert queue.sizes == {"always": 0, "audit": 0, "doubt": 1, "student": 2}
