"""What a person should see of a fit before using its labels, as plain JSON."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.label_models.base import BaseLabelModel
from weaksup.label_models.calibration_report import calibration_report
from weaksup.label_models.fitting import Fitted
from weaksup.label_models.health import count_differences, health
from weaksup.label_models.majority import MajorityVote
from weaksup.label_models.source_accuracy import accuracy_intervals
from weaksup.label_models.ties import choose
from weaksup.labels import ABSTAIN
from weaksup.metrics import brier, wilson
from weaksup.votes import VoteMatrix

__all__ = ["summarize"]

Json = dict[str, Any]


def summarize(fitted: Fitted, votes: VoteMatrix, *, gold: NDArray[np.integer[Any]] | None = None) -> Json:
    """Gather what the labels of `fit_labels` look like, beside majority vote; with gold [n] also how good they are.

    Keys: model, rows, covered (with a vote), known (learned as gold), undecided, mean_confidence,
    differs_from_majority, majority_ties, class_balance, counts, sources, health, and with gold: rows, scores of model
    and majority, calibration (`CalibrationReport`).
    """
    model, soft, k, names = fitted.model, fitted.soft, fitted.model.k_, votes.labels.names
    labels = choose(soft.proba, np.arange(len(votes)), soft.covered)
    majority = MajorityVote(k).fit(votes).predict(votes)
    counts = [np.bincount(part[part >= 0], minlength=k).tolist() for part in (labels, majority)]
    summary: Json = {
        "model": model.name,
        "rows": len(votes),
        "covered": int(votes.covered.sum()),
        "known": fitted.learned,
        "undecided": int((soft.covered & (labels < 0)).sum()),
        "mean_confidence": float(fitted.judged.max(axis=1)[votes.covered].mean()) if votes.covered.any() else None,
        "differs_from_majority": count_differences(labels, majority),
        "majority_ties": int((votes.covered & (majority < 0)).sum()),
        "class_balance": dict(zip(names, model.class_balance_.tolist(), strict=True)),
        "counts": {name: {"model": a, "majority": b} for name, a, b in zip(names, *counts, strict=True)},
        "sources": _sources(model, votes, gold),
        "health": [finding.to_json() for finding in health(model, votes, gold=gold)],
    }
    if gold is not None:
        summary["gold"] = _score(fitted, votes, np.where(votes.covered, gold, ABSTAIN))
    return summary


def _sources(model: BaseLabelModel, votes: VoteMatrix, gold: NDArray[np.integer[Any]] | None) -> list[Json]:
    asked = np.full(len(votes.sources), len(votes)) if votes.asked is None else votes.asked.sum(axis=0)
    voted = (votes.values != ABSTAIN).sum(axis=0)
    return [
        {
            "name": found.source,
            "votes": said,
            "coverage": said / rows if rows else None,
            "accuracy": found.accuracy if said else None,
            "low": found.low if said else None,
            "high": found.high if said else None,
            "basis": found.basis,
        }
        for found, said, rows in zip(
            accuracy_intervals(model, votes, gold=gold), voted.tolist(), asked.tolist(), strict=True
        )
    ]


def _score(fitted: Fitted, votes: VoteMatrix, gold: NDArray[np.integer[Any]]) -> Json:
    """Score the model and majority vote on the covered rows with gold; both draw where labels tie."""
    rows = np.flatnonzero(gold != ABSTAIN)
    if not len(rows):
        raise UsageError("gold: expected a known label on at least one row with a vote, to score; got none")
    truth, majority = gold[rows], MajorityVote(fitted.model.k_).fit(votes)
    method = None if fitted.calibration is None else fitted.calibration.method
    labels = choose(fitted.judged, np.arange(len(votes)), votes.covered, "random")[rows]
    drawn = majority.predict(votes, tie_break_policy="random")[rows]
    return {
        "rows": len(rows),
        "calibrated": method,
        "model": _scores(labels, fitted.judged[rows], truth),
        "majority": _scores(drawn, majority.predict_proba(votes)[rows], truth),
        "calibration": calibration_report(fitted.before, gold, method=method or "auto").to_json(),
    }


def _scores(labels: NDArray[np.int64], proba: NDArray[np.float64], truth: NDArray[np.integer[Any]]) -> Json:
    hits = int((labels == truth).sum())
    low, high = wilson(hits, len(truth))
    return {"accuracy": hits / len(truth), "low": low, "high": high, "brier": brier(truth, proba)}
