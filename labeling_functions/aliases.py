"""Other words for the labels in a prompt: a name can carry a meaning of its own, and pull an answer towards it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal

from weaksup.errors import ConfigError
from weaksup.labels import LabelSpace

__all__ = ["Aliases", "label_words"]

Aliases = Mapping[str, str] | Literal["letters"]
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def label_words(aliases: Aliases | None, labels: LabelSpace, *, where: str) -> tuple[str, ...]:
    """Return the word for each label that a prompt shows, in the order of the labels; `where` names the prompt.

    "letters" are A, B, C, ... Raises ConfigError where a label has no alias, where two aliases are the same word but
    for case or the way it is encoded, and where one is the name of another label.

    >>> label_words({"HAM": "personal", "SPAM": "advert"}, LabelSpace(["HAM", "SPAM"]), where="prompt")
    ('personal', 'advert')
    """
    if aliases is None:
        return labels.names
    words = _letters(labels, where) if aliases == "letters" else _given(aliases, labels, where)
    _check_words(words, labels.names, where)
    return words


def _letters(labels: LabelSpace, where: str) -> tuple[str, ...]:
    bare = [name for name, text in zip(labels.names, labels.descriptions, strict=True) if not text.strip()]
    if bare:
        advice = 'describe every label: LabelSpace({"HAM": "a message from a person", ...})'
        raise ConfigError(f'{where}: a letter says nothing about "{bare[0]}", which has no description; {advice}')
    return tuple(_letter(number) for number in range(len(labels)))


def _letter(number: int) -> str:
    """Return A, B, ..., Z, AA, AB, ..."""
    rest, last = divmod(number, len(_LETTERS))
    return (_letter(rest - 1) if rest else "") + _LETTERS[last]


def _given(aliases: Aliases, labels: LabelSpace, where: str) -> tuple[str, ...]:
    if not isinstance(aliases, Mapping):
        raise ConfigError(f'{where}: expected aliases = {{"LABEL": "alias", ...}} or "letters", got {aliases!r}')
    odd = [*(name for name in aliases if name not in labels.names), *(n for n in labels.names if n not in aliases)]
    if odd:
        there = ", ".join(labels.names[:6])
        raise ConfigError(f'{where}: expected an alias for each of {there}, and no others; see "{odd[0]}"')
    words = tuple(aliases[name] for name in labels.names)
    for word in words:
        if not isinstance(word, str) or not word.isprintable() or not word.strip() or word != word.strip():
            raise ConfigError(f"{where}: expected printable aliases without spaces around them, got {word!r}")
    return words


def _check_words(words: Sequence[str], names: Sequence[str], where: str) -> None:
    """Refuse words that a reader could take for one another, or for another label."""
    seen: dict[str, str] = {}
    named = {_plain(name): name for name in names}
    for word, own in zip(words, names, strict=True):
        plain = _plain(word)
        if plain in seen:
            raise ConfigError(f'{where}: the aliases "{seen[plain]}" and "{word}" are the same word; they must differ')
        seen[plain] = word
        if plain in named and plain != _plain(own):
            what = f'"{word}" stands for "{own}" and is the name of another label, "{named[plain]}"'
            raise ConfigError(f"{where}: the alias {what}; choose another")


def _plain(text: str) -> str:
    """Return a text without case, and without the ways in which Unicode can write the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
