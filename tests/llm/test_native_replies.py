"""Three protocols, one contract: what is not one whole answer is never a label, and what is billed is charged."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from typing import Any

import pytest
from faults.dialects import CHAT, GENERATE, MESSAGES, Dialect
from hypothesis import given
from hypothesis import strategies as st
from strategies import json_values

from weaksup.llm.failures import Ambiguous, retry_delay
from weaksup.llm.providers.anthropic_messages import AnthropicMessages
from weaksup.llm.providers.endpoint import Endpoint
from weaksup.llm.providers.google_generate import GoogleGenerate
from weaksup.llm.providers.openai_compatible import OpenAICompatible
from weaksup.protocols import Prompt, Reply

CLAUDE = AnthropicMessages("claude-x", max_tokens=50, params={"temperature": 0})
GEMINI = GoogleGenerate("gemini-x", max_tokens=50, params=GoogleGenerate.usual)
GPT = OpenAICompatible("gpt-x", max_tokens=50)
ALL: list[tuple[Endpoint, Dialect]] = [(GPT, CHAT), (CLAUDE, MESSAGES), (GEMINI, GENERATE)]
PROMPT = Prompt("You label.", "Which one?", ("HAM", "SPAM"))
every = pytest.mark.parametrize(("provider", "dialect"), ALL, ids=["openai", "anthropic", "google"])


# What comes back


@every
@given(body=st.binary() | json_values.map(lambda v: json.dumps(v).encode()), value=json_values)
def test_any_body_is_a_reply_or_ambiguous(provider: Endpoint, dialect: Dialect, body: bytes, value: Any) -> None:
    shaped: list[Any] = [
        {"content": value, "usage": value},
        {"content": [{"type": "tool_use", "name": "answer", "input": value}], "stop_reason": value},
        {"content": [{"type": "text", "text": value}], "stop_reason": "end_turn", "usage": {"input_tokens": value}},
        {"candidates": value, "usageMetadata": value, "promptFeedback": value},
        {"candidates": [{"content": value, "finishReason": value}]},
        {"candidates": [{"content": {"parts": [{"text": value}]}, "finishReason": "STOP", "avgLogprobs": value}]},
        {"candidates": [{"content": {"parts": value}, "logprobsResult": {"chosenCandidates": value}}]},
        {"choices": [{"message": value}]},
    ]
    for made in (body, *(json.dumps(shape).encode() for shape in shaped)):
        with suppress(Ambiguous):
            assert isinstance(provider.read(made), Reply)


@every
@pytest.mark.parametrize(
    "body", [b"", b"[" * 200_000, b"<html>", b"{}", b"[]", b"null", b'{"content": 1}', b"9" * 9999]
)
def test_what_is_no_answer_at_all_is_ambiguous(provider: Endpoint, dialect: Dialect, body: bytes) -> None:
    with pytest.raises(Ambiguous, match="in the answer"):
        provider.read(body)


@every
@pytest.mark.parametrize("count", [-1, True, 1.5, "7", 10**30, [1]])
def test_a_count_that_is_none_is_not_believed(provider: Endpoint, dialect: Dialect, count: Any) -> None:
    body = provider.request(PROMPT, None)["body"]
    right = '{"label": "HAM"}'
    whole = dialect.answer(right, dialect.usage(7, 3), body=body)
    assert (provider.read(whole).input_tokens, provider.read(whole).output_tokens) == (7, 3)
    odd = provider.read(dialect.answer(right, {**dialect.usage(7, 3), **dialect.usage(count, 3)}, body=body))
    assert odd.input_tokens is None
    assert provider.read(dialect.answer(right, dialect.usage(7, count), body=body)).output_tokens is None
    silent = provider.read(dialect.answer(right, None, body=body))
    assert (silent.input_tokens, silent.output_tokens) == (None, None)


@every
@pytest.mark.parametrize(
    ("ended", "fault"), [("whole", ""), ("length", "cut off at max_tokens"), ("refusal", "model refused|blocked")]
)
def test_an_answer_that_is_not_whole_is_never_a_label(
    provider: Endpoint, dialect: Dialect, ended: str, fault: str
) -> None:
    body = provider.request(PROMPT, None)["body"]
    reply = provider.read(dialect.answer('{"label": "HAM"}', dialect.usage(7, 3), body=body, ended=ended))
    assert re.search(fault, reply.fault) if fault else reply.fault == ""
    if not fault:
        assert (json.loads(reply.text), reply.model) == ({"label": "HAM"}, "fake-1")


def message(*content: Any, ended: Any = "tool_use", **usage: Any) -> Reply:
    said = {"content": list(content), "stop_reason": ended, "usage": {"input_tokens": 7, "output_tokens": 3, **usage}}
    return CLAUDE.read(json.dumps(said).encode())


def call(given: Any, name: str = "answer") -> dict[str, Any]:
    return {"type": "tool_use", "id": "t", "name": name, "input": given}


@pytest.mark.parametrize(
    ("reply", "text", "fault"),
    [
        (message(call({"label": "HAM"})), '{"label": "HAM"}', ""),
        (message({"type": "thinking", "thinking": "SPAM?"}, call({"label": "HAM"})), '{"label": "HAM"}', ""),
        (message({"type": "text", "text": "Sure."}, call({"label": "HAM"})), '{"label": "HAM"}', ""),
        (message({"type": "text", "text": "HAM"}, ended="end_turn"), "HAM", ""),
        (message(call({"label": "HAM"}), call({"label": "SPAM"})), "", "two answers"),
        (message(call({"label": "HAM"}, "other")), "", "the model called another tool"),
        (message({"type": "text", "text": None}, ended="end_turn"), "", "no text in the answer"),
        (message(ended="end_turn"), "", "no text in the answer"),
        (message(call({"label": "HAM"}), ended="max_tokens"), '{"label": "HAM"}', "cut off at max_tokens"),
        (message(call({"label": "HAM"}), ended="pause_turn"), '{"label": "HAM"}', "cut off"),
        (message(call({"label": "HAM"}), ended="model_context_window_exceeded"), '{"label": "HAM"}', "cut off"),
        (message(ended="refusal"), "", "the model refused"),
        (message(call({"label": "HAM"}), ended=None), '{"label": "HAM"}', "the answer does not say that it is whole"),
        (
            message(call({"label": "HAM"}), ended=["end"]),
            '{"label": "HAM"}',
            "the answer does not say that it is whole",
        ),
        (message(call({"label": "HAM"}), ended="new"), '{"label": "HAM"}', "the answer does not say that it is whole"),
    ],
)
def test_a_message_is_the_input_of_its_one_tool_or_what_it_says(reply: Reply, text: str, fault: str) -> None:
    assert (reply.text, reply.fault) == (text, fault)


def test_a_field_that_the_tool_was_given_twice_is_seen_twice() -> None:
    inner = '{"type": "tool_use", "name": "answer", "input": {"x": [{"label": "HAM", "label": "SPAM"}], "n": NaN}}'
    body = '{"content": [' + inner + '], "stop_reason": "tool_use"}'
    assert CLAUDE.read(body.encode()).text == '{"x": [{"label": "HAM", "label": "SPAM"}], "n": NaN}'


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({}, 7),
        ({"cache_read_input_tokens": 5, "cache_creation_input_tokens": None}, 12),
        ({"cache_creation_input_tokens": 5}, 17),  # a write costs up to twice a token
        ({"cache_read_input_tokens": -5}, None),
        ({"cache_creation_input_tokens": "5"}, None),
    ],
)
def test_the_tokens_of_a_cache_are_charged_too(usage: dict[str, Any], tokens: int | None) -> None:
    assert message(call({}), **usage).input_tokens == tokens


def generated(
    text: str | None = '{"label": "HAM"}', *, provider: Endpoint = GEMINI, usage: Any = None, **more: Any
) -> Reply:
    parts = [] if text is None else [{"text": text}]
    candidate = {"content": {"parts": parts}, "finishReason": "STOP", **more}
    return provider.read(json.dumps({"candidates": [candidate], "usageMetadata": usage}).encode())


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "OTHER", "NEW"])
def test_what_google_blocks_is_a_fault_with_its_name(reason: str) -> None:
    assert generated(finishReason=reason).fault == f"blocked ({reason})"
    blocked = GEMINI.read(json.dumps({"promptFeedback": {"blockReason": reason}}).encode())
    assert (blocked.text, blocked.fault) == ("", f"blocked ({reason})")


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        ({"finishReason": None}, "the answer does not say that it is whole"),
        ({"finishReason": 3}, "the answer does not say that it is whole"),
        ({"text": None}, "no text in the answer"),
        ({"text": None, "content": None}, "no text in the answer"),
        ({"content": {"parts": [{"thought": True, "text": "HAM?"}, {"text": "SPAM"}]}}, ""),
    ],
)
def test_only_a_candidate_that_stopped_by_itself_is_read(made: dict[str, Any], fault: str) -> None:
    reply = generated(**made)
    assert reply.fault == fault
    assert fault or reply.text == "SPAM"
    two = GEMINI.read(json.dumps({"candidates": [{"finishReason": "STOP"}] * 2}).encode())
    assert two.fault == "two answers"


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 30, "totalTokenCount": 43}, (9, 34)),
        ({"promptTokenCount": 9, "candidatesTokenCount": 4}, (9, 4)),
        (
            {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 50},
            (9, 41),
        ),  # whatever it is, it is billed
        ({"promptTokenCount": 9, "totalTokenCount": 9}, (9, 0)),
        ({"promptTokenCount": 9, "thoughtsTokenCount": 20, "totalTokenCount": 29}, (9, 20)),
        ({"promptTokenCount": 9}, (9, None)),
        ({"candidatesTokenCount": 4, "totalTokenCount": 9}, (None, None)),
        ({"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": "many"}, (9, None)),
        ({}, (None, None)),
        (None, (None, None)),
    ],
)
def test_thoughts_are_charged_as_they_are_billed(usage: Any, tokens: tuple[int | None, int | None]) -> None:
    reply = generated(usage=usage)
    assert (reply.input_tokens, reply.output_tokens) == tokens


SURE = GoogleGenerate("gemini-x", params={"logprobs": True})
TOKENS = [("{", -1.0), ('"label": "', -2.0), ("HA", math.log(0.8)), ('M"}', math.log(0.5))]


def chosen(tokens: Any) -> dict[str, Any]:
    return {"logprobsResult": {"chosenCandidates": [{"token": t, "logProbability": p} for t, p in tokens]}}


@pytest.mark.parametrize(
    ("made", "tokens", "confidence"),
    [
        (chosen(TOKENS), 4, 0.4),
        ({**chosen(TOKENS), "avgLogprobs": -9.0}, 4, 0.4),
        ({"avgLogprobs": math.log(0.5) / 4}, 4, 0.5),
        ({"avgLogprobs": 0.0}, 4, 1.0),
        ({"avgLogprobs": 3.0}, 4, 1.0),
        ({"avgLogprobs": math.nan}, 4, None),
        ({"avgLogprobs": True}, 4, None),
        ({"avgLogprobs": -0.1}, None, None),
        ({"avgLogprobs": -0.1, "text": '{"reason": "x", "label": "HAM"}'}, 4, None),
        ({"avgLogprobs": -0.1, "text": "HAM"}, 4, None),
        ({"logprobsResult": {"chosenCandidates": [3]}}, 4, None),
        ({}, 4, None),
    ],
)
def test_log_probabilities_are_the_confidence_where_they_are_asked_for(
    made: dict[str, Any], tokens: int | None, confidence: float | None
) -> None:
    usage = {"promptTokenCount": 9} | ({} if tokens is None else {"candidatesTokenCount": tokens})
    got = generated(provider=SURE, usage=usage, **made).confidence
    assert got == (None if confidence is None else pytest.approx(confidence))
    assert generated(usage=usage, **made).confidence is None
    assert SURE.request(PROMPT, None)["body"]["generationConfig"]["responseLogprobs"] is True


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [("34s", 34), ("0.5s", 0.5), ("0s", 0), ("-3s", None), ("soon", None), (None, None), (7, None)],
)
def test_googles_wait_is_read_from_the_body_of_the_error(delay: Any, seconds: float | None) -> None:
    details = [{"@type": "x"}, {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
    assert retry_delay(json.dumps({"error": {"details": details}}).encode()) == seconds
    assert retry_delay(json.dumps([{"error": {"details": details}}]).encode()) is None


@given(st.binary() | json_values.map(lambda v: json.dumps({"error": {"details": v}}).encode()))
def test_a_wait_is_never_negative_and_reading_it_never_raises(body: bytes) -> None:
    seconds = retry_delay(body)
    assert seconds is None or seconds >= 0
