"""Read a label out of a model's reply: exactly one label of the label space, or an abstain that says why."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from weaksup.labels import ABSTAIN
from weaksup.protocols import Reading

__all__ = ["read_label", "read_labels"]

_MOST_CHARS = 20_000  # of one answer: a label, a number and a reason need far less
_MOST_REASON = 1_000
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


def read_labels(text: str, items: Sequence[str], names: Sequence[str]) -> tuple[Reading, ...]:
    """Read `{"ID": {"label": "NAME"}, ...}`: one reading for each of the `items`, in order; never raise, never guess.

    An item that has no answer or two, or one that is not a label, abstains; an id that nobody asked about is no answer.

    >>> [reading.code for reading in read_labels('{"a": {"label": "HAM"}, "x": "HAM"}', ["a", "b"], ["HAM", "SPAM"])]
    [0, -1]
    """
    try:
        answers = _json(_plain(text, _MOST_CHARS * max(1, len(items))), hook=_Pairs)
    except _Unreadable as error:
        return tuple(Reading(ABSTAIN, str(error)) for _ in items)
    if not isinstance(answers, _Pairs):
        return tuple(Reading(ABSTAIN, "the answer has no item ids") for _ in items)
    return tuple(_read_item([said for key, said in answers if key == item], names) for item in items)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it was written: a name that comes twice is seen twice."""


def _read_item(said: list[Any], names: Sequence[str]) -> Reading:
    """Read what was said of one item."""
    try:
        if len(said) != 1:
            raise _Unreadable("no answer for this item" if not said else "two answers for this item")
        if isinstance(said[0], str):
            return Reading(_find(said[0].strip(), names))
        return _from_object(_distinct(said[0]) if isinstance(said[0], _Pairs) else said[0], names)
    except _Unreadable as error:
        return Reading(ABSTAIN, str(error))


def _plain(text: str, most: int) -> str:
    """Take off what may stand around an answer."""
    if len(text) > most:
        raise _Unreadable("the answer is too long")
    plain = _without_fence(text.strip().strip("\ufeff").strip())
    if not plain:
        raise _Unreadable("the answer is empty")
    return plain


def _read(text: str, names: Sequence[str]) -> Reading:
    plain = _plain(text, _MOST_CHARS)
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
        if len(text) > 1 and text[-1] == "." and not text[-2].isspace():
            text = text[:-1]
        if len(text) < 3 or _QUOTES.get(text[0]) != text[-1]:
            break
        text = text[1:-1].strip()
    return text


def _json(text: str, hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    try:
        return json.loads(text, object_pairs_hook=hook or _distinct, parse_constant=_no_constant)
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
    code = _find(label if label in names else label.strip(), names)
    because = data.get("reason")
    return Reading(
        code,
        confidence=_confidence(data.get("confidence")),
        because=" ".join(because.split())[:_MOST_REASON] if isinstance(because, str) else "",
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
