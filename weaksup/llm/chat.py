"""The OpenAI chat protocol: what a request looks like, what an endpoint may refuse in it, what a reply says.

Pure: nothing here touches the network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from weaksup.errors import ConfigError
from weaksup.llm.failures import Ambiguous
from weaksup.llm.logprobs import label_confidence
from weaksup.llm.prices import Usage
from weaksup.protocols import Prompt, Reply

__all__ = [
    "PARAMS",
    "Fitting",
    "chat_body",
    "check_params",
    "error_text",
    "most_tokens",
    "read_completion",
    "usual_tokens",
]

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
_MOST_TOKENS = 10**9  # more than this is no count of tokens
_TEMPLATE_TOKENS = 64  # what chat templates put around the messages
_BYTES_A_TOKEN = 4  # English text, as a rule of thumb
_USUAL_TOKENS = {"label": 12, "confidence": 8, "reason": 40}  # of an answer's parts, braces and quotes included


def check_params(params: Mapping[str, Any], where: str) -> None:
    """Refuse a parameter that would change what an answer costs, or how it is read; `where` names the tier."""
    odd = sorted(set(params) - PARAMS)
    if odd:
        raise ConfigError(f'{where}: "{odd[0]}" is not a parameter; the parameters are {", ".join(sorted(PARAMS))}')
    if not isinstance(params.get("seed", 0), int):
        raise ConfigError(f'{where}: "seed": expected a whole number, got {params["seed"]!r}')


def chat_body(prompt: Prompt, *, model: str, max_tokens: int, params: Mapping[str, Any]) -> dict[str, Any]:
    """Build the request: the answer is held to a JSON object with one of the labels, and to `max_tokens` an item.

    Each sample of a prompt gets a seed of its own where the tier sets one.
    """
    if prompt.sample and "seed" in params:
        params = {**params, "seed": params["seed"] + prompt.sample}
    schema = _answer_schema(prompt)
    return {
        "model": model,
        "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
        **params,
        "max_completion_tokens": max_tokens * max(1, len(prompt.items)),
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}},
    }


def _answer_schema(prompt: Prompt) -> dict[str, Any]:
    """Return the schema of one answer, or, for a prompt with items, of an object that has one under every item's id."""
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


def most_tokens(body: Mapping[str, Any]) -> Usage:
    """Return one token a byte of the request: a byte-level tokenizer never makes more."""
    text = json.dumps(body, ensure_ascii=False)
    return Usage(len(text.encode("utf-8", "surrogatepass")) + _TEMPLATE_TOKENS, body["max_completion_tokens"])


def usual_tokens(body: Mapping[str, Any]) -> Usage:
    """Return the usual length of the prompt's tokens and of the answers in JSON."""
    size = sum(len(message["content"].encode("utf-8", "replace")) for message in body["messages"])
    schema = body["response_format"]["json_schema"]["schema"]
    items = len(schema["properties"]) if "$defs" in schema else 1
    parts = schema["$defs"]["answer"]["properties"] if "$defs" in schema else schema["properties"]
    answer = items * sum(_USUAL_TOKENS[part] for part in parts)
    return Usage(size // _BYTES_A_TOKEN + 10, min(answer, body["max_completion_tokens"]))


class Fitting:
    """What one endpoint accepts, learned from what it refuses; it starts with the strictest form.

    The schema gives way to JSON mode and then to the prompt's words alone; a sampling parameter is left out. The limit
    on the answer's length is renamed, never left out: the budget rests on it.
    """

    def __init__(self, *, new_limit: bool) -> None:
        self._formats = ["json_schema", "json_object", "none"]
        limits = ["max_completion_tokens", "max_tokens"]
        self._limits = limits if new_limit else limits[::-1]
        self._left_out: set[str] = set()

    def apply(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body in the form that the endpoint accepts, as far as is known."""
        fitted = {name: value for name, value in body.items() if name not in self._left_out}
        fitted[self._limits[0]] = fitted.pop("max_completion_tokens")
        if self._formats[0] == "json_object":
            fitted["response_format"] = {"type": "json_object"}
        elif self._formats[0] == "none":
            del fitted["response_format"]
        return fitted

    def learn(self, sent: Mapping[str, Any], refusal: str) -> bool:
        """Read a refusal of the body that was sent; return whether another form is worth trying."""
        said = refusal.lower()
        asked = sent.get("response_format", {}).get("type")
        if asked and any(word in said for word in _FORMAT_WORDS):
            return self._drop(self._formats, asked)
        for limit in ("max_completion_tokens", "max_tokens"):
            if limit in sent and limit in said:
                return self._drop(self._limits, limit)
        for name in sorted(PARAMS & set(sent)):
            if name in said:
                self._left_out.add(name)
                return True
        return False

    @staticmethod
    def _drop(choices: list[str], choice: str) -> bool:
        """Give up a choice unless it is the last; another thread may have done so already."""
        if choices[0] == choice and len(choices) > 1:
            choices.pop(0)
        return choices[0] != choice


def read_completion(body: bytes) -> Reply:
    """Read a chat completion; raise `Ambiguous` where the body is none (an HTML page, half a JSON, an error)."""
    try:
        data = json.loads(body)
        choice = data["choices"][0]
        message = choice["message"]
        text = message.get("content")
        usage = data.get("usage")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        shown = " ".join(body[:80].decode("utf-8", "replace").split())
        raise Ambiguous(f"no chat completion in the answer: {shown}") from None
    counted = usage if isinstance(usage, dict) else {}
    return Reply(
        text=text if isinstance(text, str) else "",
        input_tokens=_tokens(counted.get("prompt_tokens")),
        output_tokens=_tokens(counted.get("completion_tokens")),
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


def _tokens(value: object) -> int | None:
    counts = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS
    return value if counts and isinstance(value, int) else None


def error_text(body: bytes) -> str:
    """Return the message of an error body in one short line, with the parameter that it names."""
    text = body.decode("utf-8", "replace")
    try:
        error = json.loads(text)["error"]
        words = error if isinstance(error, str) else " ".join(_words(error))
    except (ValueError, LookupError, TypeError, RecursionError):
        words = text
    plain = "".join(c if c.isprintable() else " " for c in words)
    return " ".join(plain.split())[:500]


def _words(error: Mapping[str, Any]) -> list[str]:
    named = {str(error["message"]): None} | {str(error[k]): None for k in ("code", "param") if error.get(k)}
    return list(named)
