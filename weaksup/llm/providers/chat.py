"""The OpenAI chat protocol: what a request looks like, what an endpoint may refuse in it, what a reply says.

Pure: nothing here touches the network.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from weaksup.llm.failures import no_answer
from weaksup.llm.pricing.prices import Usage
from weaksup.llm.providers.answer_schema import answer_schema, counted, most_tokens, usual_tokens
from weaksup.llm.providers.fitting import Fitting, Way, as_it_is, or_none
from weaksup.llm.providers.logprobs import label_confidence
from weaksup.llm.providers.params import sampled_params
from weaksup.protocols import Prompt, Reply

__all__ = ["PARAMS", "chat_body", "chat_fitting", "completion_tokens", "read_completion", "usual_completion"]

# What a tier may set beside model, prompt and limit. Not here: n, stream, tools, service_tier, which change the price
# or the shape of the answer.
PARAMS = frozenset(
    {
        "chat_template_kwargs",
        "frequency_penalty",
        "logprobs",
        "min_p",
        "presence_penalty",
        "reasoning_effort",
        "seed",
        "temperature",
        "top_k",
        "top_p",
        "verbosity",
    }
)
# What a refusal of the answer's form may speak of; "schema" also stands for json_schema and response_schema.
_FORMAT_WORDS = ("response_format", "schema", "json_object", "structured", "grammar", "$ref", "$defs")
_LIMITS = ("max_completion_tokens", "max_tokens")  # OpenAI wants the new name; others know the old one


def chat_body(prompt: Prompt, *, model: str, max_tokens: int, params: Mapping[str, Any]) -> dict[str, Any]:
    """Build the request: the answer is held to a JSON object with one of the labels, and to `max_tokens` an item.

    Each sample of a prompt gets a seed of its own where the tier sets one.
    """
    return {
        "model": model,
        "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
        **sampled_params(params, prompt),
        "max_completion_tokens": max_tokens * max(1, len(prompt.items)),
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": answer_schema(prompt)},
        },
    }


def chat_fitting(*, new_limit: bool) -> Fitting:
    """Return the ways to write a request.

    The schema gives way to JSON mode and then to the prompt's words alone; the limit on the answer's length is renamed;
    a sampling parameter is left out.
    """
    limits = _LIMITS if new_limit else _LIMITS[::-1]
    return Fitting(
        (Way(as_it_is, _FORMAT_WORDS), Way(_json_mode, _FORMAT_WORDS), Way(_without("response_format"))),
        [Way(_limited_by(name), (name,)) for name in limits],
        *(or_none(name, _without(name)) for name in sorted(PARAMS)),
    )


def _json_mode(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "response_format": {"type": "json_object"}}


def _without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda body: {key: value for key, value in body.items() if key != name}


def _limited_by(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda body: {name if key == _LIMITS[0] else key: value for key, value in body.items()}


def completion_tokens(body: Mapping[str, Any]) -> Usage:
    """Return the most that a call can use."""
    return most_tokens(body, body["max_completion_tokens"])


def usual_completion(body: Mapping[str, Any]) -> Usage:
    """Return what a call is likely to use: what is said of the answer's form is read, and billed, too."""
    sent = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return usual_tokens([sent], body["response_format"]["json_schema"]["schema"], body["max_completion_tokens"])


def read_completion(body: bytes) -> Reply:
    """Read a chat completion; raise `Ambiguous` where the body is none (an HTML page, half a JSON, an error)."""
    try:
        data = json.loads(body)
        choice = data["choices"][0]
        message = choice["message"]
        text = message.get("content")
        usage = data.get("usage")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise no_answer("chat completion", body) from None
    used = usage if isinstance(usage, dict) else {}
    return Reply(
        text=text if isinstance(text, str) else "",
        input_tokens=counted(used.get("prompt_tokens")),
        output_tokens=counted(used.get("completion_tokens")),
        model=str(data.get("model") or "")[:200],
        confidence=label_confidence(choice.get("logprobs"), text),
        fault=_fault(choice, message, text),
    )


def _fault(choice: Mapping[str, Any], message: Mapping[str, Any], text: object) -> str:
    """Say why the text is no whole answer: a label that was cut off can look like another label."""
    ended = choice.get("finish_reason")
    if ended == "length":
        return "cut off at max_tokens"
    if message.get("refusal") or ended == "content_filter":
        return "the model refused"
    return "" if isinstance(text, str) else "no text in the answer"
