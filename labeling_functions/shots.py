"""Answered examples to show in a prompt, out of gold: always the same, as many of each label, or like the document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from weaksup.corpus.rows import Row
from weaksup.errors import UsageError
from weaksup.labeling_functions.one_row import as_row

__all__ = ["FewShot", "few_shot"]

How = Literal["fixed", "balanced", "similar"]


@dataclass(frozen=True, eq=False)
class FewShot:
    """Rows with their answers, in the order in which they are taken, `k` at a time; made by `few_shot`."""

    rows: tuple[Row, ...]
    answers: tuple[str, ...]
    k: int
    how: How

    def pick(self, row: Row | None) -> list[tuple[Row, str]]:
        """Return the examples to show with a row, the nearest last; the row itself is never among them.

        With `None` they are those that every row gets, unless it is one of them.
        """
        order = self._by_likeness(row) if self.how == "similar" and row is not None else range(len(self.rows))
        found = [i for i in order if row is None or not _same(self.rows[i], row)][: self.k]
        return [(self.rows[i], self.answers[i]) for i in reversed(found)]

    def _by_likeness(self, row: Row) -> list[int]:
        likeness: NDArray[np.float64] = (self._index[1] @ self._index[0].transform([_text(row)]).T).toarray()[:, 0]
        order: list[int] = np.argsort(-likeness, kind="stable").tolist()
        return order

    @cached_property
    def _index(self) -> tuple[Any, Any]:
        """The weights of letter groups (tf-idf), and of those in each example [n, d], rows of length 1."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        weights = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
        return weights, weights.fit_transform([_text(row) or " " for row in self.rows])


def few_shot(
    rows: Iterable[Any], answers: Iterable[str], *, k: int = 4, how: How = "balanced", seed: int = 0
) -> FewShot:
    """Make examples of rows (texts, mappings or rows of a corpus) and their true labels.

    "fixed" and "balanced" show every document the same `k`, drawn with `seed`; "balanced" takes the labels in turn.
    "similar" shows the `k` that are most like the document, by the letters of their texts.

    >>> shots = few_shot(["see you at 8", "win $$$", "lunch?", "free prize"], ["HAM", "SPAM", "HAM", "SPAM"], k=2)
    >>> sorted(answer for _, answer in shots.pick(None))
    ['HAM', 'SPAM']
    """
    made, said = tuple(as_row(row) for row in rows), tuple(answers)
    if how not in ("fixed", "balanced", "similar"):
        raise UsageError(f'examples: expected "fixed", "balanced" or "similar", got "{how}"')
    if k < 1 or len(made) != len(said) or not made:
        raise UsageError(
            f"examples: expected k of at least 1 and an answer for each row, got k = {k}, {len(made)} rows and "
            f"{len(said)} answers"
        )
    order = np.random.default_rng(seed).permutation(len(made)).tolist()
    if how == "balanced":
        order = _in_turn(order, said)
    return FewShot(tuple(made[i] for i in order), tuple(said[i] for i in order), k, how)


def _in_turn(order: Sequence[int], answers: Sequence[str]) -> list[int]:
    """Return the positions so that the labels come one after the other, each as long as it has rows left."""
    rank: dict[str, int] = {}
    turns = []
    for i in order:
        rank[answers[i]] = rank.get(answers[i], -1) + 1
        turns.append((rank[answers[i]], answers[i], i))
    return [i for _, _, i in sorted(turns)]


def _same(example: Row, row: Row) -> bool:
    """Say whether an example is the row itself, or says the same: its answer would be given away."""
    named = example.get("id", "") != "" and str(example.get("id")) == str(row.get("id", ""))
    return named or (_text(example) == _text(row) if _text(row) else example.as_dict() == row.as_dict())


def _text(row: Row) -> str:
    return str(row.get("text", ""))
