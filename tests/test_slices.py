"""Slices: every row in exactly one, worst first; the rows to ask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import vote_matrices

from weaksup import LabelSpace, SoftLabels, Source, VoteMatrix
from weaksup.errors import UsageError
from weaksup.label_models import LabelModel
from weaksup.slices import Slice, find_slices, rows_to_ask

SPACE = LabelSpace(["HAM", "SPAM"])


def fitted(votes: VoteMatrix) -> SoftLabels:
    return LabelModel().fit(votes).soft_labels(votes)


def named(values: list[list[int]], sources: tuple[str, ...], p: list[float]) -> tuple[VoteMatrix, SoftLabels]:
    ids = tuple(f"r{i}" for i in range(len(values)))
    votes = VoteMatrix(np.array(values, np.int16), ids, tuple(map(Source, sources)), SPACE)
    proba = np.column_stack([1 - np.array(p), p])
    return votes, SoftLabels(ids, proba, votes.covered, SPACE)


@given(votes=vote_matrices(), most=st.integers(1, 8))
def test_every_row_is_in_exactly_one_slice(votes: VoteMatrix, most: int) -> None:
    slices = find_slices(votes, fitted(votes), max_slices=most)
    rows = np.concatenate([s.rows for s in slices]) if slices else np.empty(0, int)
    assert sorted(rows.tolist()) == list(range(len(votes)))
    assert len(slices) <= most
    assert all(s.size > 0 for s in slices)


@given(votes=vote_matrices())
def test_slices_come_by_the_errors_to_expect(votes: VoteMatrix) -> None:
    soft = fitted(votes)
    slices = find_slices(votes, soft)
    scores = [s.score for s in slices]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx((1 - soft.confidence).sum())
    for s in slices:
        assert s.score == pytest.approx(s.size * s.expected_error)
        assert s.doubt == pytest.approx(1 - soft.confidence[s.rows])
        entropy = -(soft.proba[s.rows] * np.log(np.maximum(soft.proba[s.rows], 1e-300))).sum(axis=1).mean()
        assert s.entropy == pytest.approx(entropy, abs=1e-9)
        assert s.alike.tolist() == [int((votes.values == votes.values[i]).all(axis=1).sum()) for i in s.rows]


@given(votes=vote_matrices())
def test_a_slice_holds_what_its_name_says(votes: VoteMatrix) -> None:
    for s in find_slices(votes, fitted(votes), max_slices=1000):
        for i in s.rows.tolist():
            said = {(votes.names[j], votes.labels.names[v]) for j, v in enumerate(votes.values[i].tolist()) if v >= 0}
            labels = {label for _, label in said}
            assert set(s.votes) <= said
            if s.kind == "conflict":
                assert len({label for _, label in s.votes}) == 2
            elif s.kind == "single":
                assert said == set(s.votes)
            elif s.kind == "agreed":
                assert len(said) > 1
                assert labels == {s.name.removeprefix("agreed ")}
            else:
                assert (s.kind, said) == ("uncovered", set())


@given(votes=vote_matrices(max_rows=20), seed=st.integers(0, 9), limit=st.integers(0, 25))
def test_shuffling_rows_changes_neither_slices_nor_the_rows_to_ask(votes: VoteMatrix, seed: int, limit: int) -> None:
    order = np.random.default_rng(seed).permutation(len(votes))
    moved = votes.take(order)
    one, two = find_slices(votes, fitted(votes), max_slices=4), find_slices(moved, fitted(moved), max_slices=4)
    assert [(s.name, s.size) for s in one] == [(s.name, s.size) for s in two]
    first, second = rows_to_ask(one, ids=votes.ids, limit=limit), rows_to_ask(two, ids=moved.ids, limit=limit)
    assert [votes.ids[i] for i in first] == [moved.ids[i] for i in second]


@given(votes=vote_matrices(), limit=st.integers(0, 40), seed=st.integers(0, 3), data=st.data())
def test_rows_to_ask_are_the_worst_not_asked_before(
    votes: VoteMatrix, limit: int, seed: int, data: st.DataObject
) -> None:
    soft = fitted(votes)
    before = np.array(data.draw(st.lists(st.booleans(), min_size=len(votes), max_size=len(votes))), bool)
    rows = rows_to_ask(find_slices(votes, soft), ids=votes.ids, limit=limit, exclude=before, seed=seed)
    doubt = 1 - soft.confidence
    free = np.flatnonzero(~before)
    assert len(rows) == min(limit, len(free)) == len(set(rows.tolist()))
    assert not before[rows].any()
    assert sorted(doubt[rows].tolist(), reverse=True) == doubt[rows].tolist()
    if 0 < len(rows) < len(free):
        assert doubt[np.setdiff1d(free, rows)].max() <= doubt[rows].min()


@given(votes=vote_matrices(), limit=st.integers(0, 20))
def test_a_higher_limit_only_adds_rows(votes: VoteMatrix, limit: int) -> None:
    slices = find_slices(votes, fitted(votes))
    few, more = (rows_to_ask(slices, ids=votes.ids, limit=n).tolist() for n in (limit, limit + 5))
    assert more[: len(few)] == few


def test_names_say_who_fights_whom() -> None:
    values = [[1, 0, -1]] * 6 + [[-1, -1, 1]] * 3 + [[1, -1, 1]] * 4 + [[-1, -1, -1]]
    p = [0.6] * 6 + [0.7] * 3 + [0.9] * 4 + [0.5]
    slices = find_slices(*named(values, ("has_link", "greeting", "weak_lf"), p))
    assert [(s.name, s.kind, s.size) for s in slices] == [
        ("has_link=SPAM vs greeting=HAM", "conflict", 6),
        ("only weak_lf=SPAM", "single", 3),
        ("uncovered", "uncovered", 1),
        ("agreed SPAM", "agreed", 4),
    ]
    assert slices[0].votes == (("has_link", "SPAM"), ("greeting", "HAM"))
    assert slices[0].score == pytest.approx(2.4)
    assert slices[0].to_json() == {
        "name": "has_link=SPAM vs greeting=HAM",
        "kind": "conflict",
        "votes": [{"source": "has_link", "label": "SPAM"}, {"source": "greeting", "label": "HAM"}],
        "size": 6,
        "expected_error": pytest.approx(0.4),
        "entropy": pytest.approx(0.673, abs=1e-3),
        "score": pytest.approx(2.4),
    }


def test_a_fight_of_many_goes_by_the_two_that_are_in_most_fights() -> None:
    values = [[1, 0, -1]] * 8 + [[1, 0, 0]] * 2
    slices = find_slices(*named(values, ("a", "b", "c"), [0.6] * 10))
    assert [(s.name, s.size) for s in slices] == [("a=SPAM vs b=HAM", 10)]


def test_slices_beyond_the_limit_are_one() -> None:
    values = [[1, 0, -1]] * 6 + [[-1, -1, 1]] * 3 + [[-1, 0, -1]] * 2
    slices = find_slices(*named(values, ("a", "b", "c"), [0.6] * 6 + [0.7] * 3 + [0.2] * 2), max_slices=2)
    assert [(s.name, s.kind, s.size) for s in slices] == [
        ("a=SPAM vs b=HAM", "conflict", 6),
        ("everything else", "rest", 5),
    ]


def test_equal_doubt_goes_to_the_votes_shared_by_more_rows() -> None:
    votes, soft = named([[1, 0], [-1, 1], [-1, 1]], ("a", "b"), [0.6, 0.6, 0.6])
    asked = rows_to_ask(find_slices(votes, soft), ids=votes.ids, limit=2)
    assert sorted(asked.tolist()) == [1, 2]


def test_the_seed_decides_among_equal_rows() -> None:
    votes, soft = named([[1, 0]] * 40, ("a", "b"), [0.6] * 40)
    slices = find_slices(votes, soft)
    first, again, other = (rows_to_ask(slices, ids=votes.ids, limit=5, seed=s).tolist() for s in (0, 0, 1))
    assert first == again != other


def test_no_rows_no_slices() -> None:
    empty = VoteMatrix.from_array(np.empty((0, 2), int))
    assert find_slices(empty, fitted(empty)) == []
    assert rows_to_ask([], ids=(), limit=5).tolist() == []


def test_everything_asked_before_leaves_nothing() -> None:
    votes, soft = named([[1, 0]] * 3, ("a", "b"), [0.6] * 3)
    assert rows_to_ask(find_slices(votes, soft), ids=votes.ids, limit=2, exclude=np.ones(3, bool)).tolist() == []


def test_wrong_use_is_refused_in_one_line() -> None:
    votes, soft = named([[1, 0]], ("a", "b"), [0.6])
    other = SoftLabels(("x",), soft.proba, soft.covered, SPACE)
    renamed = SoftLabels(soft.ids, soft.proba, soft.covered, LabelSpace(["A", "B"]))
    with pytest.raises(UsageError, match="labels of the same rows"):
        find_slices(votes, other)
    with pytest.raises(UsageError, match="label names of the votes"):
        find_slices(votes, renamed)
    with pytest.raises(UsageError, match="max_slices"):
        find_slices(votes, soft, max_slices=0)
    with pytest.raises(UsageError, match="limit of at least 0"):
        rows_to_ask(find_slices(votes, soft), ids=votes.ids, limit=-1)


def test_a_slice_is_what_other_code_imports() -> None:
    votes, soft = named([[1, 0]], ("a", "b"), [0.6])
    assert isinstance(find_slices(votes, soft)[0], Slice)
