from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import vote_matrices

from weaksup import Source, VoteMatrix
from weaksup.errors import DiskError, UsageError, VoteError
from weaksup.patterns import find_patterns
from weaksup.votes import VoteWriter


def _same(a: VoteMatrix, b: VoteMatrix) -> bool:
    def equal(x: Any, y: Any) -> bool:
        return (x is None) == (y is None) and (x is None or np.array_equal(x, y, equal_nan=x.dtype.kind == "f"))

    parts = (equal(a.values, b.values), equal(a.asked, b.asked), equal(a.confidence, b.confidence))
    return all(parts) and (a.ids, a.sources, a.labels) == (b.ids, b.sources, b.labels)


@given(vote_matrices())
def test_patterns_rebuild_the_matrix_and_count_every_row(votes: VoteMatrix) -> None:
    patterns = find_patterns(votes)
    assert (patterns.values[patterns.index] == votes.values).all()
    assert patterns.counts.sum() == len(votes)
    assert len({tuple(row) for row in patterns.values.tolist()}) == len(patterns)
    assert (patterns.covered[patterns.index] == votes.covered).all()


def test_patterns_stay_exact_beyond_64_bits() -> None:
    values = np.random.default_rng(0).integers(-1, 9, (400, 120)).astype(np.int16)
    values[200:] = values[:200]
    patterns = find_patterns(values)
    assert len(patterns) == 200
    assert (patterns.values[patterns.index] == values).all()


@given(votes=vote_matrices())
def test_save_and_load_is_the_identity(votes: VoteMatrix, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("votes") / "votes.parquet"
    votes.save(path)
    assert _same(VoteMatrix.load(path), votes)


@given(votes=vote_matrices(), data=st.data())
def test_a_tier_asked_on_some_rows_is_missing_elsewhere(votes: VoteMatrix, data: st.DataObject) -> None:
    answers = data.draw(st.dictionaries(st.sampled_from(votes.ids), st.integers(-1, 1))) if len(votes) else {}
    told = dict.fromkeys(answers, 0.5)
    more = votes.with_source(Source("gpt", "tier"), answers, confidence=told)
    assert more.asked is not None
    assert more.names == (*votes.names, "gpt")
    assert [i for i, asked in zip(more.ids, more.asked[:, -1], strict=True) if asked] == [
        i for i in votes.ids if i in answers
    ]
    again = more.with_source(Source("gpt", "tier"), {})
    assert again.names == more.names
    assert (again.values[:, -1] == -1).all()


def test_sources_confidence_and_missing_cells_survive_a_file(tmp_path: Path) -> None:
    votes = VoteMatrix.from_array([[0, 1], [-1, 1]], ids=["a", "b"], sources=["x", "y"])
    votes = votes.with_source(Source("gpt", "tier", "openai"), {"a": 1}, confidence={"a": 0.5})
    votes.save(tmp_path / "v.parquet")
    back = VoteMatrix.load(tmp_path / "v.parquet")
    assert _same(back, votes)
    assert back.sources[-1] == Source("gpt", "tier", "openai")


def test_numpy_sees_the_label_matrix_and_cannot_change_it() -> None:
    votes = VoteMatrix.from_array([[0, -1], [1, 1]])
    assert np.asarray(votes).tolist() == [[0, -1], [1, 1]]
    assert np.asarray(votes, dtype=np.int64).dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(votes)[0, 0] = 1
    copy = np.array(votes)
    copy[0, 0] = 1
    assert votes.values[0, 0] == 0


def test_taking_rows_keeps_ids_and_votes_together() -> None:
    votes = VoteMatrix.from_array([[0], [1], [-1]], ids=["a", "b", "c"])
    assert votes.take(np.array([2, 0])).ids == ("c", "a")
    assert votes.take(votes.covered).values.tolist() == [[0], [1]]


@pytest.mark.parametrize(
    ("array", "word"),
    [([1, 2], "matrix"), ([[0.5]], "whole numbers"), ([[float("nan")]], "whole numbers"), ([[-5]], "expected one of")],
)
def test_arrays_that_are_no_votes_are_refused(array: Any, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        VoteMatrix.from_array(array)


def test_a_vote_outside_the_label_space_names_source_and_row() -> None:
    with pytest.raises(VoteError, match='source "y", row "b".*got 2'):
        VoteMatrix.from_array([[0, 0], [0, 2]], cardinality=2, ids=["a", "b"], sources=["x", "y"])


def test_shapes_and_names_must_fit() -> None:
    with pytest.raises(UsageError, match="expected shape"):
        VoteMatrix.from_array([[0]], ids=["a", "b"])
    with pytest.raises(UsageError, match='named "x"'):
        VoteMatrix.from_array([[0, 0]], sources=["x", "x"])
    good = VoteMatrix.from_array([[0]])
    with pytest.raises(UsageError, match="expected shape"):
        VoteMatrix(good.values, good.ids, good.sources, good.labels, asked=np.ones((2, 2), bool))


def test_a_writer_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    votes = VoteMatrix.from_array([[0]])
    with pytest.raises(RuntimeError), VoteWriter(tmp_path / "v.parquet", votes.sources, votes.labels) as writer:
        writer.write(votes.ids, votes.values)
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_votes_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    for name in ("text", "other.parquet", "absent"):
        with pytest.raises(UsageError, match="expected a file of votes"):
            VoteMatrix.load(tmp_path / name)


def test_a_path_that_cannot_be_written_is_a_disk_error(tmp_path: Path) -> None:
    votes = VoteMatrix.from_array([[0]])
    for path in (tmp_path, tmp_path / "no" / "v.parquet"):
        with pytest.raises(DiskError, match="cannot write"):
            votes.save(path)


@pytest.mark.parametrize("name", ["id", "confidence(b)"])
def test_a_source_named_as_another_column_of_the_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected another name for the source"):
        VoteMatrix.from_array([[0, 1]], sources=[name, "b"]).save(tmp_path / "v.parquet")
