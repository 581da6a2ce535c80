"""What speaks for each class of a row: the answers bought so far, the label model, the student."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from weaksup.routing.ladder import Answers, Floats, Ladder, Rows, answers_of
from weaksup.votes import VoteMatrix

__all__ = ["Evidence", "gather", "log_odds", "sureness"]

_FREE, _TIGHT = 1.0, 0.3  # spreads of a weight's prior: of the rungs and opinions, of the signals
_LEAST = 0.01  # a probability below says no more than it
_WIDTH = 3.4  # of sureness: a rank from 0 to 1 gets about the variance of a standard normal


def sureness(answers: Answers) -> Floats:
    """Rank the confidences of one source's answers, from 0 to 1, [n]; .5 where there is none, or all are equal.

    Ranks, for what a model says of its own certainty orders its answers better than it measures them.
    """
    from scipy.stats import rankdata

    rank = np.full(len(answers.label), 0.5)
    told = answers.known & np.isfinite(answers.confidence)
    if told.any() and np.ptp(answers.confidence[told]) > 0:
        rank[told] = (rankdata(answers.confidence[told]) - 0.5) / told.sum()
    return rank


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Evidence for the classes of n rows; a weight a feature turns it into log-odds.

    `answers` are the witnesses', of which the first `rungs` are tiers and the others signals; `opinions` are
    probabilities [n, k]: of the label model, the student, and how common each label is.
    """

    k: int
    answers: tuple[Answers, ...]
    sure: tuple[Floats, ...]
    opinions: tuple[Floats, ...]
    rungs: int

    @property
    def spread(self) -> Floats:
        """The standard deviation of each feature's weight before anything is learned, [f]."""
        found = []
        for j, sure in enumerate(self.sure):
            found += [_TIGHT if j >= self.rungs else _FREE] * (1 + _varies(sure))
        return np.array(found + [_FREE] * len(self.opinions))

    def features(self, rows: Rows) -> Floats:
        """Return what speaks for each class of some rows, [r, k, f]: votes, votes times sureness, log-probabilities.

        A weight is the same for all classes: one for each would learn noise from so few answers.
        """
        found = []
        for answers, sure in zip(self.answers, self.sure, strict=True):
            vote = _votes(answers.label[rows], self.k)
            found += [vote, vote * (_WIDTH * (sure[rows, None] - 0.5))][: 1 + _varies(sure)]
        found += [log_odds(opinion[rows]) for opinion in self.opinions]
        features: Floats = np.stack(found, axis=2)
        return features


def gather(votes: VoteMatrix, ladder: Ladder, opinions: Sequence[Floats]) -> Evidence:
    """Put together what is known of every row, without the answers that are taken for the truth."""
    answers = tuple(answers_of(votes, name) for name in ladder.witnesses)
    sure = tuple(sureness(a) for a in answers)
    return Evidence(len(votes.labels), answers, sure, tuple(opinions), 1 + len(ladder.middle))


def log_odds(proba: Floats) -> Floats:
    """Return log-probabilities, each row about 0."""
    logs: Floats = np.log(np.clip(proba, _LEAST, 1.0))
    centred: Floats = logs - logs.mean(axis=1, keepdims=True)
    return centred


def _votes(label: Rows, k: int) -> Floats:
    votes: Floats = np.where(label[:, None] == np.arange(k), 1.0, 0.0)
    return votes


def _varies(sure: Floats) -> bool:
    return bool(np.ptp(sure) > 0) if len(sure) else False
