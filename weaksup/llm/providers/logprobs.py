"""How sure a model was of the label that it wrote, from the log-probabilities of the tokens, where they are given."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["label_confidence"]

_LABEL = re.compile(rb'"label"\s*:\s*("(?:[^"\\]|\\.)*")')


def label_confidence(logprobs: object, text: object) -> float | None:
    """Return the probability of the tokens that hold the label, closing quote included; `None` where it is not known.

    `logprobs` is the field of a chat completion's choice. An answer with no label, or with several, has none.

    >>> tokens = [("{", -1.0), ('"label": "', -2.0), ("SP", math.log(0.8)), ('AM"}', math.log(0.5))]
    >>> said = {"content": [{"token": token, "logprob": value} for token, value in tokens]}
    >>> label_confidence(said, '{"label": "SPAM"}')
    0.4
    """
    tokens = _tokens(logprobs)
    if not tokens or not isinstance(text, str):
        return None
    written = b"".join(token for token, _ in tokens)
    found = list(_LABEL.finditer(written))
    if len(found) != 1 or not _same(found[0].group(1), text):
        return None
    first, last = found[0].start(1) + 1, found[0].end(1)
    total, at = 0.0, 0
    for token, value in tokens:
        if at < last and at + len(token) > first:
            total += value
        at += len(token)
    return round(math.exp(min(total, 0.0)), 9)


def _tokens(logprobs: object) -> list[tuple[bytes, float]]:
    """Return the tokens with their log-probabilities; none where a part of them is missing."""
    listed = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    try:
        found = [(_bytes(item), float(item["logprob"])) for item in listed or ()]
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        return []
    return found if all(not math.isnan(value) for _, value in found) else []


def _bytes(item: Mapping[str, Any]) -> bytes:
    given = item.get("bytes")
    return bytes(given) if given is not None else str(item["token"]).encode("utf-8", "replace")


def _same(written: bytes, text: str) -> bool:
    """Say whether the tokens are those of the text: some endpoints send tokens of what came before it, too."""
    try:
        return bool(json.loads(text)["label"] == json.loads(written))
    except (ValueError, LookupError, TypeError, RecursionError):
        return False
