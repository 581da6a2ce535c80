"""Soft votes: how far what a source says of its own votes can be believed, learned from the votes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from weaksup.votes import VoteMatrix

__all__ = ["SoftVotes", "believe", "read_soft_votes", "soft_evidence"]

_Floats = NDArray[np.float64]
_EDGE = 0.01  # confidences nearer than this to 0 or 1 say no more than it
_SLOPES = np.linspace(0.0, 1.5, 61)
_PRIOR_MEAN, _PRIOR_SPREAD = 0.25, 0.25  # of a slope: models are known to be surer than they are right
_BINS = 32


@dataclass(frozen=True, slots=True, eq=False)
class SoftVotes:
    """Votes whose source said how sure it was, [e] each.

    `row` is the position in the vote matrix, or the pattern; `gold` the known label of the row, -1 where not known.
    """

    row: NDArray[np.int64]
    source: NDArray[np.int64]
    label: NDArray[np.int64]
    confidence: _Floats
    gold: NDArray[np.int64]

    def by_pattern(self, index: NDArray[np.int64]) -> SoftVotes:
        """Name patterns instead of rows, in an order that does not depend on the order of rows."""
        named = replace(self, row=index[self.row])
        return named.take(np.lexsort((named.gold, named.confidence, named.source, named.row)))

    def take(self, votes: NDArray[np.int64] | NDArray[np.bool_]) -> SoftVotes:
        """Keep some votes, by position or mask."""
        return SoftVotes(
            self.row[votes], self.source[votes], self.label[votes], self.confidence[votes], self.gold[votes]
        )

    def __add__(self, other: SoftVotes) -> SoftVotes:
        """Put two lists together; both name rows, or patterns, of one table."""
        return SoftVotes(
            np.concatenate([self.row, other.row]),
            np.concatenate([self.source, other.source]),
            np.concatenate([self.label, other.label]),
            np.concatenate([self.confidence, other.confidence]),
            np.concatenate([self.gold, other.gold]),
        )


def read_soft_votes(votes: object, gold: NDArray[np.int64] | None = None) -> SoftVotes | None:
    """List the votes of a `VoteMatrix` that carry a confidence; `None` where there is none."""
    if not isinstance(votes, VoteMatrix) or votes.confidence is None:
        return None
    row, source = np.nonzero((votes.values >= 0) & np.isfinite(votes.confidence))
    if not len(row):
        return None
    known = np.full(len(row), -1) if gold is None else gold[row].astype(np.int64)
    label = votes.values[row, source].astype(np.int64)
    return SoftVotes(row, source, label, votes.confidence[row, source].astype(np.float64), known)


def believe(soft: SoftVotes, proba: _Floats, m: int) -> tuple[_Floats, _Floats]:
    """Learn by source [m] a slope and a level: a vote of confidence q has slope * logit(q) + level nats more to say.

    The confidence is a second observation beside the vote. Its density where the vote is right, over that where it is
    wrong, is taken as exp(slope * logit(q) + level): slope 1 means that confidences mean what they say, 0 that they
    say nothing; the level makes both densities sum to 1. Whether a vote is right is what `proba` [p, k] says, learned
    without the confidences, or gold. The slope is the posterior mean on a grid from 0 to 1.5, prior N(.25, .25), so a
    source that is always equally sure changes nothing.
    """
    right = np.clip(proba[soft.row, soft.label], 1e-9, 1 - 1e-9)
    right = np.where(soft.gold >= 0, np.where(soft.gold == soft.label, 1 - 1e-9, 1e-9), right)
    odds = _log_odds(soft.confidence)
    slopes, levels = np.zeros(m), np.zeros(m)
    for j in np.unique(soft.source).tolist():
        of_source = soft.source == j
        if np.ptp(odds[of_source]) > 1e-6:
            slopes[j], levels[j] = _fit_slope(odds[of_source], right[of_source])
    return slopes, levels


def soft_evidence(soft: SoftVotes, slopes: _Floats, levels: _Floats) -> _Floats:
    """Return what each confidence adds to the log-likelihood of its label, [e]."""
    evidence: _Floats = slopes[soft.source] * _log_odds(soft.confidence) + levels[soft.source]
    return evidence


def _log_odds(confidence: _Floats) -> _Floats:
    inside = np.clip(confidence, _EDGE, 1 - _EDGE)
    odds: _Floats = np.log(inside / (1 - inside))
    return odds


def _fit_slope(odds: _Floats, right: _Floats) -> tuple[float, float]:
    x, r, weight = _bin(odds, right)
    share = float((weight * r).sum() / weight.sum())
    levels = np.array([_level(slope, x, weight, share) for slope in _SLOPES.tolist()])
    tilt = np.exp(_SLOPES[:, None] * x + levels[:, None])
    fit = (weight * (np.log(r * tilt + 1 - r) - np.log(share * tilt + 1 - share))).sum(axis=1)
    fit -= 0.5 * ((_SLOPES - _PRIOR_MEAN) / _PRIOR_SPREAD) ** 2
    belief = np.exp(fit - fit.max())
    slope = float((belief * _SLOPES).sum() / belief.sum())
    return slope, _level(slope, x, weight, share)


def _bin(odds: _Floats, right: _Floats) -> tuple[_Floats, _Floats, _Floats]:
    """Put votes of about equal confidence and about equal chance together: means and counts of at most 32 x 32."""
    cell = np.zeros(len(odds), np.int64)
    for values in (odds, right):
        edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
        cell = cell * _BINS + np.searchsorted(edges, values, side="right")
    weight = np.bincount(cell)
    kept = np.flatnonzero(weight)
    count = weight[kept].astype(np.float64)
    return np.bincount(cell, odds)[kept] / count, np.bincount(cell, right)[kept] / count, count


def _level(slope: float, x: _Floats, weight: _Floats, share: float) -> float:
    """Solve for the level at which the confidences of wrong votes, hence of right ones too, sum to 1."""
    from scipy.optimize import brentq

    if not 1e-6 < share < 1 - 1e-6:
        return -slope * float((weight * x).sum() / weight.sum())
    total = weight.sum()

    def excess(level: float) -> float:
        return float((weight / (share * np.exp(slope * x + level) + 1 - share)).sum() / total - 1)

    bound = slope * float(np.abs(x).max()) + 1.0
    return float(brentq(excess, -bound, bound, xtol=1e-12))
