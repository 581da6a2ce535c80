from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import label_spaces

from weaksup import ABSTAIN, LabelSpace, SoftLabels
from weaksup.errors import UsageError, VoteError
from weaksup.labels import encode_gold

SPAM = LabelSpace(["HAM", "SPAM"])


class Color(enum.IntEnum):
    RED = 0
    BLUE = 1


@given(label_spaces)
def test_a_name_and_its_index_are_the_same_vote(space: LabelSpace) -> None:
    for i, name in enumerate(space.names):
        assert space.index(name) == space.index(i) == space.index(np.int64(i)) == i


@given(label_spaces)
def test_json_round_trip(space: LabelSpace) -> None:
    assert LabelSpace.from_json(space.to_json()) == space


@pytest.mark.parametrize("value", [None, -1, np.int8(-1)])
def test_abstains(value: Any) -> None:
    assert SPAM.index(value) == ABSTAIN


@pytest.mark.parametrize("value", [Color.BLUE, np.str_("SPAM"), np.uint8(1), "SPAM", 1])
def test_equivalent_forms_of_one_label(value: Any) -> None:
    assert SPAM.index(value) == 1


BAD = [
    7,
    -5,
    2,
    0.7,
    1.0,
    float("nan"),
    True,
    False,
    np.True_,
    np.float32(1),
    "spam",
    "1",
    "",
    [],
    [1],
    (1,),
    {},
    b"SPAM",
]


@pytest.mark.parametrize("value", [*BAD, Ellipsis, 10**30], ids=repr)
def test_everything_else_is_an_error_that_says_what_was_expected(value: Any) -> None:
    with pytest.raises(VoteError, match="expected one of HAM, SPAM, an index 0 to 1, or None / -1"):
        SPAM.index(value)


@given(
    st.lists(
        st.one_of(st.none(), st.integers(-3, 4), st.sampled_from(["HAM", "SPAM", "x"]), st.floats(), st.booleans())
    )
)
def test_encoding_a_column_equals_encoding_each_value(values: list[Any]) -> None:
    codes = SPAM.encode(values)
    for value, code in zip(values, codes.tolist(), strict=True):
        try:
            assert SPAM.index(value) == code
        except VoteError:
            assert code == -2
    assert (SPAM.first_invalid(codes) is None) == (-2 not in codes.tolist())


@pytest.mark.parametrize("names", ["SPAM", ["A"], [], ["A", "A"], ["A", ""], ["A", " "], ["A", "\x00"], ["A", 3]])
def test_a_label_space_that_makes_no_sense_is_refused(names: Any) -> None:
    with pytest.raises(UsageError, match="label space"):
        LabelSpace(names)


def test_descriptions_must_match() -> None:
    with pytest.raises(UsageError, match="2 descriptions"):
        LabelSpace(["A", "B"], ["only one"])


def test_gold_columns_of_names_indices_and_gaps() -> None:
    assert encode_gold(["SPAM", None, "", "HAM", "-1"], SPAM).tolist() == [1, -1, -1, 0, -1]
    assert encode_gold(["0", "1", ""], SPAM).tolist() == [0, 1, -1]
    assert encode_gold([1, 0, None, -1], SPAM).tolist() == [1, 0, -1, -1]
    with pytest.raises(VoteError, match="column \"y\", row 2: expected one of HAM, SPAM.*got 'EGGS'"):
        encode_gold(["HAM", "EGGS"], SPAM, column="y")


def _soft() -> SoftLabels:
    proba = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
    return SoftLabels(("a", "b", "c"), proba, np.array([True, False, True]), SPAM)


def test_uncovered_rows_have_no_hard_label() -> None:
    assert _soft().hard().tolist() == [0, -1, 1]
    assert _soft().confidence.tolist() == [0.9, 0.5, 0.8]
    assert len(_soft()) == 3


def test_soft_labels_round_trip(tmp_path: Path) -> None:
    path = str(tmp_path / "labels.parquet")
    _soft().save(path, {"model": "default"})
    back = SoftLabels.load(path)
    assert back.ids == _soft().ids
    assert back.labels == SPAM
    assert (back.proba == _soft().proba).all()
    assert (back.covered == _soft().covered).all()


@pytest.mark.parametrize("proba", [[[0.9, 0.2]], [[np.nan, 1]], [[0.5, 0.5], [0.5, 0.5]]])
def test_soft_labels_that_are_no_distribution_are_refused(proba: list[list[float]]) -> None:
    with pytest.raises(UsageError, match="soft labels"):
        SoftLabels(("a",), np.array(proba), np.array([True]), SPAM)
