"""Labeling functions in a multi-label space: the same promises of order, workers and faults as for one label a row."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import row_texts

from weaksup.apply import apply_lfs, apply_multi, apply_to_file, ballot
from weaksup.corpus import Chunk, open_corpus
from weaksup.errors import UsageError, VoteError
from weaksup.label_sets import SIDES
from weaksup.labeling_functions import (
    check_examples,
    keywords,
    labeling_function,
    lookup,
    model_vote,
    preprocessor,
    regex,
)
from weaksup.labels import LabelSpace
from weaksup.multi_votes import MultiVotes
from weaksup.protocols import ChunkVotes
from weaksup.votes import VoteMatrix

TOPICS = LabelSpace(["vowel", "long", "digit"], multi=True)


def _says(x: Any) -> Any:
    if len(x.text) % 7 == 3:
        raise ValueError(x.id)
    return {"vowel": any(c in "aeiou" for c in x.text), "long": True if len(x.text) > 9 else None}


@preprocessor
def first(x: Any) -> dict[str, str]:
    return {"first": x.text[0]}


@labeling_function(preprocessors=[first])
def by_first(x: Any) -> Any:
    return ["digit", "vowel"] if x.first in "13579" else None


LFS: list[Any] = [
    labeling_function(name="says")(_says),
    by_first,
    keywords("words", ["a", "the"], label="vowel"),
    regex("number", r"\d", label=["digit"]),
    regex("letters_only", r"^[a-z]+$", label={"digit": False, "long": False}),
    lookup("table", {"r1": "long", "r2": {"long": False}, "r3": ["vowel", "digit"]}, field="id"),
]


def _rows(texts: list[str]) -> list[dict[str, str]]:
    return [{"id": f"r{i}", "text": text} for i, text in enumerate(texts)]


def _apply(lfs: list[Any], texts: list[str], **options: Any) -> MultiVotes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return apply_multi(lfs, _rows(texts), labels=TOPICS, max_faults=1, **options)


def _asked(votes: VoteMatrix | MultiVotes) -> Any:
    return np.ones(votes.values.shape[:2], bool) if votes.asked is None else votes.asked


def _restricted(lf: Any, label: str) -> Any:
    """The same function in the label space of one label."""
    at = TOPICS.names.index(label)

    def vote(chunk: Chunk, labels: LabelSpace) -> ChunkVotes:
        voted = lf.vote(chunk, TOPICS)
        return ChunkVotes(voted.codes[:, at].copy(), voted.errors)

    class Restricted:
        name = lf.name

        def __init__(self, call: Callable[..., ChunkVotes]) -> None:
            self.vote = call

    return Restricted(vote)


@settings(max_examples=40)
@given(st.lists(row_texts, max_size=12), st.integers(1, 13))
def test_each_label_holds_what_the_functions_say_of_that_label_alone(texts: list[str], chunk_rows: int) -> None:
    votes = _apply(LFS, texts, chunk_rows=chunk_rows)
    for label in TOPICS.names:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            alone = apply_lfs([_restricted(lf, label) for lf in LFS], _rows(texts), labels=SIDES, max_faults=1)
        one = votes.for_label(label)
        assert np.array_equal(one.values, alone.values)
        assert (one.ids, one.names) == (alone.ids, alone.names)
        assert np.array_equal(_asked(one), _asked(alone))


@settings(max_examples=40)
@given(st.lists(row_texts, max_size=8), st.permutations(list(TOPICS.names)))
def test_permuting_the_labels_permutes_the_votes(texts: list[str], names: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        turned = apply_multi(LFS, _rows(texts), labels=LabelSpace(names, multi=True), max_faults=1)
    order = [TOPICS.names.index(name) for name in names]
    assert np.array_equal(turned.values, _apply(LFS, texts).values[:, :, order])


@pytest.mark.parametrize(("workers", "chunk_rows"), [(1, 77), (2, 20), (2, 8192)])
def test_files_are_the_same_to_the_byte_for_any_number_of_workers(
    tmp_path: Path, workers: int, chunk_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weaksup.apply.run.BLOCK_ROWS", 300)  # several blocks of 100 rows
    data = open_corpus(_rows([f"{'a' * (i % 11)}{i % 3}" for i in range(250)]))
    paths = [tmp_path / "one.parquet", tmp_path / "other.parquet"]
    apply_to_file(LFS, data, paths[0], labels=TOPICS, max_faults=1)
    apply_to_file(LFS, data, paths[1], labels=TOPICS, max_faults=1, workers=workers, chunk_rows=chunk_rows)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].with_suffix(".faults.jsonl").read_bytes() == paths[1].with_suffix(".faults.jsonl").read_bytes()
    in_memory, file = _apply(LFS, [f"{'a' * (i % 11)}{i % 3}" for i in range(250)]), MultiVotes.load(paths[1])
    assert np.array_equal(file.values, in_memory.values)
    assert np.array_equal(_asked(file), _asked(in_memory))


def test_an_empty_corpus_gives_an_empty_file(tmp_path: Path) -> None:
    empty = pa.table({"id": pa.array([], "str"), "text": pa.array([], "str")})
    apply_to_file(LFS, open_corpus(empty), tmp_path / "v.parquet", labels=TOPICS)
    assert MultiVotes.load(tmp_path / "v.parquet").values.shape == (0, len(LFS), 3)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("bad", ["spam", {"vowel": 1}, ["spam"], True])
def test_a_value_that_is_no_vote_is_refused_with_function_and_row(bad: Any, workers: int) -> None:
    lf = labeling_function(name="wrong")(lambda x: bad if x.id == "r2" else None)
    with pytest.raises(VoteError, match=r'"wrong", row "r2": expected a label \(one of vowel, .*got ') as caught:
        apply_multi([lf], _rows(["x"] * 4), labels=TOPICS, workers=workers)
    assert "\n" not in str(caught.value)


def test_a_declared_vote_that_is_no_label_is_refused_before_any_row_is_read() -> None:
    with pytest.raises(VoteError, match=r'labeling function "w": expected a label .*got \[.spam.\]'):
        apply_multi([keywords("w", ["a"], label=["spam"])], _rows(["a"]), labels=TOPICS)


def test_the_two_calls_say_which_one_to_use() -> None:
    lf = keywords("w", ["a"], label="vowel", labels=TOPICS)
    assert apply_multi([lf], _rows(["a"])).values.tolist() == [[[1, -1, -1]]]
    with pytest.raises(UsageError, match="call apply_multi"):
        apply_lfs([lf], _rows(["a"]))
    with pytest.raises(UsageError, match="apply_lfs"):
        apply_multi([keywords("w", ["a"], label="vowel")], _rows(["a"]))


def test_a_voter_with_codes_of_another_shape_is_refused() -> None:
    class Flat:
        name = "flat"

        def vote(self, chunk: Chunk, labels: LabelSpace) -> ChunkVotes:
            return ChunkVotes(np.zeros(len(chunk), np.int16))

    with pytest.raises(UsageError, match=r'"flat": expected 1 votes, each \[3\] for as many labels, got 1'):
        apply_multi([Flat()], _rows(["a"]), labels=TOPICS)


def test_a_function_that_fails_on_the_whole_chunk_abstains_on_all_labels() -> None:
    class Broken:
        name = "broken"

        def vote(self, chunk: Chunk, labels: LabelSpace) -> ChunkVotes:
            raise RuntimeError("no")

    votes = _apply([Broken()], ["a", "b"])
    assert (votes.values == -1).all()
    assert votes.asked is not None
    assert not votes.asked.any()


def test_a_model_votes_for_labels_too() -> None:
    class Model:
        def predict_proba(self, texts: list[str]) -> Any:
            return [[0.9, 0.1] if "a" in text else [0.2, 0.8] for text in texts]

    lf = model_vote(Model(), name="m", classes=[["vowel", "long"], {"vowel": False}])
    assert _apply([lf], ["a", "x"]).values.tolist() == [[[1, 1, -1]], [[0, -1, -1]]]


def test_examples_are_compared_label_by_label() -> None:
    right, partial = {"vowel": True, "digit": False}, ["vowel"]
    examples = [("a", right), ("a", "vowel"), ("b", None), ("b", partial), ("b", "spam")]
    lf = keywords("w", ["a"], label=right, examples=examples)
    told = [str(failure) for failure in check_examples([lf], TOPICS)]
    assert told[0].endswith("example \"a\": expected vowel, got {'vowel': True, 'digit': False}")
    assert told[1].endswith("expected ['vowel'], got no vote")
    assert "expected spam, got expected a label (one of vowel" in told[2]
    assert len(told) == 3


def test_multi_label_ballots_travel_as_bytes() -> None:
    codes = np.array([[[0, 1, -1]]], np.int8)
    back = ballot.unpack_ballot(ballot.pack_ballot(ballot.Ballot(codes)))
    assert back.codes.dtype == np.int8
    assert np.array_equal(back.codes, codes)
