"""A wanted precision is looked up in what was measured, and never promised beyond that."""

from __future__ import annotations

import math
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from weaksup.distill.bundle.promises import promised_threshold
from weaksup.errors import UsageError

SHARES = st.floats(0, 1)
POINT = st.fixed_dictionaries({"at_least": SHARES, "share": SHARES, "threshold": SHARES})
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["wanted", "at_least", "share"]), inner)
    ),
    max_leaves=12,
)


@given(points=st.lists(POINT, min_size=1, max_size=10), precision=st.floats(0.001, 0.999))
def test_the_threshold_is_of_the_point_that_answers_most_of_those_good_enough(
    points: list[dict[str, float]], precision: float
) -> None:
    good = [p for p in points if p["at_least"] >= precision]
    if good:
        found = promised_threshold(precision, None, {"selective": points})
        assert max(p["share"] for p in good) == max(p["share"] for p in good if p["threshold"] == found)
        assert found == promised_threshold(precision, {"wanted": points}, {})
    else:
        with pytest.raises(UsageError, match="promises") as told:
            promised_threshold(precision, None, {"selective": points})
        assert "\n" not in str(told.value)


@given(thresholds=JSON, selective=JSON)
def test_no_content_of_a_bundle_makes_it_fail_in_another_way(thresholds: Any, selective: Any) -> None:
    try:
        given_ = thresholds if isinstance(thresholds, dict) else None
        assert 0 <= promised_threshold(0.9, given_, {"selective": selective}) <= 1
    except UsageError as error:
        assert "promises" in str(error)  # noqa: PT017


@pytest.mark.parametrize("wrong", [0, 1, -0.5, 95, math.nan, True, "0.9", None])
def test_a_precision_is_a_share(wrong: Any) -> None:
    with pytest.raises(UsageError, match="precision: expected a share between 0 and 1"):
        promised_threshold(wrong, None, {})


def test_it_is_said_why_nothing_is_promised() -> None:
    with pytest.raises(UsageError, match="was not scored; distill it again with --gold"):
        promised_threshold(0.9, None, {})
    measured = {"selective": [{"at_least": 0.8765, "share": 1.0, "threshold": 0.5}]}
    with pytest.raises(UsageError, match="precision 0.9: this bundle promises 0.876 at most"):
        promised_threshold(0.9, {"wanted": [{"precision": 0.9, "threshold": None}]}, measured)
