"""Fit, calibrate and judge in one step: what `weaksup fit` does, for notebooks and pipelines too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.errors import UsageError
from weaksup.label_models.base import BaseLabelModel, Floats2d
from weaksup.label_models.calibration import Calibration, Method, calibrate, cross_calibrated
from weaksup.label_models.reading import read_gold
from weaksup.label_models.registry import create
from weaksup.labels import ABSTAIN, SoftLabels
from weaksup.multi_votes import MultiVotes
from weaksup.votes import VoteMatrix

__all__ = ["Fitted", "fit_labels"]

_FOLDS = 5
_LEAST_FOR_CURVES = 50  # a curve through fewer rows turns labels by chance

_Balance = Sequence[float] | Mapping[str, float] | None


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A fitted model and the labels it gives.

    `soft` are the labels: calibrated if that was asked for, and the known label on rows whose gold was learned from.
    `before` and `judged` [n, k] are probabilities to score with gold, without and with calibration: no gold row's own
    label had a part in them. `learned` counts the gold rows that the model learned from.
    """

    model: BaseLabelModel
    soft: SoftLabels
    before: Floats2d
    judged: Floats2d
    calibration: Calibration | None
    learned: int


def fit_labels(
    votes: VoteMatrix | ArrayLike,
    model: str | BaseLabelModel = "default",
    *,
    class_balance: _Balance = None,
    gold: ArrayLike | None = None,
    learn: bool = False,
    calibration: Method | None = None,
    seed: int = 0,
) -> Fitted:
    """Fit a model, by name or as an instance, to votes or an array [n, m], and return its labels for the same rows.

    `gold` [n] are known labels, -1 where not known. They only judge, unless `learn` lets the model learn from them, or
    `calibration` says how probabilities are fitted to them (`calibrate`). Then what judges is cross-fitted: each fifth
    of the gold rows gets its probabilities from a model and a calibration that saw the other four only. Cost: one fit,
    5 more with `learn`, 30 more with both.
    Raises `UsageError` where `learn` or `calibration` lack gold on a row with a vote.
    """
    if not isinstance(votes, VoteMatrix):
        votes = _name(votes)
    made = create(model, len(votes.labels), seed=seed) if isinstance(model, str) else model
    known = np.full(len(votes), ABSTAIN) if gold is None else read_gold(gold, len(votes), len(votes.labels))
    covered = votes.covered
    heard = np.where(covered, known, ABSTAIN)
    if (learn or calibration is not None) and not (heard >= 0).any():
        raise UsageError("gold: expected a known label on at least one row with a vote, to learn from; got none")
    if calibration == "isotonic" and (heard >= 0).sum() < _LEAST_FOR_CURVES:
        known_rows = int((heard >= 0).sum())
        raise UsageError(
            f"isotonic: expected gold on {_LEAST_FOR_CURVES} rows or more, got {known_rows}; use temperature"
        )
    proba = made.fit(votes, class_balance=class_balance, gold=known if learn else None).predict_proba(votes)
    before = _leave_out(votes, made, class_balance, known, seed) if learn else proba
    judged, scale = before, None
    if calibration is not None:
        scale = calibrate(before, heard, method=calibration, seed=seed)
        judged = (
            _leave_out(votes, made, class_balance, known, seed, method=scale.method)
            if learn
            else cross_calibrated(before, heard, method=scale.method, folds=_FOLDS, seed=seed)
        )
        proba = np.where(covered[:, None], scale(proba), proba)
    learned = int((known >= 0).sum()) if learn else 0
    if learn:
        proba, covered = _clamp(proba, known), covered | (known >= 0)
    return Fitted(made, SoftLabels(votes.ids, proba, covered, votes.labels), before, judged, scale, learned)


def _name(votes: object) -> VoteMatrix:
    if isinstance(votes, MultiVotes):
        raise UsageError("fit_labels: expected votes for one label a row, got multi-label votes; use MultiLabelModel")
    return VoteMatrix.from_array(votes)  # type: ignore[arg-type]


def _leave_out(
    votes: VoteMatrix,
    model: BaseLabelModel,
    class_balance: _Balance,
    known: NDArray[np.int64],
    seed: int,
    *,
    method: Method | None = None,
) -> Floats2d:
    """Give each fifth of the gold rows the probabilities of a model that learned from the others' gold.

    With a `method` they are calibrated by the others too: by probabilities that left out, within these, in turn.
    """
    rows = np.flatnonzero(known >= 0)
    part = np.full(len(votes), -1)
    part[np.random.default_rng(seed).permutation(rows)] = np.arange(len(rows)) % _FOLDS
    proba = model.predict_proba(votes)
    for fold in range(min(_FOLDS, len(rows))):
        gold, cut = np.where(part == fold, ABSTAIN, known), votes.take(part == fold)
        said = copy(model).fit(votes, class_balance=class_balance, gold=gold).predict_proba(cut)
        heard = np.where(votes.covered, gold, ABSTAIN)
        if method is not None and (heard >= 0).any():
            inner = _leave_out(votes, model, class_balance, gold, seed)
            said = np.where(cut.covered[:, None], calibrate(inner, heard, method=method, seed=seed)(said), said)
        proba[part == fold] = said
    return proba


def _clamp(proba: Floats2d, known: NDArray[np.int64]) -> Floats2d:
    clamped = proba.copy()
    rows = np.flatnonzero(known >= 0)
    clamped[rows] = 0.0
    clamped[rows, known[rows]] = 1.0
    return clamped
