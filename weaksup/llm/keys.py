"""The key of a request: equal keys mean the same question to the same model in the same words."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from weaksup.llm.providers.provider import Request

__all__ = ["request_key"]

_VERSION = 1  # of the encoding below; a change makes every old answer unreachable


def request_key(request: Request, *, prompt_name: str, prompt_version: str, answers: tuple[str, ...]) -> str:
    """Return the SHA-256 of everything that changes the answer.

    JSON with sorted keys is unambiguous: no two different requests have the same encoding.
    """
    parts: dict[str, Any] = {
        "key": _VERSION,
        "request": request,
        "prompt": [prompt_name, prompt_version],
        "answers": list(answers),
    }
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
