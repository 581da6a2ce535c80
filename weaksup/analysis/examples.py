"""Choose rows to show: spread over the corpus, and the same ones whatever the order of the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from weaksup.analysis.nouns import Example
from weaksup.analysis.pairs import differing
from weaksup.analysis.view import View
from weaksup.labels import ABSTAIN

__all__ = ["Chosen", "Texts", "choose", "fetch", "show_texts"]

Texts = Callable[[Sequence[str]], Mapping[str, str]]
"""Look up texts by row id; an id without a text may be left out."""

_UNLABELED = 4  # times as many as of each other kind
_TEXT = 1000  # characters of a text that are kept


@dataclass(frozen=True, slots=True)
class Chosen:
    """Positions of the rows to show: of each source [m], of each pair, and without a vote."""

    sources: list[list[int]]
    fights: list[list[int]]
    unlabeled: list[int]


def choose(view: View, pairs: list[tuple[int, int]], examples: int) -> Chosen:
    """Choose up to `examples` rows of each source (its mistakes first) and each pair, 4 times as many unlabeled."""
    patterns, gold = view.patterns, view.pattern_gold
    sampler = _Sampler(view, _UNLABELED * examples)
    sources = []
    for column in patterns.values.T:
        wrong = (column != ABSTAIN) & (gold != ABSTAIN) & (column != gold)
        mistakes = sampler.rows(wrong, examples)
        sources.append([*mistakes, *sampler.rows((column != ABSTAIN) & ~wrong, examples - len(mistakes))])
    fights = [sampler.rows(differing(patterns, i, j), examples) for i, j in pairs]
    return Chosen(sources, fights, sampler.rows(~patterns.covered, _UNLABELED * examples))


def fetch(view: View, chosen: Chosen, texts: Texts | None) -> Callable[[list[int]], tuple[Example, ...]]:
    """Ask once for the texts of the chosen rows; return what turns positions into examples."""
    lists = [*chosen.sources, *chosen.fights, chosen.unlabeled]
    rows = sorted({row for rows in lists for row in rows})
    found = texts([view.votes.ids[row] for row in rows]) if texts is not None and rows else {}
    made = {row: _example(view, row, found.get(view.votes.ids[row])) for row in rows}
    return lambda rows: tuple(made[row] for row in rows)


def _example(view: View, row: int, text: str | None) -> Example:
    votes, labels = view.votes, view.votes.labels.names
    said = zip(votes.names, votes.values[row].tolist(), strict=True)
    gold = int(view.gold[row])
    return Example(
        id=votes.ids[row],
        **({"text": None, "left_out": 0} if text is None else _text(text)),
        votes=tuple((name, labels[c]) for name, c in said if c != ABSTAIN),
        gold=None if gold == ABSTAIN else labels[gold],
    )


def show_texts(examples: Sequence[Example], found: Mapping[str, str]) -> tuple[Example, ...]:
    """Put the texts found, by id, to examples that were made without."""
    return tuple(replace(e, **_text(found[e.id])) if e.id in found else e for e in examples)


def _text(text: str) -> dict[str, Any]:
    return {"text": text[:_TEXT], "left_out": max(0, len(text) - _TEXT)}


class _Sampler:
    """Hold, for each pattern, its first `size` rows by a checksum of their ids; cost O(n log n) once."""

    def __init__(self, view: View, size: int) -> None:
        patterns, ids = view.patterns, view.votes.ids
        keys = np.fromiter((crc32(i.encode("utf-8", "surrogatepass")) for i in ids), np.uint64, len(ids))
        order = np.argsort(patterns.index.astype(np.uint64) << np.uint64(32) | keys, kind="stable")
        starts = np.cumsum(patterns.counts) - patterns.counts
        rank = np.arange(len(ids)) - np.repeat(starts, patterns.counts)
        self._rows = order[rank < size]
        self._pattern = patterns.index[self._rows]
        self._keys = keys[self._rows]

    def rows(self, wanted: NDArray[np.bool_], size: int) -> list[int]:
        """Return up to `size` rows of the wanted patterns [p]."""
        where = np.flatnonzero(wanted[self._pattern])
        rows: list[int] = self._rows[where[np.argsort(self._keys[where], kind="stable")][:size]].tolist()
        return rows
