"""A request that is not answered: a status, and one line of JSON that says why."""

from __future__ import annotations

import json

from starlette.exceptions import HTTPException

__all__ = ["Refusal", "fault_bytes", "show"]


class Refusal(HTTPException):
    """Raise it anywhere in a route: the client gets {"error": message} with this status."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, message, headers)


def fault_bytes(message: str) -> bytes:
    """Return the body of a refusal."""
    return json.dumps({"error": message}, ensure_ascii=False).encode("utf-8", "replace")


def show(value: object) -> str:
    """Quote what came, short and on one line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
