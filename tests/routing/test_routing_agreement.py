"""Agreement between tiers and with people, and the accuracy that the audit finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import told_votes

from weaksup.errors import UsageError
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.metrics import wilson
from weaksup.routing.agreement import FINAL, measure_agreement, people_labels
from weaksup.routing.audit import audited_accuracy, draws
from weaksup.routing.people_queue import Candidates, audited_rows, people_queue
from weaksup.routing.policy import Policy
from weaksup.routing.value import Belief
from weaksup.votes import Source, SourceKind, VoteMatrix

SPACE = LabelSpace(["A", "B", "C"])


def votes_of(columns: dict[str, tuple[SourceKind, list[int]]]) -> VoteMatrix:
    values = np.array([said for _, said in columns.values()], np.int16).T
    sources = tuple(Source(name, kind) for name, (kind, _) in columns.items())
    return VoteMatrix(values, tuple(map(str, range(len(values)))), sources, SPACE)


@given(told_votes())
def test_pairs_count_the_rows_that_both_answered(votes: VoteMatrix) -> None:
    kinds = {source.name: source.kind for source in votes.sources}
    for pair in measure_agreement(votes).pairs:
        one, two = (votes.values[:, votes.names.index(name)] for name in (pair.first, pair.second))
        both = (one >= 0) & (two >= 0)
        assert pair.rows == both.sum() > 0
        assert pair.share == pytest.approx((one == two)[both].mean())
        assert "lf" not in pair.kinds
        assert pair.kinds == (kinds[pair.first], kinds[pair.second])
        assert pair.interval[0] <= (one == two)[both].mean() <= pair.interval[1]
        assert sum(n for *_, n in pair.splits) <= pair.rows - pair.agreed
        assert [n for *_, n in pair.splits] == sorted((n for *_, n in pair.splits), reverse=True)


@given(told_votes())
def test_kappa_is_that_of_scikit_learn(votes: VoteMatrix) -> None:
    from sklearn.metrics import cohen_kappa_score

    for pair in measure_agreement(votes).pairs:
        one, two = (votes.values[:, votes.names.index(name)] for name in (pair.first, pair.second))
        both = (one >= 0) & (two >= 0)
        if pair.kappa is None:
            assert len({*one[both].tolist(), *two[both].tolist()}) == 1
            assert pair.kappa_interval is None
            continue
        assert pair.kappa == pytest.approx(cohen_kappa_score(one[both], two[both]))
        assert pair.kappa_interval is not None
        low, high = pair.kappa_interval
        assert -1 <= low <= pair.kappa <= high <= 1 + 1e-12


@given(told_votes())
def test_swapping_two_sources_swaps_the_pair(votes: VoteMatrix) -> None:
    back = votes.values[:, ::-1], votes.sources[::-1]
    other = VoteMatrix(back[0], votes.ids, back[1], votes.labels)
    found = {(p.first, p.second): p for p in measure_agreement(other).pairs}
    for pair in measure_agreement(votes).pairs:
        twin = found[pair.second, pair.first]
        assert (twin.rows, twin.agreed) == (pair.rows, pair.agreed)
        assert twin.chance == pytest.approx(pair.chance)


def test_an_interval_of_kappa_holds_the_true_one_about_19_times_of_20() -> None:
    rng, held = np.random.default_rng(0), 0
    table = np.array([[0.5, 0.08, 0.02], [0.05, 0.2, 0.02], [0.01, 0.02, 0.1]])
    chance = table.sum(axis=1) @ table.sum(axis=0)
    true = (np.trace(table) - chance) / (1 - chance)
    for _ in range(300):
        cells = rng.choice(9, 120, p=table.ravel())
        votes = votes_of({"x": ("tier", (cells // 3).tolist()), "y": ("tier", (cells % 3).tolist())})
        interval = measure_agreement(votes).pairs[0].kappa_interval
        assert interval is not None
        held += interval[0] <= true <= interval[1]
    assert held >= 276  # 92 %: two standard deviations and a half below 95 %


def test_sources_that_never_differ_still_have_an_interval_of_some_width() -> None:
    votes = votes_of({"x": ("tier", [0, 1, 0, 1]), "y": ("person", [0, 1, 0, 1])})
    pair = measure_agreement(votes).pairs[0]
    assert (pair.kappa, pair.splits) == (1.0, ())
    assert pair.kappa_interval is not None
    assert pair.kappa_interval[0] < 0.1


def test_where_two_sources_disagree_most_is_named() -> None:
    votes = votes_of({"x": ("tier", [0, 0, 0, 1, 2, 1]), "y": ("student", [1, 1, 0, 0, 2, -1])})
    pair = measure_agreement(votes).pairs[0]
    assert pair.splits == (("A", "B", 2), ("B", "A", 1))
    assert pair.to_json()["splits"][0] == {"first": "A", "second": "B", "rows": 2}


def test_people_are_compared_with_the_labels_in_the_end() -> None:
    votes = votes_of({"lf": ("lf", [0, 0, 0, 0]), "x": ("tier", [0, 1, 2, 0]), "ann": ("person", [0, -1, 1, -1])})
    found = measure_agreement(votes, np.array([0, 1, 2, ABSTAIN]))
    assert [(p.first, p.second, p.rows) for p in found.pairs] == [("x", "ann", 2)]
    assert [(p.first, p.second, p.rows, p.agreed) for p in found.final] == [("ann", FINAL, 2, 1)]
    assert found.to_json()["final"][0]["kinds"] == ["person", "final"]
    assert measure_agreement(votes).final == ()
    with pytest.raises(UsageError, match="expected 4 final labels, got 1"):
        measure_agreement(votes, np.array([0]))


def test_no_answers_make_no_pairs() -> None:
    votes = votes_of({"x": ("tier", [-1, -1]), "y": ("person", [0, 1])})
    assert measure_agreement(votes, np.array([ABSTAIN] * 2)).to_json() == {"pairs": [], "final": []}


def test_people_who_are_divided_say_nothing() -> None:
    votes = votes_of(
        {
            "x": ("tier", [2, 2, 2, 2]),
            "ann": ("person", [0, 0, -1, -1]),
            "bo": ("person", [1, 0, 1, -1]),
            "cy": ("person", [1, 1, -1, -1]),
        }
    )
    assert people_labels(votes).tolist() == [1, 0, 1, ABSTAIN]
    assert people_labels(replace(votes.take(np.array([0])), sources=votes.sources[:4])).tolist() == [1]
    divided = votes_of({"ann": ("person", [0, 1]), "bo": ("person", [1, 1])})
    assert people_labels(divided).tolist() == [ABSTAIN, 1]
    assert people_labels(votes_of({"x": ("tier", [0])})).tolist() == [ABSTAIN]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 2), st.booleans()), max_size=30))
def test_only_rows_of_the_audit_that_people_answered_count(cells: list[tuple[int, int, bool]]) -> None:
    label, people, audited = (np.array([c[i] for c in cells], int) for i in range(3))
    score = audited_accuracy(label, people, audited.astype(bool), labels=SPACE)
    kept = [(given, said) for given, said, drawn in cells if drawn]
    assert score.rows == sum(said >= 0 for _, said in kept)
    assert score.right == sum(given == said for given, said in kept)
    assert score.unanswered == sum(said < 0 for _, said in kept)
    assert score.interval == wilson(score.right, score.rows)
    assert sum(n for n, _ in score.by_label.values()) == score.rows
    assert sum(n for _, n in score.by_label.values()) == score.right
    assert score.to_json()["accuracy"] == score.accuracy


def test_the_audit_is_unbiased_where_the_whole_queue_is_not() -> None:
    n, rng = 20_000, np.random.default_rng(1)
    likely = rng.uniform(0.4, 1, n)
    right = rng.random(n) < likely
    truth = np.where(right, 0, 1)
    belief = Belief(np.column_stack([likely, 1 - likely, 0 * likely]), np.zeros(n, np.int64), 1 - likely)
    rows = Candidates(belief, SPACE, list(map(str, range(n))))
    policy = Policy(0.8, {"people": 0.6}, audit=0.1)
    seen = people_queue(rows, policy).rows
    people = np.full(n, ABSTAIN)
    people[seen] = truth[seen]
    score = audited_accuracy(belief.label, people, audited_rows(rows, policy), labels=SPACE)
    accepted = right[likely >= 0.8].mean()
    low, high = score.interval
    assert score.unanswered == 0
    assert low <= accepted <= high
    assert right[seen].mean() < low  # all that people saw would have misled


def test_an_audit_that_nobody_answered_claims_nothing() -> None:
    score = audited_accuracy(np.array([0]), np.array([ABSTAIN]), np.array([True]), labels=SPACE)
    assert (score.accuracy, score.interval, score.unanswered) == (None, (0.0, 1.0), 1)
    with pytest.raises(UsageError, match="expected arrays of one length, got 1, 2 and 1"):
        audited_accuracy(np.array([0]), np.array([0, 1]), np.array([True]), labels=SPACE)


def test_draws_are_even_and_depend_on_the_id_and_the_seed_alone() -> None:
    ids = [*map(str, range(10_000)), "ключ", "\ud800"]
    found = draws(ids, 0)
    assert ((found >= 0) & (found < 1)).all()
    assert np.histogram(found, 10, (0, 1))[0].min() > 850
    assert (draws(ids[::-1], 0)[::-1] == found).all()
    assert not (draws(ids, 1) == found).any()
    assert draws([], 0).shape == (0,)
