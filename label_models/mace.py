"""MACE: a person either knows the label, or spams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from weaksup.label_models.base import BaseLabelModel, Floats1d, Floats2d
from weaksup.label_models.cast import CastVotes, cast_votes
from weaksup.label_models.class_balance import settle_balance
from weaksup.label_models.dawid_skene import climb
from weaksup.label_models.softmax import softmax
from weaksup.label_models.tallies import agreement, by_source, weigh
from weaksup.patterns import Patterns

__all__ = ["Mace"]

_KNOWING = 0.5  # Beta prior of knowing and of spamming, and
_STRATEGY = 10.0  # Dirichlet prior of each label when spamming: both as in the authors' program


class Mace(BaseLabelModel):
    """Learn how often each source spams and what it then says (D. Hovy, T. Berg-Kirkpatrick et al., 2013).

    Source j knows the label with probability theta_j and says it; else it spams and says l with probability xi_j[l],
    whatever the label is: P(j says l | c) = theta_j [l = c] + (1 - theta_j) xi_j[l]. Variational EM (section 3) with
    their priors, Beta(.5, .5) and Dirichlet(10). It starts from majority shares in place of random restarts, so no run
    differs from another. The class balance is the given one, else `class_balance`'s estimate (the paper's is uniform).
    Gold rows are clamped; confidences are not heeded, for people state none; the seed changes nothing. Cost: O(votes +
    rows x classes) a round.

    competence_    float64 [m], the mean of theta_j
    knowing_, spamming_  float64 [m], exp E log theta_j and exp E log (1 - theta_j), which the votes are weighed by
    strategy_      float64 [m, k], exp E log xi_j; rows sum to less than 1
    iterations_    of EM; converged_ is False when a posterior still moved by more than .001 at the end
    """

    name = "mace"
    options: ClassVar[tuple[str, ...]] = ("cardinality", "seed", "iterations")

    competence_: Floats1d
    knowing_: Floats1d
    spamming_: Floats1d
    strategy_: Floats2d
    iterations_: int
    converged_: bool

    def __init__(self, cardinality: int | None = None, *, seed: int = 0, iterations: int = 100) -> None:
        super().__init__(cardinality, seed=seed)
        self.iterations = iterations

    def _learn(self, patterns: Patterns, *, balance: Floats1d | None, gold: Floats2d | None) -> None:
        votes, m = cast_votes(patterns, self.k_), self.m_
        self.class_balance_ = settle_balance(balance, votes, gold)
        ended = climb(
            votes,
            self.class_balance_,
            lambda counts, before: _learn_habits(votes, counts, before, m),
            lambda habits: weigh(votes, habits.worth(votes)),
            gold=gold,
            iterations=self.iterations,
        )
        habits = ended.learned
        self.competence_, self.knowing_, self.spamming_ = habits.competence, habits.knowing, habits.spamming
        self.strategy_ = np.tile(habits.unsaid[:, None], (1, self.k_))
        self.strategy_[votes.source, votes.label] = habits.strategy
        self.iterations_, self.converged_ = ended.iterations, ended.converged

    def _infer(self, patterns: Patterns) -> Floats2d:
        votes = cast_votes(patterns, self.k_)
        strategy = self.strategy_[votes.source, votes.label]
        habits = _Habits(self.competence_, self.knowing_, self.spamming_, strategy, strategy)
        return softmax(weigh(votes, habits.worth(votes)) + np.log(self.class_balance_))


@dataclass(frozen=True, slots=True, eq=False)
class _Habits:
    """What is believed of the sources [m] and, for `strategy`, of their cells [c]; `unsaid` [m] is of other labels."""

    competence: Floats1d
    knowing: Floats1d
    spamming: Floats1d
    strategy: Floats1d
    unsaid: Floats1d

    def worth(self, votes: CastVotes) -> Floats1d:
        """Return by how much a cell raises its own class above the others, which only spam explains, in nats."""
        j = votes.source
        worth: Floats1d = np.log1p(self.knowing[j] / (self.spamming[j] * self.strategy))
        return worth


def _learn_habits(votes: CastVotes, counts: Floats2d, before: _Habits | None, m: int) -> _Habits:
    from scipy.special import digamma

    # A right vote came from knowledge with this probability; a wrong one is always spam.
    known_if_right = votes.k / (votes.k + 1) if before is None else -np.expm1(-before.worth(votes))
    said = votes.cell_rows
    known = agreement(votes, counts) * known_if_right
    spammed = np.maximum(said - known, 0.0)
    knew, spam, given = (by_source(votes, values, m) for values in (known, spammed, said))
    total = digamma(given + 2 * _KNOWING)
    all_spam = digamma(spam + votes.k * _STRATEGY)
    return _Habits(
        competence=(knew + _KNOWING) / (given + 2 * _KNOWING),
        knowing=np.exp(digamma(knew + _KNOWING) - total),
        spamming=np.exp(digamma(spam + _KNOWING) - total),
        strategy=np.exp(digamma(spammed + _STRATEGY) - all_spam[votes.source]),
        unsaid=np.exp(digamma(_STRATEGY) - all_spam),
    )
