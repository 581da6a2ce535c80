"""The linear student of rows with any number of labels: one line a label over the same n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.distill.linear.features import choose_ngrams
from weaksup.distill.linear.softmax import Floats, Line
from weaksup.distill.linear.strength import STRENGTHS, choose_strength
from weaksup.distill.linear.student import LinearStudent, pack
from weaksup.distill.targets import NothingTaughtError, Targets, balance_classes, make_targets
from weaksup.errors import UsageError
from weaksup.label_sets import ABSENT, PRESENT, SIDES, SoftLabelSets
from weaksup.labels import SoftLabels

__all__ = ["fit_sets"]

SILENT = 0.2  # what a label that nobody gave is taken for, where sources give it or keep silent


def fit_sets(
    texts: Sequence[str],
    soft: SoftLabelSets,
    *,
    weights: ArrayLike | None = None,
    gold: ArrayLike | None = None,
    gold_weight: float = 4.0,
    balance: float = 0.5,
    seed: int = 0,
    strengths: Sequence[float] = STRENGTHS,
) -> LinearStudent:
    """Train a linear student on soft label sets; labels are taken for independent, each with its own regularisation.

    `gold` [n, k]: 1 PRESENT, 0 ABSENT, -1 not known. A label learns from the rows that a source said something of;
    where that is PRESENT mostly, as is usual, also from the rows that only other labels were given to: there it is
    PRESENT with probability SILENT at most (learning from positive and unlabeled rows; C. Elkan and K. Noto, 2008).
    The other arguments are those of `weaksup.distill.train`. Cost: n-grams once, then k fits. Raises UsageError where
    no row teaches any label, or shapes do not fit.
    """
    known = np.full(soft.proba.shape, -1) if gold is None else np.asarray(gold)
    if known.shape != soft.proba.shape or len(texts) != len(soft):
        raise UsageError(
            f"student: expected {len(soft)} texts and gold {list(soft.proba.shape)}, got {len(texts)} texts and "
            f"{list(known.shape)}"
        )
    sides = [
        _targets(texts, soft, j, weights=weights, gold=known[:, j], gold_weight=gold_weight, balance=balance)
        for j in range(len(soft.labels))
    ]
    distinct = sorted(set().union(*(side.texts for side in sides if side)))
    if not distinct:
        raise NothingTaughtError
    ngrams, counts = choose_ngrams(distinct, classes=len(soft.labels), seed=seed)
    features, at = ngrams.scale(counts), {text: i for i, text in enumerate(distinct)}
    lines, told = [], {}
    for name, side, proba in zip(soft.labels.names, sides, soft.proba.T, strict=True):
        if side is None:
            lines.append(_constant(len(ngrams), proba))
            told[name] = {"rows": 0}
            continue
        rows = np.array([at[text] for text in side.texts], np.int64)
        choice = choose_strength(features[rows], side, strengths=strengths, seed=seed)
        lines.append(_one_column(choice.line))
        told[name] = _tell(side, choice.strength)
    used = {"rows": len(soft), "distinct_texts": len(distinct), "gold_rows": int((known >= 0).any(axis=1).sum())}
    line = Line(np.hstack([one.weights for one in lines]), np.hstack([one.bias for one in lines]))
    return pack(soft.labels, ngrams, line, {**used, "labels": told, "ngrams": len(ngrams), "seed": seed})


def _targets(
    texts: Sequence[str],
    soft: SoftLabelSets,
    j: int,
    *,
    weights: ArrayLike | None,
    gold: NDArray[Any],
    gold_weight: float,
    balance: float,
) -> Targets | None:
    """Return what teaches one label, by itself; `None` where nothing does."""
    try:
        targets = make_targets(texts, _side(soft, j), weights=weights, gold=gold, gold_weight=gold_weight)
    except NothingTaughtError:
        return None
    return balance_classes(targets, balance)


def _side(soft: SoftLabelSets, j: int) -> SoftLabels:
    """Return what one label says of each row: ABSENT or PRESENT."""
    proba, covered = soft.proba[:, j], soft.covered[:, j]
    if 2 * (proba[covered] > 0.5).sum() > covered.sum():
        spoken = np.asarray(soft.covered.any(axis=1))
        proba, covered = np.where(covered | ~spoken, proba, np.minimum(proba, SILENT)), spoken
    return SoftLabels(soft.ids, np.column_stack([1 - proba, proba]), covered, SIDES)


def _one_column(line: Line) -> Line:
    """Turn weights of ABSENT and PRESENT into those of the one log-odds."""
    weights, bias = (part[..., PRESENT] - part[..., ABSENT] for part in (line.weights, line.bias))
    return Line(weights[:, None], np.atleast_1d(bias))


def _constant(v: int, proba: Floats) -> Line:
    """Say the class balance of everything."""
    share = float(np.clip(proba.mean(), 1e-3, 1 - 1e-3))
    return Line(np.zeros((v, 1)), np.array([np.log(share / (1 - share))]))


def _tell(side: Targets, strength: float) -> dict[str, Any]:
    share = float(side.weights @ side.proba[:, PRESENT] / side.weights.sum())
    return {"rows": side.rows, "gold_rows": side.gold_rows, "present": round(share, 6), "strength": strength}
