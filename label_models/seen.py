"""What a fit has seen, kept so that it can go on: distinct vote rows, gold, who was asked, confidences."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.label_models.reading import count_gold, read_gold
from weaksup.label_models.soft_votes import SoftVotes, read_soft_votes
from weaksup.labels import ABSTAIN
from weaksup.patterns import Patterns, find_patterns
from weaksup.votes import VoteMatrix

__all__ = ["Seen", "look", "pack", "unpack"]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Distinct vote rows with what came with them.

    `gold` [p, k] counts known labels by pattern, `None` where no gold was given; `asked` [m] counts the rows on which
    each source was asked; `soft` names patterns.
    """

    patterns: Patterns
    gold: NDArray[np.float64] | None
    asked: NDArray[np.int64]
    soft: SoftVotes | None

    @property
    def asked_shares(self) -> NDArray[np.float64] | None:
        """Return the share of the rows on which each source was asked, [m], `None` where all were."""
        rows = int(self.patterns.counts.sum())
        return None if (self.asked == rows).all() else self.asked / rows

    def without_rows(self) -> Seen:
        """Return the same without the index of rows: as small as the distinct rows."""
        return replace(self, patterns=replace(self.patterns, index=np.empty(0, np.int64)))

    def join(self, other: Seen) -> Seen:
        """Return what both saw; the same in whatever batches the rows came."""
        both = find_patterns(np.vstack([self.patterns.values, other.patterns.values]))
        places = (both.index[: len(self.patterns)], both.index[len(self.patterns) :])
        counts = np.zeros(len(both), np.int64)
        for place, part in zip(places, (self.patterns, other.patterns), strict=True):
            counts[place] += part.counts  # the patterns of one batch differ, so no place comes twice
        patterns = Patterns(both.values, counts, np.repeat(np.arange(len(both)), counts))
        gold = None
        if self.gold is not None or other.gold is not None:
            k = next(g.shape[1] for g in (self.gold, other.gold) if g is not None)
            gold = np.zeros((len(both), k))
            for place, known in zip(places, (self.gold, other.gold), strict=True):
                if known is not None:
                    gold[place] += known
        parts = [s.by_pattern(where) for s, where in ((self.soft, places[0]), (other.soft, places[1])) if s is not None]
        soft = None
        if parts:
            whole = parts[0] if len(parts) == 1 else parts[0] + parts[1]
            soft = whole.by_pattern(np.arange(len(both)))
        return Seen(patterns, gold, self.asked + other.asked, soft)


def look(votes: VoteMatrix | ArrayLike, patterns: Patterns, k: int, gold: ArrayLike | None) -> Seen:
    """Gather what one batch shows; `patterns` are its votes."""
    n, m = len(patterns.index), patterns.values.shape[1]
    known = None if gold is None else read_gold(gold, n, k)
    soft = read_soft_votes(votes, known)
    asked = np.full(m, n)
    if isinstance(votes, VoteMatrix) and votes.asked is not None:
        asked = votes.asked.sum(axis=0)
    return Seen(
        patterns,
        count_gold(gold, patterns, k),
        asked.astype(np.int64),
        None if soft is None else soft.by_pattern(patterns.index),
    )


def pack(seen: Seen) -> dict[str, Any]:
    """Return flat arrays; abstains are left out and the index is, so that it is as small as the votes."""
    patterns = seen.patterns
    row, source = np.nonzero(patterns.values != ABSTAIN)
    packed: dict[str, Any] = {
        "seen_given_": np.bincount(row, minlength=len(patterns)).astype(np.int32),
        "seen_source_": source.astype(np.int32),
        "seen_label_": patterns.values[row, source],
        "seen_counts_": patterns.counts,
        "seen_asked_": seen.asked,
    }
    if seen.gold is not None:
        where = np.nonzero(seen.gold)
        packed["seen_gold_"] = np.column_stack([*where, seen.gold[where].astype(np.int64)])
        packed["seen_classes_"] = int(seen.gold.shape[1])
    if seen.soft is not None:
        packed["seen_soft_"] = np.column_stack([seen.soft.row, seen.soft.source, seen.soft.label, seen.soft.gold])
        packed["seen_confidence_"] = seen.soft.confidence
    return packed


def unpack(fields: MutableMapping[str, Any], m: int) -> Seen:
    """Take out of `fields` what `pack` made."""
    packed = {name: fields.pop(name) for name in [name for name in fields if name.startswith("seen_")]}
    given = packed["seen_given_"]
    values = np.full((len(given), m), ABSTAIN, np.int16)
    values[np.repeat(np.arange(len(given)), given), packed["seen_source_"]] = packed["seen_label_"]
    counts = packed["seen_counts_"]
    gold = soft = None
    if "seen_gold_" in packed:
        gold = np.zeros((len(given), packed["seen_classes_"]))
        row, label, count = packed["seen_gold_"].T
        gold[row, label] = count
    if "seen_soft_" in packed:
        row, source, label, known = packed["seen_soft_"].T
        soft = SoftVotes(row, source, label, packed["seen_confidence_"], known)
    patterns = Patterns(values, counts, np.empty(0, np.int64))
    return Seen(patterns, gold, packed["seen_asked_"], soft)
