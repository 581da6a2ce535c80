"""Findings on the fit as a whole: beside majority vote, and in itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from weaksup.label_models.health.case import Case, Finding, count_differences, shares
from weaksup.labels import ABSTAIN

__all__ = ["collapse", "far_from_majority", "few_sources", "not_converged"]


def few_sources(case: Case) -> Iterator[Finding]:
    """Find votes of fewer than 3 sources, copies counted once: their accuracies cannot be told from agreement."""
    spoke = case.said.any(axis=1)
    speaking, voices = int(spoke.sum()), len(np.unique(case.twins[spoke]))
    if voices < 3:
        alike = f", {speaking - voices} of them as a copy" if voices < speaking else ""
        yield Finding(
            "few sources",
            f"{speaking} source(s) voted{alike}; accuracies cannot be told from agreement with fewer than 3",
            "add labeling functions; until then the labels are little more than the votes",
            {"sources": speaking, "voices": voices},
        )


def collapse(case: Case) -> Iterator[Finding]:
    """Find a model that gives nearly all rows one label, where majority vote does not."""
    if case.one_label is not None:
        return
    model, votes = (shares(labels, len(case.names)) for labels in (case.labels, case.majority))
    top = int(model.argmax())
    if model[top] > 0.98 and votes[top] < 0.9:
        yield Finding(
            "collapse",
            f'the model gives {model[top]:.1%} of its labels to "{case.names[top]}", majority vote {votes[top]:.1%}',
            'use "majority" (--model majority), or give the class balance, and look at the votes for the other labels',
            {"label": case.names[top], "model": float(model[top]), "majority": float(votes[top])},
        )


def far_from_majority(case: Case) -> Iterator[Finding]:
    """Find labels that differ from majority vote on many rows; with gold, say which of the two is right there."""
    both = (case.labels != ABSTAIN) & (case.majority != ABSTAIN)
    differing = count_differences(case.labels, case.majority)
    share = differing / max(1, int(both.sum()))
    if share <= case.disagreement or case.one_label is not None:
        return  # votes for one label leave majority vote no choice
    judged = both & (case.labels != case.majority) & (case.gold >= 0)
    right = [int((labels == case.gold)[judged].sum()) for labels in (case.labels, case.majority)]
    known = int(judged.sum())
    measured = f"; of {known:,} with gold the model is right on {right[0]:,}, majority vote on {right[1]:,}"
    yield Finding(
        "far from majority vote",
        f"{differing:,} labels ({share:.1%}) differ from majority vote{measured if known else ''}",
        "use the one that gold prefers" if known else "score both on gold rows (--gold); without, prefer majority vote",
        {"rows": differing, "share": share, "limit": case.disagreement, "judged": known}
        | ({"model_right": right[0], "majority_right": right[1]} if known else {}),
    )


def not_converged(case: Case) -> Iterator[Finding]:
    """Find a fit that was stopped before it came to rest."""
    if not getattr(case.model, "converged_", True):
        rounds = int(getattr(case.model, "iterations_", 0))
        unmet = ", or the class balance given is not met" if case.model.balance_given_ else ""
        yield Finding(
            "not converged",
            f"the fit still moved after {rounds} rounds{unmet}",
            "treat the probabilities as rough; more rows or fewer, better sources help",
            {"rounds": rounds},
        )
