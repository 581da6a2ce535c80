"""Anthropic's own protocol: POST {base_url}/v1/messages. Claude's address for the OpenAI protocol ignores schemas.

The answer is the input of a tool that the model must call, held to the schema (`strict`); an endpoint that refuses that
is asked for the tool without it, and then for text alone. Source: the Messages API at platform.claude.com (2023-06-01).

There is no need for the `anthropic` package: the wire that all protocols share has the limits and the one attempt that
the budget rests on, and the package would hide both and bring a second client.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from weaksup.llm.failures import no_answer
from weaksup.llm.pricing.prices import Usage
from weaksup.llm.providers.answer_schema import answer_schema, counted, most_tokens, usual_tokens
from weaksup.llm.providers.endpoint import Endpoint
from weaksup.llm.providers.fitting import Fitting, Way, as_it_is, or_none
from weaksup.llm.providers.json_pairs import read_pairs, write_pairs
from weaksup.llm.providers.provider import Request
from weaksup.protocols import Prompt, Reply

__all__ = ["ANTHROPIC_URL", "AnthropicMessages", "read_message"]

ANTHROPIC_URL = "https://api.anthropic.com"
_PARAMS = ("temperature", "top_k", "top_p")
_TOOL = "answer"
_SCHEMA_WORDS = ("strict", "schema", "grammar", "structured", "$ref", "$defs")
_USUAL_HIDDEN, _MOST_HIDDEN = 350, 2_000  # tokens of the text about tools that the provider adds and bills
_CACHE_WRITE = 2  # times the price of an input token, at most: none is asked for, so none is expected


@dataclass(slots=True, eq=False)
class AnthropicMessages(Endpoint):
    """One model at one address of Anthropic's Messages protocol."""

    where: str = "anthropic"
    kind: ClassVar[str] = "anthropic"
    home: ClassVar[str] = ANTHROPIC_URL
    version: ClassVar[str] = "/v1"
    known: ClassVar[frozenset[str]] = frozenset(_PARAMS)
    key_header: ClassVar[tuple[str, str]] = ("x-api-key", "")
    headers: ClassVar[Mapping[str, str]] = {"anthropic-version": "2023-06-01"}

    def _new_fitting(self) -> Fitting:
        tool = Way(as_it_is, (*_SCHEMA_WORDS, "tool")), Way(_not_strict, (*_SCHEMA_WORDS, "tool")), Way(_no_tool)
        return Fitting(tool, *(or_none(name, _without(name)) for name in _PARAMS))

    def _path(self) -> str:
        return f"{self.version}/messages"

    def _strictest(self, prompt: Prompt) -> dict[str, Any]:
        about = {"name": _TOOL, "description": "Give the answer.", "strict": True}
        return {
            "model": self.model,
            "system": prompt.system,
            "messages": [{"role": "user", "content": prompt.user}],
            **self.params,
            "max_tokens": self.max_tokens * max(1, len(prompt.items)),
            "tools": [{**about, "input_schema": answer_schema(prompt)}],
            "tool_choice": {"type": "tool", "name": _TOOL, "disable_parallel_tool_use": True},
        }

    def bound(self, request: Request) -> Usage:
        """Return one token a byte, and room for what is said of tools."""
        return most_tokens(request["body"], request["body"]["max_tokens"], hidden=_MOST_HIDDEN)

    def expect(self, request: Request) -> Usage:
        """Return the usual length of the prompt's tokens and of a label in JSON."""
        body = request["body"]
        schema = body["tools"][0]["input_schema"]
        texts = [body["system"], body["messages"][0]["content"], json.dumps(schema)]
        return usual_tokens(texts, schema, body["max_tokens"], hidden=_USUAL_HIDDEN)

    def read(self, body: bytes) -> Reply:
        """Read a message."""
        return read_message(body)


def _not_strict(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "tools": [{key: tool[key] for key in tool if key != "strict"} for tool in body["tools"]]}


def _no_tool(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in ("tools", "tool_choice")}


def _without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda body: {key: value for key, value in body.items() if key != name}


def read_message(body: bytes) -> Reply:
    """Read a message; raise `Ambiguous` where the body is none."""
    try:
        data = json.loads(body)
        blocks = [block for block in data["content"] if block["type"] in ("text", "tool_use")]
        inputs = _inputs(body)
        usage = data.get("usage")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise no_answer("message", body) from None
    text, fault = _answer(blocks, inputs)
    used = usage if isinstance(usage, dict) else {}
    return Reply(
        text=text,
        input_tokens=_input_tokens(used),
        output_tokens=counted(used.get("output_tokens")),
        model=str(data.get("model") or "")[:200],
        fault=_fault(data.get("stop_reason")) or fault,
    )


def _answer(blocks: list[dict[str, Any]], inputs: list[str]) -> tuple[str, str]:
    """Return the text of the answer, the input of the tool or else what the model wrote, and why it is none."""
    tools = [block for block in blocks if block["type"] == "tool_use"]
    if len(tools) > 1:
        return "", "two answers"
    if tools:
        return (inputs[0], "") if tools[0].get("name") == _TOOL else ("", "the model called another tool")
    texts = [block.get("text") for block in blocks]
    if not texts or not all(isinstance(text, str) for text in texts):
        return "", "no text in the answer"
    return "".join(map(str, texts)), ""


def _fault(ended: object) -> str:
    """Say why the answer is not whole: a label that was cut off can look like another label."""
    if ended in ("end_turn", "tool_use", "stop_sequence"):
        return ""
    if ended in ("max_tokens", "model_context_window_exceeded", "pause_turn"):
        return "cut off at max_tokens" if ended == "max_tokens" else "cut off"
    return "the model refused" if ended == "refusal" else "the answer does not say that it is whole"


def _input_tokens(used: Mapping[str, Any]) -> int | None:
    """Return the tokens that the input is billed as; those of a cache stand beside the others, where there is one."""
    plain = counted(used.get("input_tokens"))
    found, made = (counted(used.get(f"cache_{what}_input_tokens") or 0) for what in ("read", "creation"))
    if plain is None or found is None or made is None:
        return None
    return plain + found + _CACHE_WRITE * made


def _inputs(body: bytes) -> list[str]:
    """Return the inputs of the tools as JSON; a name that was written twice is there twice, for the reader to see."""
    message = dict(read_pairs(body))
    blocks = [dict(block) for block in message["content"]]
    return [write_pairs(block["input"]) for block in blocks if block["type"] == "tool_use"]
