"""What speaks for each class of a row: the answers bought so far, the label model, the student."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.labels import ABSTAIN
from weaksup.votes import VoteMatrix

__all__ = ["Answers", "Evidence", "Floats", "Rows", "Tiers", "answers_of", "gather", "sureness"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_FREE, _TIGHT = 1.0, 0.3  # spreads of a weight's prior: of the main sources, of the signals
_LEAST = 0.01  # a probability below says no more than it
_WIDTH = 3.4  # of sureness: a rank from 0 to 1 gets about the variance of a standard normal


@dataclass(frozen=True, slots=True)
class Tiers:
    """Names of the sources that answer for money: the cheap one, the premium one, and signals.

    A signal is another opinion bought together with the cheap one: another prompt, another model.
    """

    cheap: str
    premium: str
    signals: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [self.cheap, self.premium, *self.signals]
        if len(set(names)) < len(names):
            raise UsageError(f"routing: expected different tiers, got {', '.join(names)}; name each once")

    @property
    def bought_first(self) -> tuple[str, ...]:
        """The cheap tier and its signals: asked about the same rows."""
        return (self.cheap, *self.signals)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What one source said: `label` int64 [n], ABSTAIN where it did not; `asked` [n]; `confidence` [n] or NaN."""

    label: Rows
    asked: NDArray[np.bool_]
    confidence: Floats

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where there is an answer that can be used, [n]."""
        known: NDArray[np.bool_] = self.label != ABSTAIN
        return known


def answers_of(votes: VoteMatrix, name: str) -> Answers:
    """Read one source of the votes; one that is not there was never asked."""
    n = len(votes)
    if name not in votes.names:
        return Answers(np.full(n, ABSTAIN, np.int64), np.zeros(n, np.bool_), np.full(n, np.nan))
    j = votes.names.index(name)
    asked = np.ones(n, np.bool_) if votes.asked is None else votes.asked[:, j]
    said = np.full(n, np.nan) if votes.confidence is None else votes.confidence[:, j].astype(np.float64)
    return Answers(votes.values[:, j].astype(np.int64), asked, said)


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

    `answers` are the cheap tier's and its signals'; `opinions` probabilities [n, k] of the label model and the student.
    """

    k: int
    answers: tuple[Answers, ...]
    sure: tuple[Floats, ...]
    opinions: tuple[Floats, ...]

    @property
    def spread(self) -> Floats:
        """The standard deviation of each feature's weight before anything is learned, [f]."""
        found = []
        for j, sure in enumerate(self.sure):
            found += [_TIGHT if j else _FREE] * (1 + _varies(sure))
        return np.array(found + [_FREE] * len(self.opinions))

    def features(self, rows: Rows) -> Floats:
        """Return what speaks for each class of some rows, [r, k, f]: votes, votes times sureness, log-probabilities.

        A weight is the same for all classes: one for each would learn noise from so few answers.
        """
        found = []
        for answers, sure in zip(self.answers, self.sure, strict=True):
            vote = _votes(answers.label[rows], self.k)
            found += [vote, vote * (_WIDTH * (sure[rows, None] - 0.5))][: 1 + _varies(sure)]
        found += [_log_odds(opinion[rows]) for opinion in self.opinions]
        features: Floats = np.stack(found, axis=2)
        return features


def gather(votes: VoteMatrix, tiers: Tiers, opinions: Sequence[Floats]) -> Evidence:
    """Put together what is known of every row, without the premium tier's answers."""
    answers = tuple(answers_of(votes, name) for name in tiers.bought_first)
    return Evidence(len(votes.labels), answers, tuple(sureness(a) for a in answers), tuple(opinions))


def _votes(label: Rows, k: int) -> Floats:
    votes: Floats = np.where(label[:, None] == np.arange(k), 1.0, 0.0)
    return votes


def _varies(sure: Floats) -> bool:
    return bool(np.ptp(sure) > 0) if len(sure) else False


def _log_odds(proba: Floats) -> Floats:
    """Return log-probabilities, each row about 0."""
    logs: Floats = np.log(np.clip(proba, _LEAST, 1.0))
    centred: Floats = logs - logs.mean(axis=1, keepdims=True)
    return centred
