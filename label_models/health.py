"""When a label model should not be trusted: named findings, with the numbers and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.label_models.base import BaseLabelModel
from weaksup.label_models.majority import MajorityVote
from weaksup.labels import ABSTAIN
from weaksup.votes import VoteMatrix

__all__ = ["Finding", "count_differences", "health"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know before using the labels: what it is called, what was seen, what to do."""

    name: str
    text: str
    advice: str
    numbers: Mapping[str, float | int | str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain JSON."""
        return {"name": self.name, "text": self.text, "advice": self.advice, "numbers": dict(self.numbers)}


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """What the checks look at: `labels` and `majority` [n] are -1 where a row is uncovered or tied."""

    model: BaseLabelModel
    names: Sequence[str]  # of the classes
    sources: Sequence[str]
    said: NDArray[np.int64]  # [m, k], votes of each source for each class
    covered: NDArray[np.bool_]
    labels: NDArray[np.int64]
    majority: NDArray[np.int64]
    disagreement: float


def health(model: BaseLabelModel, votes: VoteMatrix | ArrayLike, *, disagreement: float = 0.1) -> list[Finding]:
    """Check a fitted model on the votes it labels; an empty list says that nothing was noticed.

    `disagreement` is the share of labels that may differ from majority vote before it is a finding.
    """
    matrix = votes if isinstance(votes, VoteMatrix) else VoteMatrix.from_array(votes, cardinality=model.k_)
    k, m = model.k_, len(matrix.sources)
    row, source = np.nonzero(matrix.values != ABSTAIN)
    said = np.bincount(source * k + matrix.values[row, source], minlength=m * k).reshape(m, k)
    case = _Case(
        model=model,
        names=matrix.labels.names,
        sources=matrix.names,
        said=said,
        covered=matrix.covered,
        labels=model.predict(matrix.values),
        majority=MajorityVote(k).fit(matrix.values).predict(matrix.values),
        disagreement=disagreement,
    )
    if not case.covered.any():
        return list(_no_votes(case))
    return [finding for check in _CHECKS for finding in check(case)]


def count_differences(labels: NDArray[np.int64], majority: NDArray[np.int64]) -> int:
    """Count the rows where both name a class, and not the same one."""
    return int(((labels != majority) & (labels != ABSTAIN) & (majority != ABSTAIN)).sum())


def _no_votes(case: _Case) -> Iterator[Finding]:
    yield Finding(
        "no votes",
        f"none of the {len(case.covered):,} rows has a vote, so every probability is the class balance",
        "write labeling functions that match some rows, or check that the right corpus was read",
        {"rows": len(case.covered)},
    )


def _few_sources(case: _Case) -> Iterator[Finding]:
    speaking = int(case.said.any(axis=1).sum())
    if speaking < 3:
        yield Finding(
            "few sources",
            f"{speaking} source(s) voted; accuracies cannot be told from agreement with fewer than 3",
            "add labeling functions; until then the labels are little more than the votes",
            {"sources": speaking},
        )


def _one_label(case: _Case) -> Iterator[Finding]:
    used = np.flatnonzero(case.said.any(axis=0))
    if len(used) == 1:
        name = case.names[int(used[0])]
        yield Finding(
            "one-sided",
            f'every vote is for "{name}", so every covered row is labeled "{name}"',
            "add labeling functions for the other labels, or give --class-balance and read the probabilities only",
            {"label": name, "rows": int(case.covered.sum())},
        )
        return
    for c in np.flatnonzero(~case.said.any(axis=0)).tolist():
        yield Finding(
            "label without votes",
            f'no source ever votes for "{case.names[c]}", so no row is labeled so',
            f'add a labeling function for "{case.names[c]}", or take it out of the labels',
            {"label": case.names[c]},
        )


def _silent_sources(case: _Case) -> Iterator[Finding]:
    silent = [case.sources[j] for j in np.flatnonzero(~case.said.any(axis=1)).tolist()]
    if silent:
        shown = ", ".join(silent[:5]) + (", ..." if len(silent) > 5 else "")
        yield Finding(
            "source without votes",
            f"{len(silent)} source(s) never voted: {shown}",
            "check their patterns on a row that they should match, or remove them",
            {"sources": len(silent)},
        )


def _collapse(case: _Case) -> Iterator[Finding]:
    model, votes = (_shares(labels, len(case.names)) for labels in (case.labels, case.majority))
    top = int(model.argmax())
    if model[top] > 0.98 and votes[top] < 0.9:
        yield Finding(
            "collapse",
            f'the model gives {model[top]:.1%} of its labels to "{case.names[top]}", majority vote {votes[top]:.1%}',
            'use "majority" (--model majority), or give the class balance, and look at the votes for the other labels',
            {"label": case.names[top], "model": float(model[top]), "majority": float(votes[top])},
        )


def _majority_differs(case: _Case) -> Iterator[Finding]:
    both = (case.labels != ABSTAIN) & (case.majority != ABSTAIN)
    differing = count_differences(case.labels, case.majority)
    share = differing / max(1, int(both.sum()))
    if share > case.disagreement:
        yield Finding(
            "far from majority vote",
            f"{differing:,} labels ({share:.1%}) differ from majority vote",
            "score both on gold rows (--gold) before choosing; without gold, prefer majority vote",
            {"rows": differing, "share": share, "limit": case.disagreement},
        )


def _not_converged(case: _Case) -> Iterator[Finding]:
    if not getattr(case.model, "converged_", True):
        rounds = int(getattr(case.model, "iterations_", 0))
        yield Finding(
            "not converged",
            f"the fit still moved after {rounds} rounds",
            "treat the probabilities as rough; more rows or fewer, better sources help",
            {"rounds": rounds},
        )


def _shares(labels: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    counts = np.bincount(labels[labels != ABSTAIN], minlength=k)
    shares: NDArray[np.float64] = counts / max(1, int(counts.sum()))
    return shares


_CHECKS: tuple[Callable[[_Case], Iterator[Finding]], ...] = (
    _few_sources,
    _one_label,
    _silent_sources,
    _collapse,
    _majority_differs,
    _not_converged,
)
