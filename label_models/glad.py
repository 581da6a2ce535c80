"""GLAD: how able a source is, times how easy a row is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.base import BaseLabelModel, Floats1d, Floats2d
from weaksup.label_models.cast import CastVotes, cast_votes
from weaksup.label_models.class_balance import settle_balance
from weaksup.label_models.softmax import softmax
from weaksup.label_models.tree_likelihood import meet
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
    label only: made for people, as is `one-coin`. Gold rows are clamped; confidences are not heeded; the seed changes
    nothing. Cost: O(votes) a round, and the answer, rows x classes.

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
        self.class_balance_ = settle_balance(balance, cast, gold)
        votes = _VoteList.of(cast, self.class_balance_, gold)
        start = _Skill(np.full(self.m_, _MEAN), np.full(len(patterns), _MEAN))
        ended, self.iterations_, self.converged_ = _climb(votes, partial(_m_step, votes), start, self.iterations)
        self.abilities_ = ended.ability

    def _infer(self, patterns: Patterns) -> Floats2d:
        votes = _VoteList.of(cast_votes(patterns, self.k_), self.class_balance_, None)
        start = _Skill(self.abilities_, np.full(len(patterns), _MEAN))
        ended, _, _ = _climb(votes, partial(_improve_ease, votes), start, _INFER_ROUNDS, tolerance=-1.0)
        evidence = np.tile(np.log(self.class_balance_), (len(patterns), 1))
        evidence[votes.of_row, votes.label] += votes.scores(ended)
        return softmax(evidence)


@dataclass(frozen=True, slots=True, eq=False)
class _Skill:
    """Ability of the sources [m] and log ease of the patterns [p]."""

    ability: Floats1d
    ease: Floats1d


@dataclass(frozen=True, slots=True, eq=False)
class _VoteList:
    """The votes one by one [e], and the options they are for [o]: a row with a label that somebody gives there.

    Vote e is by `source[e]` for option `option[e]` on pattern `row[e]`, of which there are `rows` [p]. Option o is
    `label[o]` on pattern `of_row[o]`, in order, of class balance `prior[o]`; `free[o]` of its rows have no gold, and
    for `known[o]` gold says so (shares). All labels that nobody gives on a row are alike: `left` [p] is their balance.
    """

    row: NDArray[np.int64]
    source: NDArray[np.int64]
    option: NDArray[np.int64]
    rows: Floats1d
    of_row: NDArray[np.int64]
    label: NDArray[np.int64]
    prior: Floats1d
    left: Floats1d
    free: Floats1d
    known: Floats1d
    k: int

    @classmethod
    def of(cls, votes: CastVotes, balance: Floats1d, gold: Floats2d | None) -> _VoteList:
        tree = meet(votes, np.zeros((0, 2), np.int64))
        known = np.zeros(len(tree.row)) if gold is None else gold[tree.row, tree.label] / votes.rows[tree.row]
        free = np.ones(tree.rows) if gold is None else 1 - gold.sum(axis=1) / votes.rows
        said = np.bincount(tree.row, minlength=tree.rows)
        left = 1 - np.bincount(tree.row, balance[tree.label], minlength=tree.rows)
        return cls(
            row=tree.row[tree.option],
            source=tree.source,
            option=tree.option,
            rows=votes.rows,
            of_row=tree.row,
            label=tree.label,
            prior=balance[tree.label],
            left=np.where(said < votes.k, np.maximum(left, 0.0), 0.0),
            free=free[tree.row],
            known=known,
            k=votes.k,
        )

    def log_odds(self, skill: _Skill) -> Floats1d:
        """Return the log-odds that each vote is right, [e]."""
        odds: Floats1d = skill.ability[self.source] * np.exp(skill.ease)[self.row]
        return odds

    def scores(self, skill: _Skill) -> Floats1d:
        """Return the log-likelihood of each option, [o], beside that of a label that nobody gives on its row."""
        worth = self.log_odds(skill) + np.log(self.k - 1)
        return np.bincount(self.option, worth, minlength=len(self.of_row)).astype(np.float64)

    def shares(self) -> Floats1d:
        """Return the share of its row's votes that each option has, [o]."""
        votes = np.bincount(self.option, minlength=len(self.of_row))
        shares: Floats1d = votes / np.bincount(self.row, minlength=len(self.rows))[self.of_row]
        return shares

    def posterior(self, skill: _Skill) -> Floats1d:
        """Return the probability of each option, [o]."""
        scores = self.scores(skill)
        starts = np.flatnonzero(np.diff(self.of_row, prepend=-1))
        top = np.zeros(len(self.rows))
        top[self.of_row[starts]] = np.maximum(np.maximum.reduceat(scores, starts), 0.0) if len(starts) else 0.0
        parts = self.prior * np.exp(scores - top[self.of_row])
        total = np.bincount(self.of_row, parts, minlength=len(self.rows)) + self.left * np.exp(-top)
        posterior: Floats1d = parts / total[self.of_row]
        return posterior


def _climb(
    votes: _VoteList, improve: Callable[[Floats1d, _Skill], _Skill], skill: _Skill, rounds: int, tolerance: float = 1e-3
) -> tuple[_Skill, int, bool]:
    """Run EM from majority shares until no posterior moves by more than `tolerance`: skill, rounds, whether it ended.

    `improve` gets the probability that each vote is right, [e]. Cost: O(votes) a round, whatever the number of classes.
    """
    posterior = votes.shares()
    for done in range(1, rounds + 1):
        skill = improve((posterior * votes.free + votes.known)[votes.option], skill)
        before, posterior = posterior, votes.posterior(skill)
        if np.abs(posterior - before).max(initial=0.0) <= tolerance:
            return skill, done, True
    return skill, rounds, False


def _m_step(votes: _VoteList, right: Floats1d, skill: _Skill) -> _Skill:
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
