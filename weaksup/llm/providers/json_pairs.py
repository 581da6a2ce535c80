"""JSON as it was written: a name that an object has twice is there twice, for whoever reads the answer to see."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Pairs", "read_pairs", "write_pairs"]


class Pairs(list[tuple[str, Any]]):
    """A JSON object: its names and values, in order."""


def read_pairs(body: bytes) -> Any:
    """Read JSON with `Pairs` for its objects; raise what `json.loads` raises.

    >>> write_pairs(read_pairs(b'{"label": "HAM", "label": ["SPAM"]}'))
    '{"label": "HAM", "label": ["SPAM"]}'
    """
    return json.loads(body, object_pairs_hook=Pairs)


def write_pairs(value: Any) -> str:
    """Write what `read_pairs` read."""
    if isinstance(value, Pairs):
        return "{" + ", ".join(f"{json.dumps(name)}: {write_pairs(inner)}" for name, inner in value) + "}"
    return "[" + ", ".join(map(write_pairs, value)) + "]" if isinstance(value, list) else json.dumps(value)
