"""The numbers of each source."""

from __future__ import annotations

import numpy as np

from weaksup.analysis.nouns import Example, LabelScore, Share, SourceStats
from weaksup.analysis.tally import Tally
from weaksup.analysis.view import View
from weaksup.labels import ABSTAIN
from weaksup.metrics import ClassScore

__all__ = ["source_stats"]


def source_stats(view: View, counts: Tally, examples: list[tuple[Example, ...]]) -> tuple[SourceStats, ...]:
    """Return the statistics of every source, in column order; `examples` [m] go with them."""
    votes, n = view.votes, len(view.votes)
    asked = [n] * len(votes.sources) if votes.asked is None else votes.asked.sum(axis=0).tolist()
    stats = []
    for j, source in enumerate(votes.sources):
        scores = _class_scores(view, j)
        right, judged = sum(s.correct for s in scores), sum(s.predicted for s in scores)
        voted = [(c, int(rows)) for c, rows in enumerate(counts.votes[j]) if rows]
        stats.append(
            SourceStats(
                name=source.name,
                kind=source.kind,
                asked=asked[j],
                coverage=Share.of(int(counts.coverage[j]), n),
                overlaps=int(counts.overlaps[j]),
                conflicts=int(counts.conflicts[j]),
                labels=tuple(_label_score(view, c, rows, scores[c]) for c, rows in voted),
                accuracy=Share.of(right, judged) if view.has_gold else None,
                examples=examples[j],
            )
        )
    return tuple(stats)


def _class_scores(view: View, source: int) -> list[ClassScore]:
    column, gold = view.patterns.values[:, source], view.pattern_gold
    support = view.rows_per_class(gold)
    judged = view.rows_per_class(np.where(gold != ABSTAIN, column, np.int16(ABSTAIN)))
    correct = view.rows_per_class(np.where(gold == column, column, np.int16(ABSTAIN)))
    return [ClassScore(*row) for row in zip(support.tolist(), judged.tolist(), correct.tolist(), strict=True)]


def _label_score(view: View, label: int, votes: int, score: ClassScore) -> LabelScore:
    name = view.votes.labels.names[label]
    if not view.has_gold:
        return LabelScore(name, votes)
    return LabelScore(
        name, votes, score.predicted, score.correct, score.support, score.precision, score.recall, score.f1
    )
