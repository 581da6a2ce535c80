"""Which model of a price list a name means: the list matches by prefix, and a prefix is not a price."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

__all__ = ["is_that_model", "nearest"]

# A snapshot: 2024-07-18, 20251001, 09-2025, 2407 or 0613; Google counts them, 001, 002.
_SNAPSHOT = re.compile(r"[-@](latest|\d{4}-\d{2}-\d{2}|\d{8}|\d{6}|\d{4}|\d{2}-\d{2}|\d{2}-\d{4}|00\d)")


def is_that_model(name: str, listed: Any) -> bool:
    """Say whether a name is that of a model in genai-prices: itself, a dated snapshot of it, or its latest one.

    "gpt-5-nano-2025-08-07" is gpt-5-nano; "gpt-5-nano-foo" may be anything. A model may have several names there.
    """
    wanted = name.lower()
    stems = {stem.lower().rstrip("-@") for stem in (listed.id, *_literals(listed.match))}
    stems |= {stem.removesuffix("-latest") for stem in stems}
    return any(wanted == stem or (wanted.startswith(stem) and _dated(wanted, stem)) for stem in stems if stem)


def _dated(wanted: str, stem: str) -> bool:
    return _SNAPSHOT.fullmatch(wanted[len(stem) :]) is not None


def _literals(clause: Any) -> Iterator[str]:
    """Return the texts that a rule of the list compares names with; patterns are left out."""
    for attribute in ("equals", "starts_with"):
        if isinstance(text := getattr(clause, attribute, None), str):
            yield text
    for inner in getattr(clause, "or_", None) or getattr(clause, "and_", None) or ():
        yield from _literals(inner)


def nearest(model: str, names: Iterable[str]) -> str:
    """Say which names are like this one, as part of a message: " (nearest: gpt-5, gpt-5-nano)", or nothing."""
    close = get_close_matches(model.lower(), sorted(set(names)), n=3)
    return f" (nearest: {', '.join(close)})" if close else ""
