"""Multi-label votes, label sets and their files: what a vote may be, round trips, one line for each wrong use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from strategies import label_names, multi_votes

from weaksup.errors import UsageError, VoteError
from weaksup.label_sets import SIDES, SoftLabelSets
from weaksup.labels import LabelSpace, SoftLabels, encode_gold, read_lineage
from weaksup.multi_votes import MultiVotes, read_votes
from weaksup.votes import Source, VoteMatrix

TOPICS = LabelSpace(["billing", "refund", "bug"], multi=True)


def _asked(votes: VoteMatrix | MultiVotes) -> Any:
    return np.ones(votes.values.shape[:2], bool) if votes.asked is None else votes.asked


@given(votes=multi_votes())
def test_a_file_of_multi_label_votes_gives_them_back(
    votes: MultiVotes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("votes") / "votes.parquet"
    votes = replace(votes, origin={"paths": ["x.csv"]})
    votes.save(path)
    back = read_votes(path)
    assert isinstance(back, MultiVotes)
    assert np.array_equal(back.values, votes.values)
    assert (back.ids, back.sources, back.labels, back.origin) == (votes.ids, votes.sources, votes.labels, votes.origin)
    assert np.array_equal(_asked(back), _asked(votes))


@given(votes=multi_votes())
def test_each_label_by_itself_has_the_same_rows_sources_and_cells(votes: MultiVotes) -> None:
    for c, name in enumerate(votes.labels.names):
        one, speaking = votes.for_label(name), votes.for_label(name, silent=False)
        assert (one.ids, one.sources, one.labels) == (votes.ids, votes.sources, SIDES)
        assert np.array_equal(one.values, votes.values[:, :, c])
        assert np.array_equal(one.covered, votes.covered[:, c])
        assert np.array_equal(_asked(one), _asked(votes))
        assert [s in speaking.sources for s in votes.sources] == votes.speaking[:, c].tolist()
    assert np.array_equal(votes.for_any_label().covered, votes.covered.any(axis=1))


@given(names=label_names)
def test_a_label_space_keeps_in_json_whether_it_is_multi_label(names: list[str]) -> None:
    for multi in (False, True):
        space = LabelSpace(names, multi=multi)
        assert LabelSpace.from_json(space.to_json()) == space
        assert ("multi" in space.to_json()) == multi  # files of before read as they did
    assert LabelSpace(names) != LabelSpace(names, multi=True)


def test_one_label_is_enough_for_a_multi_label_space_only() -> None:
    assert len(LabelSpace(["spam"], multi=True)) == 1
    with pytest.raises(UsageError, match="at least 2"):
        LabelSpace(["spam"])
    with pytest.raises(UsageError, match="at least 1"):
        LabelSpace([], multi=True)


@pytest.mark.parametrize(
    ("vote", "codes"),
    [
        (None, [-1, -1, -1]),
        (-1, [-1, -1, -1]),
        ("bug", [-1, -1, 1]),
        (np.int64(1), [-1, 1, -1]),
        (["billing", "bug"], [1, -1, 1]),
        (("bug", "bug"), [-1, -1, 1]),
        (frozenset({"refund"}), [-1, 1, -1]),
        ([], [-1, -1, -1]),
        ({"refund": False, "bug": True}, [-1, 0, 1]),
        ({"refund": None, 0: np.False_}, [0, -1, -1]),
        ({}, [-1, -1, -1]),
    ],
)
def test_a_vote_is_a_label_a_list_or_a_mapping(vote: Any, codes: list[int]) -> None:
    assert TOPICS.encode([vote]).tolist() == [codes]
    assert TOPICS.first_invalid(TOPICS.encode([None, vote])) is None


NO_VOTES: list[Any] = [True, 1.0, 3, -2, "spam", object(), (label for label in ["bug"])]
NO_VOTES += [["spam"], [None], [-1], [["bug"]], [True]]
NO_VOTES += [{"bug": 1}, {"bug": "yes"}, {"spam": True}, {"bug": True, 2: False}, {None: True}]


@pytest.mark.parametrize("vote", NO_VOTES)
def test_anything_else_is_no_vote(vote: Any) -> None:
    codes = TOPICS.encode(["bug", vote])
    assert codes[1].tolist() == [-2, -2, -2]
    assert TOPICS.first_invalid(codes) == 1


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        (None, [-1, -1, -1]),
        ("", [-1, -1, -1]),
        ("billing|bug", [1, 0, 1]),
        (" billing | bug ", [1, 0, 1]),
        ("refund", [0, 1, 0]),
        ('["refund"]', [0, 1, 0]),
        ("[]", [0, 0, 0]),
        ([], [0, 0, 0]),
        (("bug",), [0, 0, 1]),
        (2, [0, 0, 1]),
        (-1, [-1, -1, -1]),
        ('{"bug": false, "billing": true}', [1, -1, 0]),
        ({"bug": True}, [-1, -1, 1]),
    ],
)
def test_gold_lists_the_labels_present_and_all_others_are_absent(cell: Any, codes: list[int]) -> None:
    assert encode_gold([cell], TOPICS).tolist() == [codes]


@pytest.mark.parametrize("cell", ["billing,bug", "|", '["spam"]', "[1", "[[1]]", [None], 1.5, '{"bug": "yes"}'])
def test_gold_that_is_no_set_of_labels_is_refused_with_its_row(cell: Any) -> None:
    with pytest.raises(VoteError, match=r'column "topics", row 2: expected the labels of a row as a list.*, got '):
        encode_gold(["bug", cell], TOPICS, column="topics")


def test_the_file_is_plain_to_other_readers(tmp_path: Path) -> None:
    values = np.array([[[1, -1, 0], [-1, -1, -1]], [[-1, 1, -1], [-1, -1, -1]]], np.int8)
    asked = np.array([[True, True], [True, False]])
    votes = MultiVotes(values, ("a", "b"), (Source("f"), Source("g")), TOPICS, asked)
    votes.save(tmp_path / "votes.parquet")
    frame = pd.read_parquet(tmp_path / "votes.parquet")
    assert frame["f"].map(list).tolist() == [[1, -1, 0], [-1, 1, -1]]
    assert frame["g"].isna().tolist() == [False, True]


def test_each_kind_of_file_says_in_one_line_that_it_is_not_the_other(tmp_path: Path) -> None:
    multi, single = tmp_path / "multi.parquet", tmp_path / "single.parquet"
    MultiVotes.from_array(np.zeros((1, 1, 3), int), labels=TOPICS).save(multi)
    VoteMatrix.from_array([[0]]).save(single)
    with pytest.raises(UsageError, match=r"got multi-label votes in .*; only `weaksup analyze` and `weaksup fit`"):
        VoteMatrix.load(multi)
    with pytest.raises(UsageError, match=r"expected multi-label votes, .*VoteMatrix\.load"):
        MultiVotes.load(single)
    assert isinstance(read_votes(single), VoteMatrix)


def test_wrong_arrays_are_refused_in_one_line() -> None:
    values = np.zeros((2, 1, 3), np.int8)
    with pytest.raises(UsageError, match="two sources"):
        MultiVotes(np.zeros((1, 2, 3), np.int8), ("a",), (Source("f"), Source("f")), TOPICS)
    with pytest.raises(UsageError, match=r"expected shape \[1, 1, 3\]"):
        MultiVotes(values, ("a",), (Source("f"),), TOPICS)
    with pytest.raises(UsageError, match="expected asked"):
        MultiVotes(values, ("a", "b"), (Source("f"),), TOPICS, np.ones((1, 1), bool))
    with pytest.raises(UsageError, match="multi=True"):
        MultiVotes(values, ("a", "b"), (Source("f"),), LabelSpace(["a", "b", "c"]))
    with pytest.raises(UsageError, match=r"expected integers \[n, m, k\], got float64"):
        MultiVotes.from_array(np.zeros((1, 1, 3)), labels=TOPICS)
    with pytest.raises(VoteError, match='source "source_0", row "1", label "bug": expected 1 .*, got 2'):
        MultiVotes.from_array([[[0, 0, 0]], [[0, 0, 300]]], labels=TOPICS)
    with pytest.raises(UsageError, match='expected one of the labels billing, refund, bug; got "spam"'):
        MultiVotes.from_array(values, labels=TOPICS).for_label("spam")


def test_rows_are_taken_by_mask_and_by_position() -> None:
    votes = MultiVotes.from_array(np.arange(6).reshape(3, 1, 2) % 3 - 1, labels=["a", "b"])
    votes = replace(votes, asked=np.array([[True], [True], [False]]))
    assert votes.take(np.array([False, True, True])).ids == ("1", "2")
    taken = votes.take(np.array([2, 0]))
    assert (taken.ids, taken.values.tolist()) == (("2", "0"), votes.values[[2, 0]].tolist())
    assert taken.asked is not None
    assert taken.asked.tolist() == [[False], [True]]
    assert len(taken) == 2


def _soft() -> SoftLabelSets:
    proba = np.array([[0.9, 0.5, 0.1], [0.6, 0.7, 0.5]])
    covered = np.array([[True, True, False], [True, True, True]])
    return SoftLabelSets(("a", "b"), proba, covered, TOPICS)


def test_soft_label_sets_round_trip_and_list_the_labels_present(tmp_path: Path) -> None:
    soft, path = _soft(), str(tmp_path / "labels.parquet")
    soft.save(path, {"model": "m"})
    back = SoftLabelSets.load(path)
    assert np.array_equal(back.proba, soft.proba)
    assert np.array_equal(back.covered, soft.covered)
    assert (back.ids, back.labels, len(back)) == (soft.ids, TOPICS, 2)
    assert soft.hard().tolist() == [[1, -1, -1], [1, 1, -1]]
    frame = pd.read_parquet(path)
    assert frame["labels"].map(list).tolist() == [["billing"], ["billing", "refund"]]
    assert frame["p(bug)"].tolist() == [0.1, 0.5]
    assert read_lineage(path) == {"model": "m"}


def test_soft_labels_of_one_kind_are_not_the_other(tmp_path: Path) -> None:
    multi, single = str(tmp_path / "multi.parquet"), str(tmp_path / "single.parquet")
    _soft().save(multi)
    SoftLabels(("a",), np.array([[0.5, 0.5]]), np.array([True]), LabelSpace(["x", "y"])).save(single)
    with pytest.raises(UsageError, match="got multi-label soft labels"):
        SoftLabels.load(multi)
    with pytest.raises(UsageError, match=r"expected multi-label soft labels, .*SoftLabels\.load"):
        SoftLabelSets.load(single)


def test_soft_label_sets_refuse_what_does_not_fit() -> None:
    with pytest.raises(UsageError, match="expected a multi-label space"):
        SoftLabelSets(("a",), np.zeros((1, 2)), np.zeros((1, 2), bool), LabelSpace(["x", "y"]))
    with pytest.raises(UsageError, match="from 0 to 1"):
        SoftLabelSets(("a",), np.array([[0.1, 1.1, np.nan]]), np.zeros((1, 3), bool), TOPICS)
