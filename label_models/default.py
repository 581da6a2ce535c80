"""The default label model: one model that is right on every kind of votes and needs no choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.answerers import answer_accuracies, answer_evidence, answering, without_answers
from weaksup.label_models.base import BaseLabelModel, Floats1d, Floats2d
from weaksup.label_models.cast import CastVotes, cast_votes
from weaksup.label_models.class_balance import estimate_balance
from weaksup.label_models.dawid_skene import Prior, full_em, leave_one_out_em, over_classes, softmax
from weaksup.label_models.one_coin import OneCoin, row_evidence, toss
from weaksup.patterns import Patterns

__all__ = ["LabelModel", "votes_like_a_crowd"]

_CROWD_SOURCES = 20
_CROWD_PRIOR = Prior(diagonal=2.0, rest=1.0)
_MOST_VOTES = 2.0  # that one vote may count for


class LabelModel(BaseLabelModel):
    """Combine two opinions in equal parts, and be as sure as the agreement between sources allows.

    1. What each source's votes mean: Dawid-Skene confusions by MAP-EM (`dawid_skene`). The shape of the votes decides
       how, by one rule: where at least 20 sources voted and more than half of the votes come from sources that voted
       for two or more labels, the votes are a crowd's and EM is full. Otherwise they are labeling functions', EM
       leaves out the source it counts, runs 3 rounds, and the prior puts 2 k pseudo-counts on the diagonal alone, so
       that a source with one label can never speak against it. (Full EM collapses on such sources.)
    2. What a vote means, whosever it is: one accuracy, read off how often votes on a row agree (`one_coin`).

    EM says which votes are worth more than others, but not how much: its log-likelihoods are stretched until its mean
    confidence equals that of the one-coin opinion, and bent so that no vote counts for more than two votes of unknown
    origin. Then both opinions are averaged and the class balance joins in: the given one, else one estimated as far as
    the sources tell the same (`class_balance`), else uniform. Gold rows are clamped while EM counts. No randomness:
    the seed changes nothing.

    Sources of the kinds "tier" and "person" beside other sources are answerers (`answerers`): they are asked where the
    others are in doubt. What the others say is combined as above, without them, and each answer is added as evidence of
    a fixed accuracy (.9 a tier, .97 a person, corrected on gold rows), so answers move the rows they were given for.

    shape_          "crowd" or "functions"
    accuracy_       of a vote, one number in (0, 1); strength_ is the weight of that belief, in votes
    voters_, said_  [c] source and label of each cell, a cell being one source saying one label
    log_confusion_  [c, k] log P(the source says the label | it votes, class)
    weights_        [c, k] the same as used: relative to the likeliest class, stretched by sharpness_, bent; at most 0
    answerers_      [a] their columns; answer_accuracies_ [a] what they are taken for
    iterations_     of EM; converged_ is False when full EM still moved at the end
    """

    name = "default"

    shape_: Literal["crowd", "functions"]
    accuracy_: float
    strength_: float
    voters_: NDArray[np.int64]
    said_: NDArray[np.int64]
    log_confusion_: Floats2d
    weights_: Floats2d
    sharpness_: float
    answerers_: NDArray[np.int64]
    answer_accuracies_: Floats1d
    iterations_: int
    converged_: bool

    def _learn(self, patterns: Patterns, *, balance: Floats1d | None, gold: Floats2d | None) -> None:
        self.answerers_ = answering(self.kinds_, patterns)
        self.answer_accuracies_ = answer_accuracies(self.kinds_, patterns, self.answerers_, gold)
        votes = cast_votes(without_answers(patterns, self.answerers_), self.k_)
        coin = toss(votes)
        if balance is None and votes.tally.any():
            self.class_balance_ = estimate_balance(votes, coin)
        crowd = votes_like_a_crowd(votes)
        if crowd:
            learned = full_em(votes, self.class_balance_, _CROWD_PRIOR, gold=gold)
        else:
            learned = leave_one_out_em(votes, self.class_balance_, Prior(2.0 * self.k_, 0.01), gold=gold)
        self.shape_ = "crowd" if crowd else "functions"
        self.accuracy_, self.strength_ = coin.accuracy, coin.strength
        self.voters_, self.said_, self.log_confusion_ = votes.source, votes.label, learned.log
        self.iterations_, self.converged_ = learned.iterations, learned.converged
        relative = learned.log - learned.log.max(axis=1, keepdims=True, initial=-np.inf)
        bend = _Bend(relative, limit=_MOST_VOTES * float(np.log(coin.accuracy * (self.k_ - 1) / (1 - coin.accuracy))))
        self.sharpness_ = _match_confidence(votes, bend, row_evidence(votes.tally, coin))
        self.weights_ = bend(self.sharpness_)

    def _infer(self, patterns: Patterns) -> Floats2d:
        others = without_answers(patterns, self.answerers_)
        votes = cast_votes(others, self.k_, self.voters_ * self.k_ + self.said_)
        by_source = votes.says @ self.weights_
        by_count = row_evidence(votes.tally, OneCoin(self.accuracy_, self.strength_, 0))
        answers = answer_evidence(patterns, self.answerers_, self.answer_accuracies_, self.k_)
        return softmax(0.5 * by_source + 0.5 * by_count + answers + np.log(self.class_balance_))


def votes_like_a_crowd(votes: CastVotes) -> bool:
    """Say whether 20 or more sources voted and most votes come from sources that used two or more labels."""
    labels_used = np.bincount(votes.source) if len(votes.source) else np.zeros(0, np.int64)
    if np.count_nonzero(labels_used) < _CROWD_SOURCES:
        return False
    said = votes.cell_rows
    return bool(said[labels_used[votes.source] >= 2].sum() > said.sum() / 2)


@dataclass(frozen=True, slots=True, eq=False)
class _Bend:
    """Stretch log-likelihoods `relative` [c, k], at most 0, by a factor, smoothly bent so that none passes -limit."""

    relative: Floats2d
    limit: float

    def __call__(self, factor: float) -> Floats2d:
        bent: Floats2d = self.limit * np.tanh(factor / self.limit * self.relative)
        return bent


def _match_confidence(votes: CastVotes, bend: _Bend, reference: Floats2d) -> float:
    """Return the factor at which mean confidence over covered rows equals that of `reference`, within 1e-3 to 1e4."""
    from scipy.optimize import brentq

    covered = votes.tally.any(axis=1)
    if not covered.any():
        return 1.0
    says, weight = votes.says[covered], votes.rows[covered]
    aim = (weight * softmax(reference[covered]).max(axis=1)).sum()

    def excess(log_factor: float) -> float:
        logits = says @ bend(float(np.exp(log_factor)))
        logits -= over_classes(np.maximum, logits)[:, None]
        return float(((weight / over_classes(np.add, np.exp(logits))).sum() - aim) / aim)

    low, high = np.log(1e-3), np.log(1e4)
    if excess(low) >= 0 or excess(high) <= 0:
        return float(np.exp(low if excess(low) >= 0 else high))
    return float(np.exp(brentq(excess, low, high, xtol=1e-9)))
