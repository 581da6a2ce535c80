"""What the terminal says of people: the queue, the thresholds, agreement, the audit."""

from __future__ import annotations

import numpy as np
import pytest

from weaksup.cli import render
from weaksup.cli.policy_text import (
    agreement_table,
    audit_lines,
    audit_table,
    queue_lines,
    queue_table,
    tuned_lines,
    tuned_table,
)
from weaksup.labels import LabelSpace
from weaksup.routing.agreement import measure_agreement
from weaksup.routing.always import LabelRule, SliceRule
from weaksup.routing.audit import AuditScore
from weaksup.routing.people_queue import Candidates, people_queue
from weaksup.routing.policy import Policy
from weaksup.routing.tuner import tune_people
from weaksup.routing.value import Belief
from weaksup.votes import Source, VoteMatrix

SPACE = LabelSpace(["A", "B"])
LIKELY = np.array([0.3, 0.4, 0.6, 0.95])
BELIEF = Belief(np.column_stack([LIKELY, 1 - LIKELY]), np.array([0, 0, 0, 1]), 1 - LIKELY)
ROWS = Candidates(BELIEF, SPACE, list("abcd"))
POLICY = Policy(below={"people": 0.5}, always=(LabelRule("B"),))


def test_a_queue_is_told_with_its_reasons_and_what_did_not_fit() -> None:
    assert queue_lines(people_queue(ROWS, POLICY)) == [
        "3 rows for people: 1 sent by the rules, 2 in doubt; about 1.4 wrong labels among them"
    ]
    assert queue_lines(people_queue(ROWS, POLICY, limit=1))[1] == "did not fit: 2 in doubt"
    assert queue_table(people_queue(ROWS, POLICY))[2] == [("always: label B", 1), ("below 0.50", 2)]
    assert queue_lines(people_queue(ROWS, POLICY, limit=0))[0] == "0 rows for people"
    note = queue_lines(people_queue(ROWS, Policy(always=(SliceRule("nowhere"),))))[-1]
    assert note.startswith("always: no slice nowhere now")


def test_tuning_is_told_with_the_minutes_and_plainly_when_the_rules_need_more() -> None:
    tuned = tune_people(ROWS, POLICY, minutes=2, items_per_hour=60)
    assert tuned_lines(tuned) == [
        "2 rows for people: 2 of 2 minutes used, at 60 an hour; 1 of them by the rules and the audit (1 row)",
        "2 more rows not sure enough to be left alone did not fit",
        "about 0.8 wrong labels to expect in the queue",
    ]
    assert tuned_table(tuned)[2] == [("A", 0.35), ("B", 0.35)]
    short = tune_people(ROWS, Policy(always=(LabelRule("A"),)), minutes=1, items_per_hour=60)
    assert tuned_lines(short)[-1] == (
        "the rules and the audit alone send 3 rows, 3 minutes of people: 2 of them do not fit into 1 minutes, "
        "nor does any row in doubt; give people more time, or loosen the rules"
    )
    assert queue_lines(short.queue)[-1] == tuned_lines(short)[-1]


def test_agreement_is_told_pair_by_pair(capsys: pytest.CaptureFixture[str]) -> None:
    values = np.array([[0, 0, 0], [0, 1, 1], [1, 1, -1], [0, 0, -1]], np.int16)
    sources = (Source("cheap", "tier"), Source("premium", "tier"), Source("ann", "person"))
    votes = VoteMatrix(values, tuple("abcd"), sources, SPACE)
    title, columns, rows = agreement_table(measure_agreement(votes, np.array([0, 1, 1, 0])))
    assert title == "Agreement, on the rows that both answered"
    assert rows[0] == ("cheap", "premium", 4, "75.0%", "30.1% to 95.4%", "0.50", "-0.40 to 0.91", "A / B (1)")
    assert rows[-1][:3] == ("ann", "final label", 2)
    render.table(title, columns, rows)
    assert "premium" in capsys.readouterr().out


def test_only_the_pairs_with_most_rows_are_shown() -> None:
    values = np.zeros((2, 10), np.int16)
    votes = VoteMatrix(values, ("a", "b"), tuple(Source(f"s{j}", "tier") for j in range(10)), SPACE)
    title, _, rows = agreement_table(measure_agreement(votes))
    assert title == "Agreement, on the rows that both answered; the 30 of 45 pairs with most of them"
    assert len(rows) == 30
    assert rows[0][5:7] == ("-", "-")  # one label throughout: nothing beyond chance to measure


def test_the_audit_is_told_with_its_interval() -> None:
    score = AuditScore(40, 38, 2, {"A": (30, 30), "B": (10, 8), "C": (0, 0)})
    assert audit_lines(score) == [
        "audit: 38 of 40 rows checked were right: 95.0% of the labels left alone are right (83.5% to 98.6%); "
        "2 more wait for an answer"
    ]
    assert audit_table(score)[2] == [("A", 30, 30, 1.0), ("B", 10, 8, 0.8)]
    empty = AuditScore(0, 0, 3, {"A": (0, 0)})
    assert audit_lines(empty) == [
        "audit: no row was checked; 3 more wait for an answer; nothing is known yet of the labels left alone"
    ]
