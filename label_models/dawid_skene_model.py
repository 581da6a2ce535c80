"""The model of Dawid and Skene under its own name: a full confusion for every source."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.label_models.base import Floats1d, Floats2d
from weaksup.label_models.cast import cast_votes
from weaksup.label_models.class_balance import settle_balance
from weaksup.label_models.dawid_skene import Prior, full_em
from weaksup.label_models.heeding import HeedingModel
from weaksup.label_models.softmax import softmax
from weaksup.patterns import Patterns

__all__ = ["DawidSkene"]

_MOST_ENTRIES = 16_000_000  # about 1 GB while EM runs


class DawidSkene(HeedingModel):
    """Learn what each source says for each true class (A. P. Dawid and A. M. Skene, 1979), by EM from majority shares.

    P(source j says l | it votes, the class is c) = theta_j[c, l], with a Dirichlet prior of one pseudo-vote for every
    label and `diagonal` more for the true one (MAP; the paper's eq. 2.3 has none). A vote for a label that its source
    never used in fit is ignored. The class balance is the given one, else `class_balance`'s estimate; with `prevalence`
    EM learns it too, as in the paper (eq. 2.4), with one pseudo-row a class: right for people, but with labeling
    functions that vote for one label each it ends in one class. Gold rows are clamped; confidences are heeded
    (`HeedingModel`); the seed changes nothing. Cost: O(votes x classes) a round, and the confusions, sources x labels
    used x classes.

    voters_, said_  [c] source and label of each cell, a cell being one source saying one label
    log_confusion_  [c, k] log theta
    iterations_     of EM; converged_ is False when a posterior still moved by more than .001 at the end
    """

    name = "dawid-skene"
    options: ClassVar[tuple[str, ...]] = ("cardinality", "seed", "diagonal", "prevalence", "iterations")

    voters_: NDArray[np.int64]
    said_: NDArray[np.int64]
    log_confusion_: Floats2d
    iterations_: int
    converged_: bool

    def __init__(
        self,
        cardinality: int | None = None,
        *,
        seed: int = 0,
        diagonal: float = 2.0,
        prevalence: bool = False,
        iterations: int = 100,
    ) -> None:
        super().__init__(cardinality, seed=seed)
        self.diagonal = diagonal
        self.prevalence = prevalence
        self.iterations = iterations

    def _learn(self, patterns: Patterns, *, balance: Floats1d | None, gold: Floats2d | None) -> None:
        votes = cast_votes(patterns, self.k_)
        size = len(votes.label) * self.k_
        if size > _MOST_ENTRIES:
            raise UsageError(
                f'label model "dawid-skene": expected confusions of at most {_MOST_ENTRIES:,} numbers (labels that '
                f'sources use x classes), got {len(votes.label):,} x {self.k_:,}; fit "one-coin" or "default"'
            )
        learned = full_em(
            votes,
            settle_balance(balance, votes, gold),
            Prior(self.diagonal, 1.0),
            gold=gold,
            prevalence=self.prevalence and balance is None,
            iterations=self.iterations,
        )
        self.class_balance_ = learned.balance
        self.voters_, self.said_, self.log_confusion_ = votes.source, votes.label, learned.log
        self.iterations_, self.converged_ = learned.iterations, learned.converged

    def _infer(self, patterns: Patterns) -> Floats2d:
        votes = cast_votes(patterns, self.k_, self.voters_ * self.k_ + self.said_)
        return softmax(votes.says @ self.log_confusion_ + np.log(self.class_balance_))
