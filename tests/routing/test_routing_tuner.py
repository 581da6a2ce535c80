"""The tuner: the queue fits the minutes, one more row would not, and more minutes give the same rows and more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people_rows import SPACE, belief_of, candidates, policies

from weaksup.errors import UsageError
from weaksup.routing.always import LabelRule
from weaksup.routing.people_queue import Candidates, people_queue
from weaksup.routing.policy import Policy
from weaksup.routing.tuner import tune_people

# 60 items an hour: a minute is a row.
minutes_ = st.integers(0, 35)


@given(candidates(), policies(), minutes_)
def test_the_tuned_queue_fits_and_one_more_row_would_not(rows: Candidates, policy: Policy, minutes: int) -> None:
    tuned = tune_people(rows, policy, minutes=minutes, items_per_hour=60)
    queue = tuned.queue
    assert tuned.minutes_used <= minutes
    assert len(queue) == tuned.limit == minutes or (tuned.waiting == 0 and not tuned.short)
    everything = people_queue(rows, tuned.policy)
    assert len(everything) >= len(queue)
    assert set(queue.rows.tolist()) <= set(everything.rows.tolist())
    if len(everything) > len(queue) and not tuned.short:  # only rows that tie with the last one are left out
        own = policy.thresholds(["people"], SPACE)[0][rows.belief.label]
        over = np.setdiff1d(everything.rows, queue.rows)
        last = queue.rows[queue.part == 2][-1]
        assert rows.likely[over] / own[over] == pytest.approx(rows.likely[last] / own[last])


@given(candidates(), policies(), minutes_, st.integers(0, 10))
def test_more_minutes_give_the_same_rows_and_more(rows: Candidates, policy: Policy, minutes: int, more: int) -> None:
    few = tune_people(rows, policy, minutes=minutes, items_per_hour=60)
    many = tune_people(rows, policy, minutes=minutes + more, items_per_hour=60)
    assert many.queue.rows[: len(few.queue)].tolist() == few.queue.rows.tolist()
    assert all(many.thresholds[name] >= few.thresholds[name] for name in SPACE.names)
    assert many.errors_caught >= few.errors_caught


@given(candidates(), policies(), minutes_)
def test_thresholds_keep_the_policys_proportions_up_to_accept(rows: Candidates, policy: Policy, minutes: int) -> None:
    tuned = tune_people(rows, policy, minutes=minutes, items_per_hour=60)
    own, accept = policy.thresholds(["people"], SPACE)[0], policy.accepts(SPACE)
    found = np.array([tuned.thresholds[name] for name in SPACE.names])
    assert (found <= accept).all()
    free = (found < accept) & (own > 0)
    assert found[free] / own[free] == pytest.approx([*(found[free] / own[free])[:1]] * int(free.sum()))
    assert (found[own == 0] == 0).all()
    assert tuned.policy.thresholds(["people"], SPACE)[0] == pytest.approx(found)
    assert (tuned.policy.always, tuned.policy.audit) == (policy.always, policy.audit)


@given(candidates(), policies(), minutes_)
def test_with_one_threshold_the_tuned_policy_gives_the_tuned_queue(
    rows: Candidates, policy: Policy, minutes: int
) -> None:
    policy = replace(policy, labels={})
    tuned = tune_people(rows, policy, minutes=minutes, items_per_hour=60)
    again = people_queue(rows, tuned.policy, limit=tuned.limit)
    assert again.rows.tolist() == tuned.queue.rows.tolist()
    assert again.reasons == tuned.queue.reasons


@given(candidates(), policies(), minutes_)
def test_rules_and_audit_come_before_the_thresholds(rows: Candidates, policy: Policy, minutes: int) -> None:
    tuned = tune_people(rows, policy, minutes=minutes, items_per_hour=60)
    sizes = people_queue(rows, policy).sizes
    assert tuned.fixed_rows == sizes["always"] + sizes["audit"] == tuned.fixed_minutes
    assert tuned.short == (tuned.fixed_rows > minutes)
    if tuned.short:
        assert tuned.queue.sizes["doubt"] == 0
        left = tuned.queue.left_out
        assert left["always"] + left["audit"] == tuned.fixed_rows - minutes


@settings(max_examples=200)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.01, 1), st.integers(0, 12))
def test_thresholds_part_rows_that_differ_by_the_last_bit(likely: list[float], own: float, minutes: int) -> None:
    rows = Candidates(belief_of([0] * len(likely), likely), SPACE, list(map(str, range(len(likely)))))
    tuned = tune_people(rows, Policy(1.0, {"people": own}), minutes=minutes, items_per_hour=60)
    assert len(tuned.queue) == min(minutes, int((rows.likely < 1).sum()))
    assert (rows.likely[tuned.queue.rows] <= tuned.thresholds["A"] + 1e-12).all()


def test_thresholds_fall_where_there_is_little_time_and_rise_where_there_is_much() -> None:
    likely = [i / 100 for i in range(100)]
    rows = Candidates(belief_of([0] * 100, likely), SPACE, list(map(str, range(100))))
    policy = Policy(0.9, {"people": 0.5})
    few, same, much = (tune_people(rows, policy, minutes=m, items_per_hour=300) for m in (2, 10, 100))
    assert [len(t.queue) for t in (few, same, much)] == [10, 50, 90]
    assert few.thresholds["A"] == pytest.approx(0.095)
    assert same.thresholds["A"] == pytest.approx(0.495)
    assert much.thresholds["A"] == 0.9
    assert much.minutes_used == 18
    assert (few.waiting, much.waiting) == (80, 0)
    assert few.errors_caught == pytest.approx(sum(1 - p for p in likely[:10]))
    assert few.policy.below == {"people": few.thresholds["A"]}


def test_rules_that_need_more_than_the_minutes_are_told_and_cut() -> None:
    rows = Candidates(belief_of([2] * 5 + [0] * 5, [0.5] * 10), SPACE, list(map(str, range(10))))
    tuned = tune_people(rows, Policy(always=(LabelRule("C"),)), minutes=3, items_per_hour=60)
    assert tuned.short
    assert (tuned.fixed_minutes, len(tuned.queue), tuned.waiting) == (5, 3, 5)
    assert tuned.thresholds == {"A": 0, "B": 0, "C": 0}
    told = tuned.to_json()
    assert told["short"] is True
    assert told["queue"]["left_out"] == {"always": 2, "audit": 0, "doubt": 0, "student": 0}


@pytest.mark.parametrize(("minutes", "rate"), [(-1, 60), (float("nan"), 60), (10, 0), (10, float("inf")), (1, -5)])
def test_impossible_minutes_and_rates_are_refused(minutes: float, rate: float) -> None:
    rows = Candidates(belief_of([0], [0.5]), SPACE, ["a"])
    with pytest.raises(UsageError, match="expected minutes of 0 or more and items per hour above 0"):
        tune_people(rows, Policy(), minutes=minutes, items_per_hour=rate)


def test_no_rows_need_no_minutes() -> None:
    tuned = tune_people(Candidates(belief_of([], []), SPACE, []), Policy(), minutes=10, items_per_hour=60)
    assert (len(tuned.queue), tuned.minutes_used, tuned.short) == (0, 0, False)
