"""What a fake provider of batches writes about each item."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from faults.dialects import CHAT, Dialect

__all__ = ["ItemFault", "is_error", "lines_of", "tokens_of"]

ItemFault = str
"""Of an item: ok | missing | duplicate | expired | canceled | error:<status> | garbage (no JSON) | half (cut JSON)
| foreign (one more, of nobody) | other_model | no_usage | no_answer (a body that is none) | prose | long
| late (an error first, the answer after it)."""


def is_error(fault: ItemFault) -> bool:
    return fault.split(":")[0] in ("expired", "canceled", "cancelled", "error")


def tokens_of(body: Mapping[str, Any]) -> tuple[int, int]:
    return len(json.dumps(body)) // 4, 8


def _answer(body: Mapping[str, Any], fault: ItemFault, dialect: Dialect) -> Any:
    if fault == "no_answer":
        return {"oops": 1}
    label = (dialect.labels(body) or ["HAM"])[0]
    usage = None if fault == "no_usage" else dialect.usage(*tokens_of(body))
    model = "cheaper-model" if fault == "other_model" else str(body["model"])
    text = "it depends" if fault == "prose" else json.dumps({"label": label})
    text = "x" * 2_000_000 if fault == "long" else text
    return json.loads(dialect.answer(text, usage, body=body, model=model))


def lines_of(key: str, body: Mapping[str, Any], fault: ItemFault, dialect: Dialect) -> list[bytes]:
    if fault == "missing":
        return []
    if fault == "garbage":
        return [b"<html>not JSON</html>"]
    kind, _, status = fault.partition(":")
    write = _chat_line if dialect is CHAT else _message_line
    line = write(key, kind, status, None if is_error(fault) else _answer(body, fault, dialect))
    if fault == "half":
        return [line[: len(line) // 2]]
    if fault == "foreign":
        return [line, line.replace(key.encode(), b"somebody-elses")]
    return [line] * (2 if fault == "duplicate" else 1)


def _refusal(status: str) -> str:
    return "Unsupported value: 'temperature'" if status == "400" else f"fault {status}"


def _chat_line(key: str, kind: str, status: str, answer: Any) -> bytes:
    said: dict[str, Any] = {"id": "batch_req_1", "custom_id": key, "response": None, "error": None}
    if kind in ("expired", "canceled", "cancelled"):
        code = "batch_expired" if kind == "expired" else "batch_cancelled"
        said["error"] = {"code": code, "message": "This request was not executed."}
    elif kind == "error":
        error = {"error": {"message": _refusal(status), "param": None}}
        said["response"] = {"status_code": int(status), "request_id": "r", "body": error}
    else:
        said["response"] = {"status_code": 200, "request_id": "r", "body": answer}
    return json.dumps(said).encode()


def _message_line(key: str, kind: str, status: str, answer: Any) -> bytes:
    types = {
        "400": "invalid_request_error",
        "404": "not_found_error",
        "413": "request_too_large",
        "429": "rate_limit_error",
        "500": "api_error",
    }
    result: dict[str, Any] = {"type": "succeeded", "message": answer}
    if kind == "expired":
        result = {"type": "expired"}
    elif kind in ("canceled", "cancelled"):
        result = {"type": "canceled"}
    elif kind == "error":
        error = {"type": types.get(status, "odd_error"), "message": _refusal(status)}
        result = {"type": "errored", "error": {"type": "error", "error": error}}
    return json.dumps({"custom_id": key, "result": result}).encode()
