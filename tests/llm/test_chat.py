from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import json_values

from weaksup.llm.failures import Ambiguous, error_text
from weaksup.llm.providers.chat import chat_body, chat_fitting, completion_tokens, read_completion, usual_completion
from weaksup.llm.providers.fitting import Fitting
from weaksup.protocols import Prompt, Reply

BODY = chat_body(Prompt("s", "u", ("A", "B")), model="m", max_tokens=50, params={"temperature": 0})


def completion(message: Any, **more: Any) -> bytes:
    return json.dumps({"choices": [{"message": message, **more}]}).encode()


@given(st.binary() | json_values.map(lambda v: json.dumps(v).encode()) | json_values.map(completion))
def test_any_body_is_a_reply_or_ambiguous(body: bytes) -> None:
    with suppress(Ambiguous):
        assert isinstance(read_completion(body), Reply)


@given(json_values)
def test_odd_usage_counts_as_not_said(usage: Any) -> None:
    whole = {"choices": [{"message": {"content": "A"}}], "usage": usage}
    reply = read_completion(json.dumps(whole).encode())
    for count in (reply.input_tokens, reply.output_tokens):
        assert count is None or (isinstance(count, int) and 0 <= count <= 10**9)


@pytest.mark.parametrize("count", [-1, True, 1.5, "7", 10**30, None, [1]])
def test_a_count_that_is_none_is_not_believed(count: Any) -> None:
    whole = {"choices": [{"message": {"content": "A"}}], "usage": {"prompt_tokens": count, "completion_tokens": 3}}
    reply = read_completion(json.dumps(whole).encode())
    assert (reply.input_tokens, reply.output_tokens) == (None, 3)


def test_a_deep_body_is_ambiguous() -> None:
    with pytest.raises(Ambiguous):
        read_completion(b"[" * 200_000)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (completion({"content": "A"}, finish_reason="stop"), ""),
        (completion({"content": "A"}, finish_reason="length"), "cut off at max_tokens"),
        (completion({"content": None, "refusal": "no"}), "the model refused"),
        (completion({"content": "A"}, finish_reason="content_filter"), "the model refused"),
        (completion({"content": None}), "no text in the answer"),
        (completion({"content": [{"type": "text"}]}), "no text in the answer"),
    ],
)
def test_a_text_that_is_not_whole_says_why(body: bytes, fault: str) -> None:
    assert read_completion(body).fault == fault


def learn(fitting: Fitting, refusal: str) -> bool:
    return fitting.learn(BODY, fitting.form, refusal)


def test_an_endpoint_teaches_what_it_accepts() -> None:
    fitting = chat_fitting(new_limit=True)
    sent = fitting.apply(BODY)
    assert sent["max_completion_tokens"] == 50
    assert sent["response_format"]["json_schema"]["schema"]["properties"]["label"]["enum"] == ["A", "B"]
    assert learn(fitting, "json_schema is not supported")
    assert fitting.apply(BODY)["response_format"] == {"type": "json_object"}
    assert learn(fitting, "unknown field: response_format")
    assert "response_format" not in fitting.apply(BODY)
    assert learn(fitting, "Unsupported parameter: temperature")
    assert "temperature" not in fitting.apply(BODY)
    assert not learn(fitting, "Unsupported parameter: top_p")  # which was not sent
    assert learn(fitting, "extra field max_completion_tokens")
    assert fitting.apply(BODY) == {"model": "m", "messages": BODY["messages"], "max_tokens": 50}
    assert not learn(fitting, "max_tokens is too large")
    assert not learn(fitting, "context too long")


def test_the_schema_holds_the_answer_to_what_is_wanted_and_to_the_items() -> None:
    both = Prompt("s", "u", ("A", "B"), wants=("confidence", "reason"))
    one = chat_body(both, model="m", max_tokens=50, params={})
    schema = one["response_format"]["json_schema"]["schema"]
    assert schema["required"] == list(schema["properties"]) == ["reason", "label", "confidence"]
    many = chat_body(replace(both, items=("x", "y")), model="m", max_tokens=50, params={})
    outer = many["response_format"]["json_schema"]["schema"]
    assert outer["required"] == ["x", "y"]
    assert outer["$defs"]["answer"] == schema
    assert many["max_completion_tokens"] == 100
    assert (
        usual_completion(many).output_tokens
        > usual_completion(one).output_tokens
        > usual_completion(BODY).output_tokens
    )
    assert completion_tokens(many).output_tokens == 100


@given(st.lists(st.sampled_from(["response_format", "max_tokens", "max_completion_tokens", "temperature", "x"])))
def test_the_limit_on_the_answer_is_never_dropped(refusals: list[str]) -> None:
    fitting = chat_fitting(new_limit=False)
    for refusal in refusals:
        learn(fitting, refusal)
        sent = fitting.apply(BODY)
        assert sent.get("max_tokens", sent.get("max_completion_tokens")) == 50


@pytest.mark.parametrize(
    "refusal",
    [
        "Invalid schema for response_format 'answer'",
        "Unknown name \"$defs\" at 'generation_config.response_schema'",
        "failed to parse grammar",
        "This model does not support structured outputs",
    ],
)
def test_a_schema_that_is_refused_in_any_words_gives_way_to_json_mode(refusal: str) -> None:
    fitting = chat_fitting(new_limit=False)
    assert learn(fitting, refusal)
    assert fitting.apply(BODY)["response_format"] == {"type": "json_object"}


def test_a_thread_that_was_refused_late_tries_what_another_has_learned() -> None:
    fitting = chat_fitting(new_limit=False)
    form = fitting.form
    assert fitting.learn(BODY, form, "no json_schema")
    assert fitting.learn(BODY, form, "no json_schema")  # the same refusal, in another thread
    assert fitting.apply(BODY)["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error": {"message": "no such model", "code": "model_not_found"}}', "no such model model_not_found"),
        (b'{"error": {"message": "bad", "param": "n", "code": null}}', "bad n"),
        (b'{"error": "plain"}', "plain"),
        (b"<html>\n<b>502</b>\x1b[31m</html>", "<html> <b>502</b> [31m</html>"),
        (b'{"detail": "x"}', '{"detail": "x"}'),
        (b"\xff", "�"),
        (b"x" * 9000, "x" * 500),
    ],
)
def test_an_error_is_one_short_line(body: bytes, text: str) -> None:
    assert error_text(body) == text
