"""Look at votes from every side: each source, each pair, each label, and the rows behind the numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.analysis.balance import label_balance
from weaksup.analysis.examples import Texts, choose, fetch
from weaksup.analysis.findings import find
from weaksup.analysis.nouns import Analysis, Example, Fight, Share
from weaksup.analysis.pairs import pair_counts, pair_sides
from weaksup.analysis.sources import source_stats
from weaksup.analysis.tally import tally
from weaksup.analysis.view import View, make_view
from weaksup.errors import UsageError
from weaksup.votes import VoteMatrix

__all__ = ["analyze"]

_FIGHTS = 100  # pairs shown with examples: all pairs of 14 sources, the worst pairs of more


def analyze(
    votes: VoteMatrix, *, gold: ArrayLike | None = None, texts: Texts | None = None, examples: int = 5
) -> Analysis:
    """Analyse votes [n, m]; gold [n] holds class indices, -1 where not known.

    `texts` is called once, with the ids of the rows that are shown: up to `examples` for each source and for each of
    the 100 pairs that differ most, and 4 times as many without a vote. Cost: O(n m) and a sort of the rows.
    """
    if examples < 0:
        raise UsageError(f"analyze: expected 0 or more examples, got {examples}")
    view = make_view(votes, gold)
    counts = tally(votes.values, view.k)
    overlaps, conflicts = pair_counts(view.patterns)
    pairs = _worst_pairs(conflicts)
    chosen = choose(view, pairs, examples)
    shown = fetch(view, chosen, texts)
    fights = [
        _fight(view, pair, int(overlaps[pair]), shown(rows)) for pair, rows in zip(pairs, chosen.fights, strict=True)
    ]
    balance = label_balance(view, counts)
    analysis = Analysis(
        rows=len(votes),
        labels=votes.labels.names,
        covered=Share.of(counts.covered, len(votes)),
        overlapped=Share.of(counts.overlapped, len(votes)),
        conflicted=Share.of(counts.conflicted, len(votes)),
        tied=counts.covered - sum(label.majority for label in balance),
        gold=int((view.gold >= 0).sum()) if view.has_gold else None,
        sources=source_stats(view, counts, [shown(rows) for rows in chosen.sources]),
        overlaps=tuple(map(tuple, overlaps.tolist())),
        conflicts=tuple(map(tuple, conflicts.tolist())),
        balance=balance,
        fights=tuple(fights),
        unlabeled=shown(chosen.unlabeled),
        findings=(),
    )
    return replace(analysis, findings=find(analysis))


def _worst_pairs(conflicts: NDArray[np.int64]) -> list[tuple[int, int]]:
    first, second = np.nonzero(np.triu(conflicts))
    order = np.argsort(-conflicts[first, second], kind="stable")[:_FIGHTS]
    return list(zip(first[order].tolist(), second[order].tolist(), strict=True))


def _fight(view: View, pair: tuple[int, int], both: int, examples: tuple[Example, ...]) -> Fight:
    names, labels = view.votes.names, view.votes.labels.names
    sides = tuple((labels[a], labels[b], rows) for a, b, rows in pair_sides(view.patterns, *pair))
    return Fight(names[pair[0]], names[pair[1]], sum(side[2] for side in sides), both, sides, examples)
