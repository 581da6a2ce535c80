"""Where the votes disagree: every row belongs to one slice, and slices are ordered by the errors to expect in them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.labels import ABSTAIN, SoftLabels
from weaksup.patterns import Patterns, find_patterns
from weaksup.votes import VoteMatrix

__all__ = ["Slice", "SliceKind", "find_slices", "rows_to_ask"]

SliceKind = Literal["conflict", "single", "agreed", "uncovered", "rest"]
_Ints = NDArray[np.int64]
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Rows that the votes leave in doubt in the same way.

    `rows` are positions in the vote matrix, ascending. `votes` are the (source, label) pairs that name the slice: the
    two that fight, or the one that stands alone. `expected_error` is the mean of 1 - max p, `entropy` the mean entropy
    in nats, and `score`, which orders slices, is the number of wrong labels to expect: size times expected error.
    `doubt` [size] is 1 - max p of each row, `alike` [size] how many rows share its votes.
    """

    name: str
    kind: SliceKind
    votes: tuple[tuple[str, str], ...]
    rows: _Ints
    doubt: _Floats
    alike: _Ints
    entropy: float

    @property
    def size(self) -> int:
        """The number of rows."""
        return len(self.rows)

    @property
    def score(self) -> float:
        """The number of wrong labels to expect in the slice."""
        return float(self.doubt.sum())

    @property
    def expected_error(self) -> float:
        """The mean of 1 - max p."""
        return self.score / self.size

    def to_json(self) -> dict[str, Any]:
        """Return the slice without its rows, as plain JSON."""
        return {
            "name": self.name,
            "kind": self.kind,
            "votes": [{"source": source, "label": label} for source, label in self.votes],
            "size": self.size,
            "expected_error": self.expected_error,
            "entropy": self.entropy,
            "score": self.score,
        }


def find_slices(votes: VoteMatrix, soft: SoftLabels, *, max_slices: int = 50) -> list[Slice]:
    """Cut the rows into slices, most expected errors first; cost O(votes) on distinct vote rows.

    A row without a vote is "uncovered". A row whose votes differ goes by the pair that fights: for each of the two
    most probable classes among its votes, the source whose vote for it takes part in most expected errors over all
    conflicts. A row whose votes agree goes by its one source, or by its label. Slices beyond `max_slices` are put
    together in one, "everything else", so each row is in exactly one slice.
    """
    if votes.ids != soft.ids:
        raise UsageError("slices: expected labels of the same rows as the votes, in their order; fit these votes again")
    if votes.labels.names != soft.labels.names:
        raise UsageError("slices: expected labels with the label names of the votes, got others; fit these votes again")
    if max_slices < 1:
        raise UsageError(f"slices: expected max_slices of at least 1, got {max_slices}")
    if not len(votes):
        return []
    return _Cut(votes, soft).slices(max_slices)


def rows_to_ask(
    slices: Sequence[Slice],
    *,
    ids: Sequence[str],
    limit: int,
    exclude: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> _Ints:
    """Return the positions of at most `limit` rows of the slices, worst first.

    Worst is the highest doubt; ties go to the votes shared by more rows, then to a seeded hash of the row's id, so the
    same rows come out however the rows are shuffled. `exclude` [n] marks rows not to ask, those asked before say.
    """
    if limit < 0:
        raise UsageError(f"rows to ask: expected a limit of at least 0, got {limit}")
    if not slices or not limit:
        return np.empty(0, np.int64)
    rows, doubt, alike = (np.concatenate([getattr(s, name) for s in slices]) for name in ("rows", "doubt", "alike"))
    if exclude is not None:
        kept = ~exclude[rows]
        rows, doubt, alike = rows[kept], doubt[kept], alike[kept]
    order = np.lexsort((-alike, -doubt))
    # Only rows that tie with the last one taken can fall on either side: everything behind them is cut before hashing.
    last = order[min(limit, len(order)) - 1] if len(order) else 0
    tied = np.flatnonzero((doubt[order] == doubt[last]) & (alike[order] == alike[last])) if len(order) else order
    order = order[: tied[-1] + 1] if len(tied) else order
    hashes = np.array([_hash(ids[row], seed) for row in rows[order].tolist()], np.uint64)
    order = order[np.lexsort((hashes, -alike[order], -doubt[order]))]
    return rows[order[:limit]]


def _hash(row_id: str, seed: int) -> int:
    digest = hashlib.blake2b(row_id.encode("utf-8", "surrogatepass"), digest_size=8, salt=seed.to_bytes(16, "big"))
    return int.from_bytes(digest.digest(), "big")


class _Cut:
    """Assign a key to every distinct vote row, then gather rows by key.

    A key is (kind, first cell, second cell) in one number; a cell is source * k + label.
    """

    _KINDS: tuple[SliceKind, ...] = ("conflict", "single", "agreed", "uncovered")

    def __init__(self, votes: VoteMatrix, soft: SoftLabels) -> None:
        self.votes = votes
        self.k = len(votes.labels)
        self.patterns: Patterns = find_patterns(votes)
        self.cells = len(votes.sources) * self.k + 1  # the last one stands for "no cell"
        first = np.zeros(len(self.patterns), np.int64)
        first[self.patterns.index[::-1]] = np.arange(len(votes) - 1, -1, -1)
        # Labels may come from elsewhere, so rows with the same votes need not have the same probabilities.
        self.doubt = 1.0 - soft.proba.max(axis=1)
        logs = np.log(np.where(soft.proba > 0, soft.proba, 1.0))
        self.entropy = -(soft.proba * logs).sum(axis=1)
        self.proba = soft.proba[first]
        self.mass = np.bincount(self.patterns.index, self.doubt, minlength=len(self.patterns))

    def slices(self, most: int) -> list[Slice]:
        keys, group = np.unique(self._keys(), return_inverse=True)
        errors = np.bincount(group, self.mass, minlength=len(keys))
        ranked = np.lexsort((keys, -errors))
        kept = ranked if len(ranked) <= most else ranked[: most - 1]
        place = np.full(len(keys), len(kept))
        place[kept] = np.arange(len(kept))
        of_row = place[group][self.patterns.index]
        rows = np.argsort(of_row, kind="stable")
        ends = np.cumsum(np.bincount(of_row))
        parts = np.split(rows, ends[:-1])
        named = [self._slice(*self._describe(int(keys[g])), part) for g, part in zip(kept, parts, strict=False)]
        if len(parts) > len(kept):
            named.append(self._slice("everything else", "rest", (), parts[-1]))
        return sorted(named, key=lambda s: (-s.score, s.name))

    def _slice(self, name: str, kind: SliceKind, votes: tuple[tuple[str, str], ...], rows: _Ints) -> Slice:
        alike = self.patterns.counts[self.patterns.index[rows]]
        return Slice(name, kind, votes, rows, self.doubt[rows], alike, float(self.entropy[rows].mean()))

    def _keys(self) -> _Ints:
        values = self.patterns.values
        row, source = np.nonzero(values != ABSTAIN)
        label = values[row, source].astype(np.int64)
        cell = source * self.k + label
        p, none = len(self.patterns), self.cells - 1
        tally = np.bincount(row * self.k + label, minlength=p * self.k).reshape(p, self.k)
        conflict = (tally > 0).sum(axis=1) > 1
        power = np.bincount(cell, self.mass[row] * conflict[row], minlength=self.cells)
        rank = np.empty(self.cells, np.int64)
        rank[np.lexsort((np.arange(self.cells), -power))] = np.arange(self.cells)
        strongest = np.full((p, self.k), self.cells)  # rank of the strongest cell a class has on a row
        np.minimum.at(strongest, (row, label), rank[cell])
        by_rank = np.append(np.argsort(rank), none)
        likely = np.where(tally > 0, self.proba, -1.0)
        top = likely.argmax(axis=1)
        likely[np.arange(p), top] = -2.0
        first = by_rank[strongest[np.arange(p), top]]
        second = by_rank[strongest[np.arange(p), likely.argmax(axis=1)]]
        total = tally.sum(axis=1)
        kind = np.select([conflict, total == 1, total > 1], [0, 1, 2], 3)
        # The pair is the same fight whichever side wins; agreeing rows go by label alone.
        low, high = np.minimum(first, second), np.maximum(first, second)
        left = np.select([kind == 0, kind == 1, kind == 2], [low, first, top], none)
        right = np.where(kind == 0, high, none)
        keys: _Ints = (kind * self.cells + left) * self.cells + right
        return keys

    def _describe(self, key: int) -> tuple[str, SliceKind, tuple[tuple[str, str], ...]]:
        rest, right = divmod(key, self.cells)
        number, left = divmod(rest, self.cells)
        kind = self._KINDS[number]
        if kind == "uncovered":
            return "uncovered", kind, ()
        if kind == "agreed":
            return f"agreed {self.votes.labels.names[left]}", kind, ()
        fighters = (left, right) if kind == "conflict" else (left,)
        votes = tuple(self._cell(cell) for cell in fighters)
        said = [f"{source}={label}" for source, label in votes]
        return (" vs ".join(said) if kind == "conflict" else f"only {said[0]}"), kind, votes

    def _cell(self, cell: int) -> tuple[str, str]:
        source, label = divmod(cell, self.k)
        return self.votes.names[source], self.votes.labels.names[label]
