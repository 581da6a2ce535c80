"""What a fake provider must say in each protocol: OpenAI's chat, Anthropic's messages, Google's generated content."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

__all__ = ["CHAT", "GENERATE", "MESSAGES", "Dialect", "dialect_of"]

Body = Mapping[str, Any]
Ended = str
"""whole | length | refusal"""


class Dialect(ABC):
    """One protocol, as its server sees it."""

    key_header: str
    key_before = ""

    @abstractmethod
    def user(self, body: Body) -> str:
        """Return what the user's message says."""

    @abstractmethod
    def labels(self, body: Body) -> list[str]:
        """Return the enum of the schema that the answer is held to; nothing where there is no schema."""

    @abstractmethod
    def usage(self, tokens_in: Any, tokens_out: Any) -> dict[str, Any]:
        """Write the counts."""

    @abstractmethod
    def answer(
        self, text: str | None, usage: Any, *, body: Body, model: str = "fake-1", ended: Ended = "whole"
    ) -> bytes:
        """Write an answer."""

    def error(self, message: str, *, wait: str = "") -> dict[str, Any]:
        """Write an error."""
        return {"error": {"message": message}}


class _Chat(Dialect):
    key_header, key_before = "authorization", "Bearer "

    def user(self, body: Body) -> str:
        return str(body["messages"][-1]["content"])

    def labels(self, body: Body) -> list[str]:
        form = body.get("response_format", {})
        return _enum(form["json_schema"]["schema"]) if "json_schema" in form else []

    def usage(self, tokens_in: Any, tokens_out: Any) -> dict[str, Any]:
        return {"prompt_tokens": tokens_in, "completion_tokens": tokens_out}

    def answer(
        self, text: str | None, usage: Any, *, body: Body, model: str = "fake-1", ended: Ended = "whole"
    ) -> bytes:
        refusal = "I cannot help with that." if ended == "refusal" else None
        message = {"role": "assistant", "content": None if refusal else text, "refusal": refusal}
        reason = "length" if ended == "length" else "stop"
        said: dict[str, Any] = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}],
        }
        if usage is not None:
            said["usage"] = usage
        return json.dumps(said).encode()


class _Messages(Dialect):
    key_header = "x-api-key"

    def user(self, body: Body) -> str:
        return str(body["messages"][-1]["content"])

    def labels(self, body: Body) -> list[str]:
        return _enum(body["tools"][0]["input_schema"]) if "tools" in body else []

    def usage(self, tokens_in: Any, tokens_out: Any) -> dict[str, Any]:
        return {"input_tokens": tokens_in, "output_tokens": tokens_out}

    def answer(
        self, text: str | None, usage: Any, *, body: Body, model: str = "fake-1", ended: Ended = "whole"
    ) -> bytes:
        content = self._content(text or "", body) if ended != "refusal" else []
        whole = "tool_use" if content and content[0]["type"] == "tool_use" else "end_turn"
        said = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": content,
            "stop_reason": {"length": "max_tokens", "refusal": "refusal"}.get(ended, whole),
            "stop_sequence": None,
        }
        return json.dumps(said if usage is None else {**said, "usage": usage}).encode()

    @staticmethod
    def _content(text: str, body: Body) -> list[dict[str, Any]]:
        try:
            given = json.loads(text)
        except ValueError:
            given = None
        if "tools" not in body or not isinstance(given, dict):
            return [{"type": "text", "text": text}]
        return [{"type": "tool_use", "id": "toolu_1", "name": body["tools"][0]["name"], "input": given}]

    def error(self, message: str, *, wait: str = "") -> dict[str, Any]:
        return {"type": "error", "error": {"type": "some_error", "message": message}, "request_id": "req_1"}


class _Generate(Dialect):
    key_header = "x-goog-api-key"

    def user(self, body: Body) -> str:
        return str(body["contents"][-1]["parts"][-1]["text"])

    def labels(self, body: Body) -> list[str]:
        schema = body["generationConfig"].get("responseSchema")
        return _enum(schema) if schema else []

    def usage(self, tokens_in: Any, tokens_out: Any) -> dict[str, Any]:
        return {"promptTokenCount": tokens_in, "candidatesTokenCount": tokens_out}

    def answer(
        self, text: str | None, usage: Any, *, body: Body, model: str = "fake-1", ended: Ended = "whole"
    ) -> bytes:
        reason = "MAX_TOKENS" if ended == "length" else "STOP"
        candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": reason, "index": 0}
        said: dict[str, Any] = {"candidates": [candidate], "modelVersion": model, "responseId": "r1"}
        if ended == "refusal":
            said = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "modelVersion": model}
        return json.dumps(said if usage is None else {**said, "usageMetadata": usage}).encode()

    def error(self, message: str, *, wait: str = "") -> dict[str, Any]:
        delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": wait}
        details = {"details": [delay]} if wait else {}
        return {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT", **details}}


def _enum(schema: Any) -> list[str]:
    """Return the labels; of a request with several items, those of any of them."""
    one = schema.get("$defs", {}).get("answer", schema)["properties"]
    one = one if "label" in one else next(iter(one.values()))["properties"]
    return list(one["label"]["enum"])


CHAT, MESSAGES, GENERATE = _Chat(), _Messages(), _Generate()


def dialect_of(path: str) -> Dialect:
    """Return the protocol whose requests are posted to a path."""
    if path.endswith("/messages"):
        return MESSAGES
    return GENERATE if path.endswith(":generateContent") else CHAT
