from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import row_texts

from weaksup.corpus import Chunk
from weaksup.errors import ConfigError, UsageError
from weaksup.labeling_functions import LabelingFunction, labeling_function
from weaksup.labeling_functions.one_row import as_row, chunk_of, freeze, thaw
from weaksup.labeling_functions.open_labels import OpenLabels
from weaksup.labeling_functions.voters import as_voters
from weaksup.labels import LabelSpace

LABELS = LabelSpace(["HAM", "SPAM"])


def chunk(texts: list[str]) -> Chunk:
    ids = [f"r{i}" for i in range(len(texts))]
    return Chunk(pa.RecordBatch.from_pydict({"id": pa.array(ids), "text": pa.array(texts, pa.string())}))


@given(st.lists(row_texts, max_size=20), st.sampled_from(["HAM", 0, 1, None, -1, "SPAM"]))
def test_a_chunk_of_votes_is_what_single_calls_give(texts: list[str], vote: object) -> None:
    lf = _odd(vote)
    voted = lf.vote(chunk(texts), LABELS)
    assert voted.codes.tolist() == [LABELS.index(lf(text)) for text in texts]
    assert not voted.errors
    assert not voted.invalid


def _odd(vote: object) -> LabelingFunction:
    @labeling_function
    def odd(x: Any) -> object:
        return vote if len(x.text) % 2 else None

    return odd


@given(st.lists(st.one_of(st.none(), st.text(max_size=5), st.integers(-3, 5), st.floats(), st.booleans()), max_size=20))
def test_open_labels_number_names_and_refuse_what_no_label_space_could_hold(values: list[object]) -> None:
    labels = OpenLabels()
    codes = labels.encode(values).tolist()
    for value, code in zip(values, codes, strict=True):
        if value is None or (value == -1 and type(value) is int):
            assert code == -1
        elif isinstance(value, str) and value.strip() and value.isprintable():
            assert labels.seen[code] == value
        elif type(value) is int and value >= 0:
            assert code == value
        else:
            assert code == -2


def test_open_labels_take_numpy_values_as_python_ones() -> None:
    labels = OpenLabels()
    assert labels.encode([np.int64(3), np.str_("A"), np.True_, None, 2**15]).tolist() == [3, 0, -2, -1, -2]
    assert (labels.seen, labels.top) == (("A",), 3)
    assert "a class index 0 to 32767" in labels.expected


def test_the_decorator_works_with_and_without_parentheses() -> None:
    @labeling_function
    def bare(x: Any) -> str:
        return "SPAM"

    @labeling_function()
    def empty(x: Any) -> str:
        return "SPAM"

    @labeling_function(name="other", resources={"words": {"hi"}}, labels=LABELS, examples=[("hi", "HAM")])
    def full(x: Any, words: set[str]) -> str | None:
        return "HAM" if x.text in words else None

    assert (bare.name, empty.name, full.name) == ("bare", "empty", "other")
    assert (bare("x"), full("hi"), full({"text": "no"}), full(SimpleNamespace(text="hi"))) == (
        "SPAM",
        "HAM",
        None,
        "HAM",
    )
    assert full.vote(chunk(["hi", "no"]), LABELS).codes.tolist() == [0, -1]
    assert repr(full) == "LabelingFunction other"


def test_an_exception_is_an_error_of_its_row_and_stops_nothing() -> None:
    @labeling_function
    def picky(x: Any) -> str:
        return {"a": "HAM", "b": "SPAM"}[x.text]

    voted = picky.vote(chunk(["a", "?", "b"]), LABELS)
    assert voted.codes.tolist() == [0, -1, 1]
    assert {i: type(e) for i, e in voted.errors.items()} == {1: KeyError}


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_order_to_stop_is_no_error_of_a_row(stop: type[BaseException]) -> None:
    @labeling_function
    def stopping(x: Any) -> str:
        raise stop

    with pytest.raises(stop):
        stopping.vote(chunk(["a"]), LABELS)


class _Mute:
    def __repr__(self) -> str:
        raise RuntimeError


INVALID: list[object] = [
    7, 2, -2, -5, 2**70, 0.7, 1.0, float("nan"), float("inf"), True, False, np.True_, np.float64(1), np.int64(2),
    "ham", "", " ", b"HAM", ["HAM"], ("HAM",), {"HAM"}, {"HAM": 1}, np.array([1]), object(), _Mute(), "H" * 100,
]  # fmt: skip


@pytest.mark.parametrize("value", INVALID, ids=[type(v).__name__ + str(i) for i, v in enumerate(INVALID)])
def test_a_value_that_is_no_label_is_marked_with_its_row_and_never_becomes_a_vote(value: object) -> None:
    @labeling_function
    def odd(x: Any) -> object:
        return value if x.text == "!" else None

    voted = odd.vote(chunk(["a", "!"]), LABELS)
    assert voted.codes.tolist() == [-1, -2]
    assert list(voted.invalid) == [1]
    assert len(voted.invalid[1]) <= 60


@pytest.mark.parametrize("name", ["id", "confidence(x)", "<lambda>", "", " ", "a\nb", 3])
def test_a_name_that_cannot_be_a_column_of_votes_is_refused(name: Any) -> None:
    with pytest.raises(ConfigError, match="labeling function: "):
        labeling_function(name=name)(lambda x: None)


def test_a_function_that_cannot_vote_is_refused_where_it_is_written() -> None:
    async def later(x: Any) -> str:
        return "HAM"

    with pytest.raises(ConfigError, match='"later": expected a plain function'):
        labeling_function(later)
    with pytest.raises(ConfigError, match='expected a function, got "spam"; write name="spam"'):
        labeling_function("spam")  # type: ignore[call-overload]


@pytest.mark.parametrize("examples", [["text"], [("text",)], [(1, "HAM")], [("a", "b", "c")]])
def test_examples_of_another_form_are_refused(examples: list[object]) -> None:
    with pytest.raises(ConfigError, match='"f", example 1: expected'):
        labeling_function(name="f", examples=examples)(lambda x: None)


def test_only_labeling_functions_with_different_names_may_vote() -> None:
    lf = _odd("HAM")
    assert as_voters([lf]) == (lf,)
    with pytest.raises(ConfigError, match='two labeling functions are named "odd"'):
        as_voters([lf, _odd("SPAM")])
    for thing in (chunk, LabelingFunction, 3):
        with pytest.raises(ConfigError, match="write @labeling_function above its def"):
            as_voters([thing])


def test_rows_are_made_of_what_people_write_by_hand() -> None:
    class Series:
        def to_dict(self) -> dict[str, Any]:
            return {"text": "c", "n": 1}

    row = as_row("a")
    assert row is as_row(row)
    assert [r["text"] for r in (row, as_row({"text": "b"}), as_row(Series()))] == ["a", "b", "c"]
    with pytest.raises(UsageError, match="expected a row"):
        as_row(3)


def test_nested_fields_are_read_only_and_thaw_to_fresh_copies() -> None:
    data = {"tags": ["a", {"b": [1]}], "seen": {1}, "array": np.zeros(2)}
    frozen = freeze(data)
    with pytest.raises(TypeError):
        frozen["tags"] = ()
    with pytest.raises(ValueError, match="read-only"):
        frozen["array"][0] = 1
    assert (frozen["tags"][0], frozen["seen"]) == ("a", frozenset({1}))
    assert thaw(frozen)["tags"] == ["a", {"b": [1]}]
    data["array"][0] = 1  # type: ignore[index]  # the owner may still write


def test_fields_that_arrow_cannot_hold_are_left_out_of_a_chunk() -> None:
    made = chunk_of(as_row({"text": "a", "doc": object(), "tags": ["x"]}))
    assert made.batch.schema.names == ["text", "tags", "id"]
    assert made.rows[0].tags == ("x",)
