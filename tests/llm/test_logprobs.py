from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.llm.providers.chat import read_completion
from weaksup.llm.providers.logprobs import label_confidence

TEXT = '{"label": "SPÄM"}'


def given_as(parts: list[tuple[str, float]], *, with_bytes: bool = False) -> dict[str, Any]:
    content = [{"token": token, "logprob": value} for token, value in parts]
    if with_bytes:
        content = [{**item, "bytes": list(str(item["token"]).encode())} for item in content]
    return {"content": content}


@given(st.lists(st.integers(1, len(TEXT) - 1), unique=True), st.data())
def test_it_is_the_probability_of_the_tokens_that_hold_the_label(cuts: list[int], data: st.DataObject) -> None:
    edges = [0, *sorted(cuts), len(TEXT)]
    pieces = list(pairwise(edges))
    parts = [(TEXT[a:b], data.draw(st.floats(-3, 0, allow_subnormal=False))) for a, b in pieces]
    start, end = TEXT.index("SP"), TEXT.index('"}') + 1
    spans = zip(pieces, parts, strict=True)
    wanted = math.exp(sum(value for (a, b), (_, value) in spans if a < end and b > start))
    for with_bytes in (False, True):
        found = label_confidence(given_as(parts, with_bytes=with_bytes), TEXT)
        assert found == pytest.approx(wanted, abs=1e-8)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["token", "logprob", "bytes"]), inner),
    max_leaves=6,
)


@given(json_values | st.lists(json_values).map(lambda v: {"content": v}), json_values)
def test_whatever_an_endpoint_sends_it_is_a_probability_or_not_known(logprobs: Any, text: Any) -> None:
    found = label_confidence(logprobs, text)
    assert found is None or 0 <= found <= 1


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([], TEXT),
        ([("SPAM", -0.1)], "SPAM"),
        ([('{"label": "SPAM"}', -0.1)], '{"label": "HAM"}'),
        ([('{"label": "A"}{"label": "A"}', -0.1)], '{"label": "A"}'),
        ([('{"label": "A"}', math.nan)], '{"label": "A"}'),
        ([('{"label": "A"}', -0.1)], "not JSON"),
        ([('{"label": "A"}', -0.1)], None),
    ],
)
def test_where_the_label_is_not_found_nothing_is_known(parts: list[tuple[str, float]], text: Any) -> None:
    assert label_confidence(given_as(parts), text) is None


def test_a_completion_with_log_probabilities_has_a_confidence() -> None:
    choice = {
        "message": {"content": '{"label": "A"}'},
        "logprobs": given_as([('{"label": "', 0), ('A"}', math.log(0.9))]),
    }
    assert read_completion(json.dumps({"choices": [choice]}).encode()).confidence == pytest.approx(0.9)
    del choice["logprobs"]
    assert read_completion(json.dumps({"choices": [choice]}).encode()).confidence is None
