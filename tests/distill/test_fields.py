"""Rows with other fields than text."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup import LabelSpace
from weaksup.distill import load_bundle, save_bundle, train
from weaksup.distill.bundle.fields import Fields, learn_fields
from weaksup.errors import UsageError

values = st.none() | st.text(max_size=20) | st.integers() | st.floats() | st.booleans() | st.lists(st.text(max_size=3))
rows = st.fixed_dictionaries({"text": st.text(max_size=20), "sender": values, "amount": values})


@given(st.lists(rows, min_size=1, max_size=8))
def test_whatever_the_fields_hold_a_row_becomes_a_text_that_ends_with_its_text(some: list[dict[str, Any]]) -> None:
    try:
        fields = learn_fields(some, ["sender", "amount"])
    except UsageError as error:
        assert "expected values" in str(error)  # noqa: PT017
        return
    again = Fields.from_json(json.loads(json.dumps(fields.to_json())))
    for row in some:
        assert fields.read(row).endswith(row["text"])
        assert again.read(row) == fields.read(row)
        assert fields.read(row).count("\n") - row["text"].count("\n") <= 2


@given(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=50, unique=True), st.floats(allow_nan=False))
def test_larger_numbers_are_never_in_a_lower_tenth(numbers: list[float], more: float) -> None:
    fields = learn_fields([{"amount": n} for n in numbers], ["amount"])
    said = [fields.read({"text": "", "amount": n}) for n in sorted([*numbers, more]) if np.isfinite(n)]
    tenths = [int(line.split("tenth ")[1]) for line in said]
    assert tenths == sorted(tenths)
    assert set(tenths) <= set(range(1, 11))


def test_a_row_reads_as_its_fields_and_its_text() -> None:
    some = [{"text": "hi", "sender": "Bob\nSmith", "amount": str(i), "spam": i % 2 == 0} for i in range(20)]
    fields = learn_fields(some, ["sender", "amount", "spam"])
    assert fields.read(some[3]) == "sender: Bob Smith\namount: tenth 2\nspam: False\nhi"
    assert fields.read({"text": "hi", "amount": "dear"}) == "amount: dear\nhi"
    assert fields.read({"text": None, "sender": None, "amount": float("nan")}) == ""
    assert fields.read("only text") == "only text"


@pytest.mark.parametrize(
    "none", [None, float("nan"), np.float32("nan"), Decimal("NaN"), np.datetime64("NaT"), pd.NA, pd.NaT, "", "  ", []]
)
def test_what_other_libraries_write_for_none_says_nothing(none: Any) -> None:
    for fields in (Fields(("amount",)), Fields(("amount",), {"amount": (1.0, 2.0)})):
        assert fields.read({"text": "hi", "amount": none}) == "hi"


def test_a_whole_number_reads_the_same_from_every_file() -> None:
    read = [Fields(("vip",)).read({"text": "hi", "vip": one}) for one in (1, 1.0, "1", "1.0", np.float32(1))]
    assert set(read) == {"vip: 1\nhi"}
    assert Fields(("vip",)).read({"text": "", "vip": "007"}) == "vip: 007\n"


def test_what_is_no_row_and_fields_that_nobody_has_are_refused() -> None:
    fields = Fields(("sender",))
    for wrong in (3, ["a"], None):
        with pytest.raises(UsageError, match="expected a text, or a row with text, sender"):
            fields.read(wrong)
    with pytest.raises(UsageError, match='expected a string in the field "text", got int'):
        fields.read({"text": 3})
    with pytest.raises(UsageError, match='expected the field "text", got body, sender'):
        fields.read({"body": "a text under another name", "sender": "Bob"})
    with pytest.raises(UsageError, match='expected values in the field "sendr", got none in 1 rows'):
        learn_fields([{"text": "a"}], ["sendr"])
    with pytest.raises(UsageError, match="without text"):
        Fields(("text",))
    for data in ("{}", '{"fields": [{"name": 3, "borders": null}]}', '{"fields": [{"name": "a", "borders": [2, 1]}]}'):
        with pytest.raises(ValueError, match=r".+"):
            Fields.from_json(json.loads(data))


@pytest.fixture
def mail() -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [{"text": "hello there", "sender": str(rng.choice(["shop", "friend"])), "amount": i} for i in range(200)]


def test_a_student_learns_from_fields_and_its_bundle_reads_rows(mail: list[dict[str, Any]], tmp_path: Any) -> None:
    fields = learn_fields(mail, ["sender", "amount"])
    gold = np.array([(row["sender"] == "shop") & (row["amount"] > 100) for row in mail]).astype(int)
    student = train([fields.read(row) for row in mail], np.eye(2)[gold], labels=LabelSpace(["HAM", "SPAM"]))
    loaded = load_bundle(save_bundle(student, tmp_path / "student", fields=fields))
    assert loaded.fields == fields
    assert (loaded.predict_proba(mail).argmax(axis=1) == gold).mean() > 0.95
    assert np.array_equal(loaded.predict_proba(mail), loaded.predict_proba([fields.read(row) for row in mail]))
    assert loaded.predict([{"text": "hello there", "sender": "shop", "amount": 190}, "hello there"])[0] == "SPAM"


@pytest.mark.parametrize(
    "value", [10**5000, -(10**5000), [1, 10**5000], Fraction(10**5000)], ids=["int", "below 0", "list", "fraction"]
)
def test_a_number_that_cannot_be_spelled_is_refused_in_a_line(value: Any) -> None:
    with pytest.raises(UsageError, match='field "amount" .*a number of thousands of digits'):
        Fields(("amount",)).read({"text": "hi", "amount": value})
    with pytest.raises(UsageError, match='field "amount"'):
        learn_fields([{"amount": value}], ["amount"])


def test_a_column_that_is_spelled_otherwise_is_named() -> None:
    with pytest.raises(UsageError, match='"sender".* got a corpus with id, text, Sender; rename "Sender"'):
        Fields(("sender",)).check_columns(["id", "text", "Sender"])
    with pytest.raises(UsageError, match="got a corpus with id, text; add it, empty where there is no value"):
        Fields(("sender",)).check_columns(["id", "text"])
