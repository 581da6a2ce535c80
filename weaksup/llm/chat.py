"""The OpenAI chat protocol: what a request looks like, what an endpoint may refuse in it, what a reply says.

Pure: nothing here touches the network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from weaksup.llm.failures import Ambiguous
from weaksup.protocols import Prompt, Reply

__all__ = ["PARAMS", "Fitting", "chat_body", "error_text", "read_completion"]

# What a tier may set beside model, prompt and limit. Not here: n, stream, tools, service_tier, which change the price
# or the shape of the answer.
PARAMS = frozenset(
    {
        "chat_template_kwargs",
        "frequency_penalty",
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
_MOST_TOKENS = 10**9  # more than this is no count of tokens


def chat_body(prompt: Prompt, *, model: str, max_tokens: int, params: Mapping[str, Any]) -> dict[str, Any]:
    """Build the request: the answer is held to a JSON object with one of the labels, and to `max_tokens`."""
    schema = {
        "type": "object",
        "properties": {"label": {"type": "string", "enum": list(prompt.answers)}},
        "required": ["label"],
        "additionalProperties": False,
    }
    return {
        "model": model,
        "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
        **params,
        "max_completion_tokens": max_tokens,
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}},
    }


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
        if asked and any(word in said for word in ("response_format", "json_schema", "json_object", "structured")):
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
