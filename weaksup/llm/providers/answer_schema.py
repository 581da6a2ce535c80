"""The JSON schema that an answer is held to, and how long such an answer is: the same for every protocol."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from weaksup.llm.pricing.prices import Usage
from weaksup.protocols import Prompt

__all__ = ["answer_schema", "counted", "most_tokens", "usual_tokens"]

_MOST_TOKENS = 10**9  # more than this is no count of tokens
_TEMPLATE_TOKENS = 64  # what chat templates put around the messages
_BYTES_A_TOKEN = 4  # English text, as a rule of thumb
_USUAL_TOKENS = {"label": 7, "confidence": 8, "reason": 40}  # of an answer's parts, braces and quotes included
_LABEL_BYTES = 8  # of a label's name: as many for each further token


def answer_schema(prompt: Prompt) -> dict[str, Any]:
    """Return the schema of one answer, or, for a prompt with items, of an object that has one under every item's id.

    The parts are in the order in which they are to be written: a reason before its label, the confidence after it.
    """
    parts: dict[str, Any] = {"reason": {"type": "string"}} if "reason" in prompt.wants else {}
    parts["label"] = {"type": "string", "enum": list(prompt.answers)}
    if "confidence" in prompt.wants:
        parts["confidence"] = {"type": "number"}
    one = _strict(parts)
    if not prompt.items:
        return one
    return {**_strict({name: {"$ref": "#/$defs/answer"} for name in prompt.items}), "$defs": {"answer": one}}


def _strict(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def most_tokens(body: Mapping[str, Any], most_output: int, *, hidden: int = 0) -> Usage:
    """Return one token a byte of the request: a byte-level tokenizer never makes more.

    `hidden` are the tokens of a text that the provider adds and bills; `most_output` is the limit that is sent.
    """
    text = json.dumps(body, ensure_ascii=False)
    return Usage(len(text.encode("utf-8", "surrogatepass")) + _TEMPLATE_TOKENS + hidden, most_output)


def usual_tokens(texts: Iterable[str], schema: Mapping[str, Any], most_output: int, *, hidden: int = 0) -> Usage:
    """Return the usual length of the prompt's `texts` in tokens, and of the answers in JSON that `schema` asks for."""
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    properties = schema["properties"]
    several = "label" not in properties
    first = next(iter(properties.values())) if several else schema
    parts = schema["$defs"]["answer"]["properties"] if "$defs" in schema else first["properties"]
    names = [len(name.encode("utf-8", "replace")) for name in parts["label"]["enum"]]
    one = sum(_USUAL_TOKENS[part] for part in parts) + sum(names) // len(names) // _LABEL_BYTES
    answers = (len(properties) if several else 1) * one
    return Usage(size // _BYTES_A_TOKEN + 10 + hidden, min(answers, most_output))


def counted(value: object) -> int | None:
    """Return a count of tokens as a provider states it; `None` for what is none."""
    counts = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS
    return value if counts and isinstance(value, int) else None
