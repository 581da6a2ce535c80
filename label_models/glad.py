"""GLAD: how able a source is, times how easy a row is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.base import BaseLabelModel, Floats1d, Floats2d
from weaksup.label_models.cast import CastVotes, cast_votes
from weaksup.label_models.class_balance import settle_balance
from weaksup.label_models.dawid_skene import climb, softmax
from weaksup.label_models.tallies import vote_rows
from weaksup.patterns import Patterns

__all__ = ["Glad"]

_MEAN = 1.0  # of the normal priors of ability and of log ease, both of variance 1, as in the paper
_INFER_ROUNDS = 20
_HALVINGS = 4


class Glad(BaseLabelModel):
    """Learn how able each source is and how easy each row (J. Whitehill, P. Ruvolo, T. Wu, J. Bergsma et al., 2009).

    P(source j is right on row i) = sigma(alpha_j e^beta_i) (eq. 1), errors spread evenly over the other classes;
    alpha_j and beta_i, the log of the paper's 1 / difficulty, have priors N(1, 1). EM from majority shares; the M-step
    climbs by one damped Fisher-scoring step in every alpha, then in every beta, each on its own, so the objective never
    falls. Equal rows have equal ease. A row is labeled by EM over its own ease with the abilities as learned, a fixed
    number of rounds, so new rows and rows of fit are treated alike and no row depends on its neighbours. The class
    balance is the given one, else `class_balance`'s estimate. One ability cannot describe a source that votes for one
    label only: made for people, as is `one-coin`.

    abilities_    float64 [m]; below 0 is worse than a coin; 1 for a source that never voted
    iterations_   of EM; converged_ is False when a posterior still moved by more than .001 at the end
    """

    name = "glad"
    options: ClassVar[tuple[str, ...]] = ("cardinality", "seed", "iterations")

    abilities_: Floats1d
    iterations_: int
    converged_: bool

    def __init__(self, cardinality: int | None = None, *, seed: int = 0, iterations: int = 100) -> None:
        super().__init__(cardinality, seed=seed)
        self.iterations = iterations

    def _learn(self, patterns: Patterns, *, balance: Floats1d | None, gold: Floats2d | None) -> None:
        cast = cast_votes(patterns, self.k_)
        votes = _VoteList.of(cast)
        self.class_balance_ = settle_balance(balance, cast, gold)
        start = _Skill(np.full(self.m_, _MEAN), np.full(len(patterns), _MEAN))
        ended = climb(
            cast,
            self.class_balance_,
            lambda counts, before: _m_step(votes, counts, before or start),
            votes.evidence,
            gold=gold,
            iterations=self.iterations,
        )
        self.abilities_ = ended.learned.ability
        self.iterations_, self.converged_ = ended.iterations, ended.converged

    def _infer(self, patterns: Patterns) -> Floats2d:
        cast = cast_votes(patterns, self.k_)
        votes = _VoteList.of(cast)
        start = _Skill(self.abilities_, np.full(len(patterns), _MEAN))
        ended = climb(
            cast,
            self.class_balance_,
            lambda counts, before: _improve_ease(votes, votes.rightness(counts), before or start),
            votes.evidence,
            iterations=_INFER_ROUNDS,
            tolerance=-1.0,
        )
        return softmax(votes.evidence(ended.learned) + np.log(self.class_balance_))


@dataclass(frozen=True, slots=True, eq=False)
class _Skill:
    """Ability of the sources [m] and log ease of the patterns [p]."""

    ability: Floats1d
    ease: Floats1d


@dataclass(frozen=True, slots=True, eq=False)
class _VoteList:
    """The votes one by one: pattern, source and label [e]; `rows` [p] share a pattern."""

    row: NDArray[np.int64]
    source: NDArray[np.int64]
    label: NDArray[np.int64]
    rows: Floats1d
    k: int

    @classmethod
    def of(cls, votes: CastVotes) -> _VoteList:
        cell = votes.says.indices
        return cls(vote_rows(votes), votes.source[cell], votes.label[cell], votes.rows, votes.k)

    def log_odds(self, skill: _Skill) -> Floats1d:
        """Return the log-odds that each vote is right, [e]."""
        odds: Floats1d = skill.ability[self.source] * np.exp(skill.ease)[self.row]
        return odds

    def evidence(self, skill: _Skill) -> Floats2d:
        """Return log-likelihoods [p, k], up to a constant a row."""
        worth = self.log_odds(skill) + np.log(self.k - 1)
        size = len(self.rows) * self.k
        place = self.row * self.k + self.label
        return np.bincount(place, worth, minlength=size).reshape(-1, self.k).astype(np.float64)

    def rightness(self, counts: Floats2d) -> Floats1d:
        """Return the probability that each vote is right, [e]; counts [p, k] are of rows by class."""
        right: Floats1d = counts[self.row, self.label] / self.rows[self.row]
        return right


def _m_step(votes: _VoteList, counts: Floats2d, skill: _Skill) -> _Skill:
    right = votes.rightness(counts)
    return _improve_ease(votes, right, _improve_ability(votes, right, skill))


def _improve_ability(votes: _VoteList, right: Floats1d, skill: _Skill) -> _Skill:
    ease, weight = np.exp(skill.ease)[votes.row], votes.rows[votes.row]

    def gather(by_vote: Floats1d) -> Floats1d:
        return np.bincount(votes.source, weight * by_vote, minlength=len(skill.ability)).astype(np.float64)

    def value(ability: Floats1d) -> Floats1d:
        return gather(_fit(right, votes.log_odds(replace(skill, ability=ability)))) - 0.5 * (ability - _MEAN) ** 2

    sigma = _sigmoid(votes.log_odds(skill))
    slope = gather((right - sigma) * ease) - (skill.ability - _MEAN)
    curve = gather(sigma * (1 - sigma) * ease**2) + 1.0
    return replace(skill, ability=_climb_by_halves(value, skill.ability, slope / curve))


def _improve_ease(votes: _VoteList, right: Floats1d, skill: _Skill) -> _Skill:
    def gather(by_vote: Floats1d) -> Floats1d:
        return np.bincount(votes.row, by_vote, minlength=len(skill.ease)).astype(np.float64)

    def value(ease: Floats1d) -> Floats1d:
        return gather(_fit(right, votes.log_odds(replace(skill, ease=ease)))) - 0.5 * (ease - _MEAN) ** 2

    odds = votes.log_odds(skill)
    sigma = _sigmoid(odds)
    slope = gather((right - sigma) * odds) - (skill.ease - _MEAN)
    curve = gather(sigma * (1 - sigma) * odds**2) + 1.0
    return replace(skill, ease=_climb_by_halves(value, skill.ease, slope / curve))


def _climb_by_halves(value: Callable[[Floats1d], Floats1d], start: Floats1d, step: Floats1d) -> Floats1d:
    """Take each step, or the first of its halves that does not lower its own value, or none."""
    best, base = start.copy(), value(start)
    left = np.ones(len(start), np.bool_)
    for halving in range(_HALVINGS):
        tried = start + np.where(left, np.clip(step, -2.0, 2.0) * 0.5**halving, 0.0)
        better = left & (value(tried) >= base)
        best[better] = tried[better]
        left &= ~better
        if not left.any():
            break
    return best


def _fit(right: Floats1d, log_odds: Floats1d) -> Floats1d:
    """Return the expected log-likelihood of votes that are right with probability `right`, up to a constant."""
    fit: Floats1d = right * log_odds - np.maximum(log_odds, 0.0)
    fit -= np.log1p(np.exp(-np.abs(log_odds)))
    return fit


def _sigmoid(x: Floats1d) -> Floats1d:
    from scipy.special import expit

    sigma: Floats1d = expit(x)
    return sigma
