"""Rules that send rows to people, whatever the models say."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.errors import UsageError
from weaksup.labels import LabelSpace, SoftLabels
from weaksup.routing.always import SLICE_KINDS, AlwaysRule, FieldRule, LabelRule, SliceRule, rows_caught
from weaksup.slices import SliceKind, find_slices
from weaksup.votes import VoteMatrix

SPACE = LabelSpace(["HAM", "SPAM"])


def caught(rule: AlwaysRule, values: list[Any]) -> list[bool]:
    label = np.zeros(len(values), np.int64)
    found: list[bool] = rows_caught(rule, label=label, labels=SPACE, fields={"f": values}, slices=()).tolist()
    return found


@given(st.lists(st.none() | st.floats(allow_nan=False) | st.integers(-(2**60), 2**60), min_size=1), st.floats(-10, 10))
def test_above_and_at_least_are_those_of_numbers_also_when_written_as_text(values: list[Any], bound: float) -> None:
    for form in (values, [None if v is None else str(v) for v in values]):
        assert caught(FieldRule("f", "above", bound), form) == [v is not None and float(v) > bound for v in values]
        assert caught(FieldRule("f", "at_least", bound), form) == [v is not None and float(v) >= bound for v in values]


@given(
    st.lists(st.none() | st.text() | st.booleans() | st.integers()), st.text(min_size=1) | st.integers() | st.booleans()
)
def test_equals_is_one_of_with_one_value(values: list[Any], wanted: Any) -> None:
    values = [*values, wanted]
    found = caught(FieldRule("f", "equals", wanted), values)
    assert found == caught(FieldRule("f", "one_of", (wanted,)), values)
    assert found[-1]
    assert not any(hit for hit, value in zip(found, values, strict=True) if value is None or value == "")


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        (FieldRule("f", "equals", "EU"), ["EU", "eu", "US", None, ""], [1, 0, 0, 0, 0]),
        (FieldRule("f", "equals", 5), [5, 5.0, "5", "5.0", "five", True, 6, None], [1, 1, 1, 1, 0, 0, 0, 0]),
        (FieldRule("f", "equals", True), [True, "true", "yes", False, 1, None], [1, 1, 0, 0, 0, 0]),
        (FieldRule("f", "one_of", ("EU", 7)), ["EU", "7", 7, "UK"], [1, 1, 1, 0]),
        (FieldRule("f", "contains", "Legal"), ["a LEGAL threat", "illegally", "fine", None], [1, 1, 0, 0]),
        (FieldRule("f", "contains", "vip"), [["VIP", "new"], ["vipers"], (), "a vip"], [1, 0, 0, 1]),
        (FieldRule("f", "above", 10), [11, "12", 10, "n/a", None, "", float("nan"), "1e3"], [1, 1, 0, 1, 0, 0, 0, 1]),
        (FieldRule("f", "at_least", 10), [10, "9.99"], [1, 0]),
    ],
)
def test_a_rule_catches_what_it_says(rule: FieldRule, values: list[Any], expected: list[int]) -> None:
    assert caught(rule, values) == [bool(e) for e in expected]


def test_a_field_without_any_number_is_told_and_not_sent_to_people_row_by_row() -> None:
    with pytest.raises(UsageError, match="expected numbers in the field \"f\", got 'red'"):
        caught(FieldRule("f", "above", 1.0), [None, "red", "blue"])


def test_a_field_that_is_empty_everywhere_catches_nothing() -> None:
    assert caught(FieldRule("f", "above", 1.0), [None, "", None]) == [False] * 3
    assert caught(FieldRule("f", "above", 1.0), []) == []


def test_a_field_that_the_rows_do_not_have_is_told() -> None:
    with pytest.raises(UsageError, match='expected the field "amuont" of the rows, got these fields: f'):
        caught(FieldRule("amuont", "above", 1.0), [1])
    with pytest.raises(UsageError, match='expected 2 values of the field "g", got 1'):
        label = np.zeros(2, np.int64)
        rows_caught(FieldRule("g", "above", 1.0), label=label, labels=SPACE, fields={"g": [1]}, slices=())


def test_a_label_rule_catches_the_rows_of_that_label() -> None:
    label = np.array([0, 1, 1, 0])
    found = rows_caught(LabelRule("SPAM"), label=label, labels=SPACE, fields={}, slices=())
    assert found.tolist() == [False, True, True, False]
    with pytest.raises(UsageError, match='out of HAM, SPAM, got "EGGS"'):
        rows_caught(LabelRule("EGGS"), label=label, labels=SPACE, fields={}, slices=())


def test_a_slice_rule_takes_a_kind_or_a_name() -> None:
    votes = VoteMatrix.from_array([[0, 1], [0, 0], [-1, -1], [1, -1]], labels=SPACE, sources=["a", "b"])
    soft = SoftLabels(votes.ids, np.full((4, 2), 0.5), votes.covered, SPACE)
    slices = find_slices(votes, soft, max_slices=10**9)

    def found(name: str) -> list[int]:
        rule = SliceRule(name)
        return np.flatnonzero(
            rows_caught(rule, label=np.zeros(4, np.int64), labels=SPACE, fields={}, slices=slices)
        ).tolist()

    assert [found(kind) for kind in ("conflict", "agreed", "uncovered", "single")] == [[0], [1], [2], [3]]
    assert found("a=HAM vs b=SPAM") == [0]
    assert found("nothing of the kind") == []
    with pytest.raises(UsageError, match="expected all slices, got some put together in one"):
        rows_caught(
            SliceRule("single"),
            label=np.zeros(4, np.int64),
            labels=SPACE,
            fields={},
            slices=find_slices(votes, soft, max_slices=2),
        )


def test_slice_rules_know_the_kinds_that_slices_have() -> None:
    assert {*SLICE_KINDS, "rest"} == set(get_args(SliceKind))


def test_rules_say_what_they_are() -> None:
    assert str(FieldRule("amount", "above", 10000.0)) == "amount above 10000"
    assert str(FieldRule("amount", "at_least", 3)) == "amount at least 3"
    assert str(FieldRule("text", "contains", "legal")) == 'text contains "legal"'
    assert str(FieldRule("region", "one_of", ("EU", "UK"))) == "region one of EU, UK"
    assert str(FieldRule("region", "one_of", tuple("abcdef"))) == "region one of a, b, c and 3 more"
    assert (str(LabelRule("FRAUD")), str(SliceRule("uncovered"))) == ("label FRAUD", "slice uncovered")
