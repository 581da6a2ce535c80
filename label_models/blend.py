"""How sure to be: log-likelihoods stretched, bent and mixed until they mean what they say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.cast import CastVotes
from weaksup.label_models.softmax import over_classes

__all__ = ["EQUAL_PARTS", "Bend", "match_confidence", "mix_by_gold"]

Floats2d = NDArray[np.float64]
EQUAL_PARTS = 0.5
_SPREAD = 0.25  # how far, before gold is seen, each part may be from one half
_MOST_PARTS = 8.0
_LOWEST, _HIGHEST = float(np.log(1e-3)), float(np.log(1e4))  # log-factors
_STEP = 2.0  # in which they are searched, from 0


@dataclass(frozen=True, slots=True, eq=False)
class Bend:
    """Stretch log-likelihoods `relative` [c, k], at most 0, by a factor, smoothly bent so that none passes -limit."""

    relative: Floats2d
    limit: float

    def __call__(self, factor: float) -> Floats2d:
        bent = self.relative * (factor / self.limit)
        np.tanh(bent, out=bent)
        bent *= self.limit
        return bent


def match_confidence(votes: CastVotes, bend: Bend, reference: Floats2d) -> float:
    """Return the factor at which mean confidence over covered rows equals that of `reference`, within 1e-3 to 1e4."""
    from scipy.optimize import brentq

    weight = np.where(votes.given > 0, votes.rows, 0.0)
    aim = float((weight * _confidence(reference)).sum())
    if not aim:
        return 1.0

    @cache  # the solver asks for its ends again
    def excess(log_factor: float) -> float:
        bent = bend(float(np.exp(log_factor)))
        if votes.k == 2:
            confidence = 1 / (1 + np.exp(-np.abs(votes.says @ (bent[:, 1] - bent[:, 0]))))
        else:
            confidence = _confidence(votes.says @ bent)
        return float((weight * confidence).sum()) / aim - 1

    low = high = 0.0
    while excess(high) < 0 and high < _HIGHEST:
        low, high = high, min(high + _STEP, _HIGHEST)
    while excess(low) > 0 and low > _LOWEST:
        low, high = max(low - _STEP, _LOWEST), low
    if excess(low) >= 0 or excess(high) <= 0:
        return float(np.exp(low if excess(low) >= 0 else high))
    return float(np.exp(brentq(excess, low, high, xtol=1e-9)))


def _confidence(logits: Floats2d) -> NDArray[np.float64]:
    """Return the highest probability of each row, [n]."""
    rest = logits - over_classes(np.maximum, logits)[:, None]
    confidence: NDArray[np.float64] = 1 / over_classes(np.add, np.exp(rest, out=rest))
    return confidence


def mix_by_gold(opinions: tuple[Floats2d, Floats2d], fixed: Floats2d, gold: Floats2d) -> NDArray[np.float64]:
    """Return by how much to multiply each of two log-likelihoods [p, k] so that their sum fits gold, [2], 0 to 8.

    `fixed` [k] or [p, k] is added to it. The MAP estimate of a logistic regression with prior N(1/2, 1/4^2) for either
    part: equal parts where there is no gold, its temperature and its choice where there is much.
    """
    from scipy.optimize import minimize

    rows = np.flatnonzero(gold.any(axis=1))
    known = gold[rows]
    total = known.sum(axis=1)
    parts = [opinion[rows] for opinion in opinions]
    offset = np.broadcast_to(fixed, opinions[0].shape)[rows]

    def loss(scale: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = scale[0] * parts[0] + scale[1] * parts[1] + offset
        top = logits.max(axis=1, keepdims=True)
        log_proba = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
        off = (scale - EQUAL_PARTS) / _SPREAD
        wrong = np.exp(log_proba) * total[:, None] - known
        slope = np.array([(wrong * part).sum() for part in parts]) + off / _SPREAD
        return float(-(known * log_proba).sum() + 0.5 * (off @ off)), slope

    found = minimize(loss, np.full(2, EQUAL_PARTS), jac=True, method="L-BFGS-B", bounds=[(0.0, _MOST_PARTS)] * 2)
    mixed: NDArray[np.float64] = found.x
    return mixed
