"""Three protocols, one contract: the same schema in the same order, and a limit that no refusal takes away."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from faults.dialects import CHAT, GENERATE, MESSAGES, Dialect
from hypothesis import given
from hypothesis import strategies as st

from weaksup.errors import ConfigError
from weaksup.llm.keys import request_key
from weaksup.llm.providers.anthropic_messages import AnthropicMessages
from weaksup.llm.providers.endpoint import Endpoint
from weaksup.llm.providers.google_generate import GoogleGenerate
from weaksup.llm.providers.openai_compatible import OpenAICompatible
from weaksup.protocols import Prompt

CLAUDE = AnthropicMessages("claude-x", max_tokens=50, params={"temperature": 0})
GEMINI = GoogleGenerate("gemini-x", max_tokens=50, params=GoogleGenerate.usual)
GPT = OpenAICompatible("gpt-x", max_tokens=50)
ALL: list[tuple[Endpoint, Dialect]] = [(GPT, CHAT), (CLAUDE, MESSAGES), (GEMINI, GENERATE)]
PROMPT = Prompt("You label.", "Which one?", ("HAM", "SPAM"))
every = pytest.mark.parametrize(("provider", "dialect"), ALL, ids=["openai", "anthropic", "google"])
names = st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=5, unique=True).map(tuple)
prompts = st.builds(
    Prompt,
    st.text(st.characters(codec="utf-8"), max_size=80),
    st.text(st.characters(codec="utf-8"), max_size=80),
    names,
    wants=st.lists(st.sampled_from(["confidence", "reason"]), unique=True).map(tuple),
    items=st.lists(st.sampled_from(["bcdf", "ghjk", "mnpq"]), unique=True).map(tuple),
    sample=st.integers(0, 2),
)


def fresh(provider: Endpoint) -> Endpoint:
    return type(provider)(provider.model, max_tokens=50, params=provider.params)


def schema_of(provider: Endpoint, body: Any) -> Any:
    if isinstance(provider, AnthropicMessages):
        return body["tools"][0]["input_schema"]
    form = body["generationConfig"] if isinstance(provider, GoogleGenerate) else body["response_format"]["json_schema"]
    return form["responseSchema"] if isinstance(provider, GoogleGenerate) else form["schema"]


def limit_of(body: Any) -> Any:
    found = body.get("generationConfig", {}).get("maxOutputTokens"), body.get("max_tokens")
    return found[0] or found[1] or body.get("max_completion_tokens")


# What is sent


@every
@given(prompt=prompts)
def test_the_schema_holds_the_labels_and_the_parts_in_their_order(
    provider: Endpoint, dialect: Dialect, prompt: Prompt
) -> None:
    body = provider.request(prompt, None)["body"]
    schema = schema_of(provider, body)
    parts = [part for part in ("reason", "label", "confidence") if part == "label" or part in prompt.wants]
    if prompt.items:
        assert list(schema["properties"]) == schema["required"] == list(prompt.items)
        schema = schema["$defs"]["answer"] if "$defs" in schema else schema["properties"][prompt.items[0]]
    assert list(schema["properties"]) == schema["required"] == parts
    assert schema["properties"]["label"]["enum"] == list(prompt.answers)
    assert schema.get("propertyOrdering", parts) == parts
    assert limit_of(body) == 50 * max(1, len(prompt.items))
    assert dialect.user(body) == prompt.user


@every
@given(
    prompt=prompts,
    refusals=st.lists(
        st.text(max_size=8)
        | st.sampled_from(
            [
                "strict",
                "tool",
                "schema",
                "json",
                "temperature",
                "thinking",
                "instruction",
                "max_tokens",
                "maxOutputTokens",
                "top_p",
            ]
        ),
        max_size=12,
    ),
)
def test_whatever_is_refused_the_limit_and_the_words_stay_and_the_bound_holds(
    provider: Endpoint, dialect: Dialect, prompt: Prompt, refusals: list[str]
) -> None:
    provider = fresh(provider)
    request = provider.request(prompt, None)
    most = provider.bound(request)
    for refusal in refusals:
        provider._fitting.learn(request["body"], provider._fitting.form, refusal)
        sent = provider.body(request)
        assert limit_of(sent) == most.output_tokens == limit_of(request["body"])
        text = json.dumps(sent, ensure_ascii=False)
        assert most.input_tokens >= len(text.encode("utf-8", "surrogatepass"))
        for words in (prompt.user, prompt.system):
            assert json.dumps(words, ensure_ascii=False)[1:-1] in text
    expected = provider.expect(request)
    assert expected.input_tokens <= most.input_tokens
    assert 0 < expected.output_tokens <= most.output_tokens


@pytest.mark.parametrize(
    ("provider", "refusals", "left"),
    [
        (
            CLAUDE,
            [
                "tools.0.custom.strict: Extra inputs are not permitted",
                "tools are not supported",
                "temperature is deprecated",
            ],
            {"model", "system", "messages", "max_tokens"},
        ),
        (
            GEMINI,
            [
                "Unknown name \"propertyOrdering\" at 'generation_config.response_schema'",
                "JSON mode is not enabled for models/gemma",
                "Developer instruction is not enabled for models/gemma",
                "Budget 0 is invalid. This model only works in thinking mode.",
            ],
            {"contents", "generationConfig"},
        ),
    ],
)
def test_an_endpoint_teaches_what_it_accepts(provider: Endpoint, refusals: list[str], left: set[str]) -> None:
    provider = fresh(provider)
    request = provider.request(PROMPT, None)
    for refusal in refusals:
        assert provider._fitting.learn(request["body"], provider._fitting.form, refusal)
    sent = provider.body(request)
    assert set(sent) == left
    assert "Which one?" in json.dumps(sent)
    assert "You label." in json.dumps(sent)
    assert sent.get("generationConfig", {}) in ({}, {"temperature": 0, "maxOutputTokens": 50})
    assert not provider._fitting.learn(
        request["body"], provider._fitting.form, "prompt is too long: json schema strict"
    )


def test_the_steps_of_a_fallback_are_taken_one_by_one() -> None:
    claude, gemini = fresh(CLAUDE), fresh(GEMINI)
    request = claude.request(PROMPT, None)
    assert claude.body(request)["tools"][0]["strict"] is True
    assert claude._fitting.learn(request["body"], claude._fitting.form, "the compiled grammar is too large")
    assert "strict" not in claude.body(request)["tools"][0]
    assert claude.body(request)["tool_choice"]["name"] == "answer"
    request = gemini.request(PROMPT, None)
    assert gemini._fitting.learn(request["body"], gemini._fitting.form, "the schema has too many states")
    assert "responseSchema" not in gemini.body(request)["generationConfig"]
    assert gemini.body(request)["generationConfig"]["responseMimeType"] == "application/json"


@every
def test_everything_that_changes_the_answer_changes_the_key(provider: Endpoint, dialect: Dialect) -> None:
    def key(endpoint: Endpoint, prompt: Prompt) -> str:
        request = endpoint.request(prompt, None)
        return request_key(request, prompt_name="p", prompt_version="1", answers=prompt.answers)

    there = type(provider)(provider.model, "https://other.example.com", max_tokens=50, params=provider.params)
    others = [
        key(type(provider)("other", max_tokens=50, params=provider.params), PROMPT),
        key(there, PROMPT),
        key(type(provider)(provider.model, max_tokens=51, params=provider.params), PROMPT),
        key(type(provider)(provider.model, max_tokens=50, params={"temperature": 1}), PROMPT),
    ]
    changes: list[dict[str, Any]] = [
        {"system": "x"},
        {"user": "x"},
        {"answers": ("SPAM", "HAM")},
        {"wants": ("reason",)},
        {"items": ("bcdf",)},
        {"sample": 1},
    ]
    keys = [key(provider, PROMPT), *others, *(key(provider, replace(PROMPT, **change)) for change in changes)]
    assert len(set(keys)) == len(keys)
    assert key(fresh(provider), PROMPT) == keys[0]


# Settings


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: AnthropicMessages("c", params={"logprobs": True}), "temperature, top_k, top_p"),
        (lambda: AnthropicMessages("c", params={"thinking": {}}), "not a parameter"),
        (lambda: GoogleGenerate("g", params={"candidateCount": 3}), "not a parameter"),
        (lambda: GoogleGenerate("g", params={"seed": "1"}), "whole number"),
        (lambda: GoogleGenerate("../../v1/x"), "expected a model like"),
        (lambda: GoogleGenerate("a?key=b"), "expected a model like"),
        (lambda: GoogleGenerate("a/b/c"), "expected a model like"),
        (lambda: GoogleGenerate("a/.."), "expected a model like"),
        (lambda: GoogleGenerate("g", "https://generativelanguage.googleapis.com/v1beta/openai"), 'provider = "openai"'),
        (lambda: AnthropicMessages("c", "http://api.anthropic.com"), "plain http"),
        (lambda: AnthropicMessages("c", max_tokens=0), "max_tokens from 1"),
    ],
)
def test_settings_that_would_not_work_are_refused_in_one_line(make: Callable[[], Endpoint], word: str) -> None:
    with pytest.raises(ConfigError, match=word) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("provider", "url"),
    [
        (AnthropicMessages("c"), "https://api.anthropic.com/v1/messages"),
        (AnthropicMessages("c", "https://api.anthropic.com/v1/"), "https://api.anthropic.com/v1/messages"),
        (AnthropicMessages("c", "https://x.example.com/a"), "https://x.example.com/a/v1/messages"),
        (GoogleGenerate("g"), "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent"),
        (GoogleGenerate("models/g"), "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent"),
        (
            GoogleGenerate("tunedModels/g"),
            "https://generativelanguage.googleapis.com/v1beta/tunedModels/g:generateContent",
        ),
        (GoogleGenerate("g", "https://x.example.com/v1beta"), "https://x.example.com/v1beta/models/g:generateContent"),
    ],
)
def test_the_version_of_the_protocol_may_stand_in_the_address_or_not(provider: Endpoint, url: str) -> None:
    assert provider.base_url + provider._path() == url


def test_each_sample_has_a_seed_of_its_own_where_there_is_one() -> None:
    seeded = GoogleGenerate("g", params={"seed": 5, "temperature": 1, "top_k": 3, "thinking_level": "low"})
    config = seeded.request(replace(PROMPT, sample=2), None)["body"]["generationConfig"]
    assert (config["seed"], config["topK"], config["thinkingConfig"]) == (7, 3, {"thinkingLevel": "low"})
    assert CLAUDE.request(replace(PROMPT, sample=2), None)["sample"] == 2
