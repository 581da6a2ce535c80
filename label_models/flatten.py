"""How sure a model may be without gold: no surer than the agreement between sources allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.errors import UsageError
from weaksup.label_models.answerers import answering, assumed_accuracies
from weaksup.label_models.calibration import MOST_TEMPERATURE, Calibration, log_proba, read_proba
from weaksup.label_models.class_balance import match_balance
from weaksup.label_models.groups import find_groups
from weaksup.label_models.one_coin import row_evidence, toss
from weaksup.label_models.reading import read_balance, read_values
from weaksup.label_models.softmax import softmax
from weaksup.patterns import find_patterns
from weaksup.votes import VoteMatrix

__all__ = ["calibrate_by_agreement"]

_Floats = NDArray[np.float64]


def calibrate_by_agreement(
    proba: ArrayLike,
    votes: VoteMatrix | ArrayLike,
    *,
    class_balance: Sequence[float] | Mapping[str, float] | None = None,
) -> Calibration:
    """Return the temperature, 1 or more, at which a model is as sure as agreement says that labels are right.

    `proba` [n, k] is any model's opinion of `votes` [n, m]. Mean confidence over the covered rows is made equal to the
    accuracy that one accuracy for all sources expects there, read off how often votes on a row agree
    (`one_coin.toss`); sources that share a cause count once, and rows that a tier or person answered are left out.
    Agreement that comes from a shared cause reads as accuracy, so what it expects is an upper bound: probabilities are
    flattened, never sharpened. The default model keeps within the bound by itself and is left nearly as it is.
    A model that was given a class balance may be surer: give the same `class_balance` here.
    """
    p = read_proba(proba)
    values = read_values(votes)
    if len(values) != len(p):
        raise UsageError(f"calibration: expected votes on the {len(p)} rows of proba, got {len(values)}")
    names = votes.labels.names if isinstance(votes, VoteMatrix) else None
    expected = _expected_accuracy(votes, p.shape[1], read_balance(class_balance, p.shape[1], names))
    judged = ~np.isnan(expected)
    return Calibration("temperature", _match(log_proba(p[judged]), expected[judged]))


def _expected_accuracy(votes: VoteMatrix | ArrayLike, k: int, balance: _Floats | None) -> _Floats:
    """Return how likely the best label of each row is right, [n]; NaN without a vote, or with an answerer's."""
    patterns = find_patterns(read_values(votes), k)
    causes = kinds = asked = None
    if isinstance(votes, VoteMatrix):
        causes, kinds = [s.group for s in votes.sources], [s.kind for s in votes.sources]
        asked = None if votes.asked is None or not len(votes) else votes.asked.mean(axis=0)
    answerers = answering(kinds, asked, patterns)
    apart = np.zeros(patterns.values.shape[1])
    apart[answerers] = assumed_accuracies(kinds, answerers)
    voices = find_groups(patterns, k, causes, apart, answerers)
    evidence = row_evidence(voices.votes.tally, toss(voices.votes))
    if balance is not None:
        evidence += match_balance(balance, evidence, patterns.counts)
    expected: _Floats = softmax(evidence).max(axis=1)
    answered = (patterns.values[:, answerers] >= 0).any(axis=1)
    return np.where(voices.votes.tally.any(axis=1) & ~answered, expected, np.nan)[patterns.index]


def _match(logs: _Floats, expected: _Floats) -> float:
    """Solve mean confidence = mean expectation for the temperature; 1 where nothing is too sure."""
    from scipy.optimize import brentq

    def excess(temperature: float) -> float:
        return float((softmax(logs / temperature).max(axis=1) - expected).mean())

    if not len(expected) or excess(1.0) <= 0:
        return 1.0
    if excess(MOST_TEMPERATURE) >= 0:
        return MOST_TEMPERATURE
    return float(brentq(excess, 1.0, MOST_TEMPERATURE, xtol=1e-9))
