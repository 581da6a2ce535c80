"""Read a label out of a model's reply: exactly one label of the label space, or an abstain that says why."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from weaksup.labels import ABSTAIN
from weaksup.protocols import Reading

__all__ = ["read_label"]

_MOST_CHARS = 20_000  # a label, a number and a reason need far less
# Opening and closing; the escapes are the curly quotes of English and German.
_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019", "«": "»", "\u201e": "\u201c", "*": "*"}
_FIELDS = {"label", "confidence", "reason"}


class _Unreadable(Exception):  # noqa: N818  (says why a reply is no answer)
    pass


def read_label(text: str, names: Sequence[str]) -> Reading:
    """Accept `{"label": "NAME"}`, with confidence and reason or without, and the bare NAME; never raise, never guess.

    Around them: white space, a code fence, quotes; case may differ where no two labels differ by case alone. All else
    abstains: prose, two labels, "not NAME", an index, a label that is not in the space, half a JSON.

    >>> read_label('{"label": "spam"}', ["HAM", "SPAM"]).code, read_label("not SPAM", ["HAM", "SPAM"]).code
    (1, -1)
    """
    try:
        return _read(text, names)
    except _Unreadable as error:
        return Reading(ABSTAIN, str(error))


def _read(text: str, names: Sequence[str]) -> Reading:
    if len(text) > _MOST_CHARS:
        raise _Unreadable("the answer is too long")
    plain = _without_fence(text.strip().strip("\ufeff").strip())
    if not plain:
        raise _Unreadable("the answer is empty")
    if plain in names:
        return Reading(names.index(plain))
    if plain[0] in "{[":
        return _from_object(_json(plain), names)
    return Reading(_find(_without_quotes(plain), names))


def _without_fence(text: str) -> str:
    first, _, rest = text.partition("\n")
    if not (first.startswith("```") and rest.endswith("```")):
        return text
    language, inner = first[3:].strip(), rest[:-3].strip()
    return inner if "```" not in inner and (not language or language.isalnum()) else text


def _without_quotes(text: str) -> str:
    """Take off matching quotes or emphasis, and a full stop; `""SPAM""` is as odd as it gets."""
    for _ in range(3):
        if len(text) > 2 and text[-1] == "." and not text[-2].isspace():
            text = text[:-1]
        if len(text) < 3 or _QUOTES.get(text[0]) != text[-1]:
            break
        text = text[1:-1].strip()
    return text


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _Unreadable("the answer is not JSON") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Unreadable("the answer has a field twice")
    return found


def _no_constant(name: str) -> Any:
    raise _Unreadable(f"the answer is not JSON: {name}")


def _from_object(data: Any, names: Sequence[str]) -> Reading:
    if not isinstance(data, dict) or "label" not in data or set(data) - _FIELDS:
        raise _Unreadable('the answer is not {"label": ...}')
    label = data["label"]
    if label is None:
        raise _Unreadable("the model gave no label")
    if not isinstance(label, str):
        raise _Unreadable("the answer is not a label")
    return Reading(
        _find(label if label in names else label.strip(), names), confidence=_confidence(data.get("confidence"))
    )


def _confidence(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value <= 1 and math.isfinite(value) else None


def _find(text: str, names: Sequence[str]) -> int:
    """Return the index of the label: written exactly so, or the only one that differs by case alone."""
    if text in names:
        return names.index(text)
    alike = [i for i, name in enumerate(names) if _same_letters(text, name)]
    if len(alike) != 1:
        raise _Unreadable("the answer is not a label")
    return alike[0]


def _same_letters(text: str, name: str) -> bool:
    """Compare by the cases of the name's own letters: casefold() would take look-alikes too (the Kelvin sign for k)."""
    return len(text) == len(name) and all(c in (n, n.lower(), n.upper()) for c, n in zip(text, name, strict=True))
