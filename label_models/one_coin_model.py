"""The one-coin model: one accuracy for each source, errors spread evenly over the other classes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from weaksup.label_models.base import Floats1d, Floats2d
from weaksup.label_models.cast import cast_votes
from weaksup.label_models.class_balance import settle_balance
from weaksup.label_models.dawid_skene import climb
from weaksup.label_models.heeding import HeedingModel
from weaksup.label_models.softmax import softmax
from weaksup.label_models.tallies import agreement, by_source, one_coin_worth, weigh
from weaksup.patterns import Patterns

__all__ = ["OneCoinModel"]

_PRIOR_VOTES = 4.0
_PRIOR_ODDS = 3.0  # of a vote's class over each other one, as in `one_coin`


class OneCoinModel(HeedingModel):
    """Learn one accuracy for each source by EM from majority shares (Dawid-Skene with one parameter a source).

    P(source j says c | it votes, the class is c) = a_j, and (1 - a_j) / (k - 1) for each other label (Y. Zhang,
    X. Chen, D. Zhou and M. I. Jordan, 2016, section 2). The prior of a_j is worth 4 votes of mean 3 / (k + 2). The
    class balance is the given one, else `class_balance`'s estimate; with `prevalence` EM learns it too, with one
    pseudo-row a class. One accuracy cannot describe a source that votes for one label only, whatever the rows it picks:
    with enough of those it ends in one class. Gold rows are clamped; confidences are heeded (`HeedingModel`); the seed
    changes nothing. Cost: O(votes + rows x classes) a round.

    accuracies_   float64 [m], in (0, 1); the prior's mean for a source that never voted
    iterations_   of EM; converged_ is False when a posterior still moved by more than .001 at the end
    """

    name = "one-coin"
    options: ClassVar[tuple[str, ...]] = ("cardinality", "seed", "prevalence", "iterations")

    accuracies_: Floats1d
    iterations_: int
    converged_: bool

    def __init__(
        self, cardinality: int | None = None, *, seed: int = 0, prevalence: bool = False, iterations: int = 100
    ) -> None:
        super().__init__(cardinality, seed=seed)
        self.prevalence = prevalence
        self.iterations = iterations

    def _learn(self, patterns: Patterns, *, balance: Floats1d | None, gold: Floats2d | None) -> None:
        votes, k, m = cast_votes(patterns, self.k_), self.k_, self.m_
        given = by_source(votes, votes.cell_rows, m) + _PRIOR_VOTES
        prior = _PRIOR_VOTES * _PRIOR_ODDS / (_PRIOR_ODDS + k - 1)

        def accuracies(counts: Floats2d, _: Floats1d | None) -> Floats1d:
            learned: Floats1d = (by_source(votes, agreement(votes, counts), m) + prior) / given
            return learned

        ended = climb(
            votes,
            settle_balance(balance, votes, gold),
            accuracies,
            lambda a: weigh(votes, one_coin_worth(a, k)[votes.source]),
            gold=gold,
            prevalence=self.prevalence and balance is None,
            iterations=self.iterations,
        )
        self.accuracies_, self.class_balance_ = ended.learned, ended.balance
        self.iterations_, self.converged_ = ended.iterations, ended.converged

    def _infer(self, patterns: Patterns) -> Floats2d:
        votes = cast_votes(patterns, self.k_)
        worth = one_coin_worth(self.accuracies_, self.k_)[votes.source]
        return softmax(weigh(votes, worth) + np.log(self.class_balance_))
