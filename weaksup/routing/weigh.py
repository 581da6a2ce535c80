"""Conditional logit: weights that turn evidence for classes into probabilities (McFadden, 1974)."""

from __future__ import annotations

import numpy as np

from weaksup.routing.ladder import Floats, Rows

__all__ = ["learn_sharpness", "learn_trust", "learn_weights", "sharpen", "to_proba"]

_LEAST = 1e-4  # a probability of a student below says no more than it
_SHARPNESS = (1.0, 0.5)  # mean and spread of its prior
_SHARPEST = 2.0
_TRUST = ((1.0, 0.5), (0.5, 0.5))  # mean and spread of how far the label model is trusted, and the student beside it


def to_proba(scores: Floats) -> Floats:
    """Return the softmax of scores [n, k]."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    proba: Floats = raised / raised.sum(axis=1, keepdims=True)
    return proba


def learn_weights(features: Floats, target: Floats, row_weights: Floats, spread: Floats) -> Floats:
    """Return the weights [f] at which features [r, k, f] fit target distributions [r, k] best.

    The prior of a weight is normal about 0 with its `spread`; the problem is convex. No rows: all weights are 0.
    """
    return _minimise(features, target, row_weights, np.zeros(len(spread)), spread)


def learn_sharpness(proba: Floats, answer: Rows) -> float:
    """Return the power of probabilities [r, k] that fits the answers [r] best, from 0 to 2; prior N(1, .5)."""
    mean, spread = _SHARPNESS
    target = np.eye(proba.shape[1])[answer]
    found = _minimise(_logs(proba)[:, :, None], target, np.ones(len(answer)), np.array([mean]), np.array([spread]))
    return float(np.clip(found[0], 0, _SHARPEST))


def learn_trust(features: Floats, answer: Rows) -> Floats:
    """Return the weights [2] of the log-odds [r, k, 2] of the label model and the student that fit the answers best."""
    (mean, spread), target = np.array(_TRUST).T, np.eye(features.shape[1])[answer]
    return np.clip(_minimise(features, target, np.ones(len(answer)), mean, spread), 0, None)


def sharpen(proba: Floats, sharpness: float) -> Floats:
    """Raise probabilities to a power, and let rows sum to 1 again."""
    return to_proba(sharpness * _logs(proba))


def _logs(proba: Floats) -> Floats:
    logs: Floats = np.log(np.clip(proba, _LEAST, 1.0))
    return logs


def _minimise(features: Floats, target: Floats, row_weights: Floats, mean: Floats, spread: Floats) -> Floats:
    from scipy.optimize import minimize

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = features @ weights
        scores -= scores.max(axis=1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        away = (weights - mean) / spread
        slope = np.einsum("rk,rkf->f", row_weights[:, None] * (np.exp(logs) - target), features)
        return float(away @ away) / 2 - float((row_weights[:, None] * target * logs).sum()), slope + away / spread

    found: Floats = minimize(loss, mean, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return found
