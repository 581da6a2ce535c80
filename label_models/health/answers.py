"""Findings on tiers and people: answers that are not what they are taken for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.answerers import answering, assumed_accuracies
from weaksup.label_models.health.case import Case, Finding
from weaksup.label_models.ties import TIE
from weaksup.label_models.what_if import silence
from weaksup.labels import ABSTAIN

__all__ = ["poor_answers"]

_ENOUGH = 30  # answers, from which on they are judged
_WELL_BELOW = 0.15


def poor_answers(case: Case) -> Iterator[Finding]:
    """Find tiers, people and others asked on few rows whose answers are poor, or contradict the other sources.

    With gold on 30 or more of its rows an answerer is measured. Without, nobody can tell whether it or the others are
    wrong; but both can be right as often as is believed only if they agree as often as that implies.
    """
    columns = answering(case.model.kinds_, case.model.asked_, case.rows.patterns)
    if not len(columns):
        return
    others = case.model.predict_proba(silence(case.votes, columns))
    for j, assumed in zip(columns.tolist(), assumed_accuracies(case.model.kinds_, columns).tolist(), strict=True):
        answered = np.flatnonzero(case.votes.values[:, j] != ABSTAIN)
        judged = answered[case.gold[answered] >= 0]
        if len(judged) >= _ENOUGH:
            yield from _measure(case, j, judged, others, assumed)
        elif len(answered) >= _ENOUGH:
            yield from _compare(case, j, answered, others, assumed)


def _measure(
    case: Case, j: int, rows: NDArray[np.int64], others: NDArray[np.float64], assumed: float
) -> Iterator[Finding]:
    source, gold = case.votes.sources[j], case.gold[rows]
    accuracy = float((case.votes.values[rows, j] == gold).mean())
    reached = float(_hits(others[rows], gold).mean())
    if accuracy + _margin(accuracy, len(rows)) >= max(reached, assumed - _WELL_BELOW):
        return
    yield Finding(
        "poor answers",
        f'{source.kind} "{source.name}" is right on {accuracy:.0%} of the {len(rows):,} rows with gold that it '
        f"answered; it is taken for {assumed:.0%}, and the other sources reach {reached:.0%} there",
        "mend its prompt or guideline, ask another one, or let the model learn from the gold",
        {"source": source.name, "rows": len(rows), "accuracy": accuracy, "others": reached, "assumed": assumed},
    )


def _compare(
    case: Case, j: int, rows: NDArray[np.int64], others: NDArray[np.float64], assumed: float
) -> Iterator[Finding]:
    source, k = case.votes.sources[j], case.model.k_
    sure = others[rows].max(axis=1)
    agree = float(_hits(others[rows], case.votes.values[rows, j].astype(np.int64)).mean())
    expected = float((sure * assumed + (1 - sure) * (1 - assumed) / (k - 1)).mean())
    if agree + _margin(agree, len(rows)) >= expected - _WELL_BELOW:
        return
    yield Finding(
        "contradicting answers",
        f'{source.kind} "{source.name}" agrees with the other sources on {agree:.0%} of the {len(rows):,} rows it '
        f"answered; were it right on {assumed:.0%} of them and the others as sure as they are, {expected:.0%}",
        f"label {_ENOUGH} or more of these rows and score them (--gold): one side is wrong more often than believed",
        {"source": source.name, "rows": len(rows), "agree": agree, "expected": expected, "assumed": assumed},
    )


def _hits(proba: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return by row 1 where the likeliest class is the label, a part of 1 where several tie, else 0."""
    top = proba >= proba.max(axis=1, keepdims=True) - TIE
    hits: NDArray[np.float64] = top[np.arange(len(labels)), labels] / top.sum(axis=1)
    return hits


def _margin(share: float, n: int) -> float:
    return 2 * float(np.sqrt(share * (1 - share) / n))
