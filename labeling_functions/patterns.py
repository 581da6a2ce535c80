"""Declarative labeling functions: keywords, regular expressions and look-ups, run by Arrow on whole columns.

Patterns are RE2's (R. Cox, 2010): time is linear in the text whatever the pattern, and a hostile text cannot hang them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from weaksup.corpus.rows import Chunk
from weaksup.errors import ConfigError, UsageError
from weaksup.labeling_functions.base import check_name
from weaksup.labeling_functions.column import ColumnLF, column_of, text_column
from weaksup.labeling_functions.examples import read_examples
from weaksup.labels import LabelSpace
from weaksup.protocols import ChunkVotes

__all__ = ["keywords", "lookup", "regex"]

_IN_WORD = r"\pL\pM\pN_"  # RE2's own \w and \b know ASCII only
_SPACE = r"[\s\pZ\x0b\x1c-\x1f\x85]+"
_GROUP = 1000  # words in one pattern: larger automata fall back to slow matching
_BEYOND_RE2 = {"(?=": "look-ahead", "(?!": "look-ahead", "(?<": "look-behind", "(?>": "atomic groups"}


def keywords(
    name: str,
    words: Iterable[str],
    *,
    label: object,
    whole_word: bool = True,
    case: bool = False,
    field: str = "text",
    unless: Iterable[str] = (),
    examples: Iterable[object] = (),
    labels: LabelSpace | None = None,
) -> ColumnLF:
    """Vote `label` where the text holds any of the words or phrases, and none of those in `unless`.

    A whole word has no letter, mark, digit or underscore of any script next to it; a space in a phrase stands for any
    white space. Upper and lower case are the same unless `case=True` (Unicode simple case folding).
    """
    name = check_name(name)
    wanted = _word_patterns(name, words, whole_word=whole_word)
    barred = _word_patterns(name, unless, whole_word=whole_word, may_be_empty=True)

    def hits(texts: pa.Array) -> pa.Array:
        found = _any_match(texts, wanted, case=case)
        return pc.and_not(found, _any_match(texts, barred, case=case)) if barred else found

    return _text_rule(name, hits, label=label, field=field, examples=examples, labels=labels)


def regex(
    name: str,
    pattern: str,
    *,
    label: object,
    case: bool = True,
    field: str = "text",
    examples: Iterable[object] = (),
    labels: LabelSpace | None = None,
) -> ColumnLF:
    r"""Vote `label` where the RE2 pattern is found in the text.

    As in Python with `re.ASCII`: `\w`, `\d`, `\s` and `\b` are about ASCII (`\pL`, `\pN` are any script's letters and
    digits); `$` is the very end. `(?i)`, `(?s)` and `(?m)` may stand at the start.
    """
    name = check_name(name)
    _check_regex(name, pattern)
    return _text_rule(
        name,
        lambda texts: _any_match(texts, [pattern], case=case),
        label=label,
        field=field,
        examples=examples,
        labels=labels,
    )


def lookup(
    name: str,
    table: Mapping[Any, object],
    *,
    field: str,
    examples: Iterable[object] = (),
    labels: LabelSpace | None = None,
) -> ColumnLF:
    """Vote `table[value]` for the value of a column; abstain where it is null or not in the table."""
    name = check_name(name)
    if not table:
        raise ConfigError(f'lookup "{name}": expected a table of value -> label, got an empty one')
    keys = list(table)

    def pick(chunk: Chunk) -> ChunkVotes:
        column = column_of(chunk, field, name=name)
        found = pc.index_in(column, value_set=_keys_as(keys, column.type, name=name, field=field), skip_nulls=True)
        return ChunkVotes(found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64))

    return ColumnLF(name, pick, tuple(table.values()), read_examples(name, examples), labels)


def _text_rule(
    name: str,
    hits: Callable[[pa.Array], pa.Array],
    *,
    label: object,
    field: str,
    examples: Iterable[object],
    labels: LabelSpace | None,
) -> ColumnLF:
    def pick(chunk: Chunk) -> ChunkVotes:
        found = hits(text_column(chunk, field, name=name)).fill_null(False)
        mask: NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
        return ChunkVotes(mask.astype(np.int16) - np.int16(1))  # found: the first choice, else -1

    return ColumnLF(name, pick, (label,), read_examples(name, examples), labels)


def _any_match(texts: pa.Array, patterns: Sequence[str], *, case: bool) -> pa.Array:
    found = (pc.match_substring_regex(texts, pattern, ignore_case=not case) for pattern in patterns)
    return reduce(pc.or_, found)


def _word_patterns(name: str, words: Iterable[str], *, whole_word: bool, may_be_empty: bool = False) -> list[str]:
    if isinstance(words, str):
        raise ConfigError(f'keywords "{name}": expected a list of words, got the string "{words}"; write ["{words}"]')
    listed = list(dict.fromkeys(words))
    for word in listed:
        if not isinstance(word, str) or not word.strip():
            raise ConfigError(f'keywords "{name}": expected words, got {word!r}')
    if not listed and not may_be_empty:
        raise ConfigError(f'keywords "{name}": expected at least one word, got none')
    kinds: dict[tuple[str, str], list[str]] = {}
    for word in listed:
        inner = _SPACE.join(re.escape(part) for part in word.split())
        kinds.setdefault(_edges(word.strip(), whole_word=whole_word), []).append(inner)
    return [pattern for (head, tail), inner in kinds.items() for pattern in _alternatives(name, head, inner, tail)]


def _edges(word: str, *, whole_word: bool) -> tuple[str, str]:
    """Return what must stand before and after a word: nothing that would make it part of a longer one."""
    before, after = (whole_word and _is_in_word(word[end]) for end in (0, -1))
    return f"(?:^|[^{_IN_WORD}])" if before else "", f"(?:$|[^{_IN_WORD}])" if after else ""


def _alternatives(name: str, head: str, listed: list[str], tail: str) -> list[str]:
    pattern = f"{head}(?:{'|'.join(listed)}){tail}"
    if len(listed) <= _GROUP and _complaint(pattern) is None:
        return [pattern]
    if len(listed) == 1:
        raise ConfigError(f'keywords "{name}": {_advice(str(_complaint(pattern)))}')
    half = len(listed) // 2
    return [p for part in (listed[:half], listed[half:]) for p in _alternatives(name, head, part, tail)]


def _is_in_word(char: str) -> bool:
    return char == "_" or unicodedata.category(char)[0] in "LMN"


def _check_regex(name: str, pattern: object) -> None:
    if not isinstance(pattern, str) or not pattern:
        raise ConfigError(f'regex "{name}": expected a pattern as a string, got {pattern!r}')
    why = _complaint(pattern)
    if why is not None:
        raise ConfigError(f'regex "{name}": {_advice(why)}')
    if re.search(r"\\b[^\x00-\x7f]|[^\x00-\x7f]\\b", pattern):
        raise ConfigError(f'regex "{name}": \\b of RE2 knows ASCII letters only; use keywords(...) for other scripts')


def _complaint(pattern: str) -> str | None:
    """Return what RE2 says against a pattern, if anything."""
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        return str(error).removeprefix("Invalid regular expression: ").splitlines()[0][:120]
    return None


def _advice(why: str) -> str:
    for sign, what in _BEYOND_RE2.items():
        if sign in why:
            return f"RE2 has no {what} {sign}...); write the pattern without, or a Python labeling function with re"
    if re.search(r"invalid escape sequence: \\[1-9]", why):
        return "RE2 has no back-references; write a Python labeling function with re"
    return f"expected a pattern that RE2 can read, got {why}; see github.com/google/re2/wiki/Syntax"


def _keys_as(keys: list[Any], kind: pa.DataType, *, name: str, field: str) -> pa.Array:
    try:
        return pa.array(keys, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        shown = ", ".join(map(repr, keys[:3]))
        raise UsageError(f'lookup "{name}": column "{field}" holds {kind}, the table has {shown}') from None
