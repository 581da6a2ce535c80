"""Tiers and people: sources that are asked where the others are in doubt, so that their votes are no sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from weaksup.labels import ABSTAIN
from weaksup.patterns import Patterns

__all__ = [
    "Choice",
    "answer_accuracies",
    "answer_evidence",
    "answering",
    "assumed_accuracies",
    "how_asked",
    "trust_others",
    "without_answers",
]

_Floats = NDArray[np.float64]
_Columns = NDArray[np.int64]
_ASSUMED = {"tier": 0.9, "person": 0.97}
_STRENGTHS = (80.0, 5.0)  # of the assumption, in judged rows: about .03 either way, or it may be far off,
_LIKELY = (0.8, 0.2)  # with these chances
_SELDOM = 0.5  # share of the rows; a source asked on fewer is asked for a reason
_GRID = np.linspace(0.0025, 0.9975, 200)  # accuracies
_TRUSTS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])  # by what the others' log-odds are multiplied
_REVERSED = np.array([-1.0, -0.5])  # the others are wrong where they fight: rare, yet likelier than an answerer
_SELDOM_REVERSED = 0.1  # ... that is worse than chance
_SELDOM_UNSEEN = 0.05  # density of other choices that doubt does not show, against 1 of chance
_ROUNDS = 4
_BINS = 400


def answering(kinds: Sequence[str] | None, asked: _Floats | None, patterns: Patterns) -> _Columns:
    """Return the columns of tiers, people and sources asked on less than half of the rows.

    None where no other source votes: then they are ordinary sources.
    """
    m = patterns.values.shape[1]
    chosen = np.zeros(m, np.bool_) if kinds is None else np.array([kind in _ASSUMED for kind in kinds], np.bool_)
    if asked is not None:
        chosen |= asked < _SELDOM
    others_vote = chosen.any() and (patterns.values[:, ~chosen] != ABSTAIN).any()
    return np.flatnonzero(chosen) if others_vote else np.empty(0, np.int64)


def assumed_accuracies(kinds: Sequence[str] | None, columns: _Columns) -> _Floats:
    """Return what each answering column is taken for before anything is seen: .97 a person, .9 any other."""
    return np.array([_ASSUMED.get(kinds[j], 0.9) if kinds else 0.9 for j in columns.tolist()], np.float64)


def without_answers(patterns: Patterns, columns: _Columns) -> Patterns:
    """Blank the answers out; rows may then be equal, which no sum minds."""
    if not len(columns):
        return patterns
    values = patterns.values.copy()
    values[:, columns] = ABSTAIN
    return replace(patterns, values=values)


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """How the rows of each answering column were chosen, [a]: `doubt` 0 to 1, how far doubt chose them; `random`, the
    probability that chance did."""

    doubt: _Floats
    random: _Floats


def how_asked(patterns: Patterns, columns: _Columns, others: _Floats) -> Choice:
    """Tell doubt and chance from other ways to choose rows; `others` [p, k] is log-probability.

    `doubt` is twice the share of pairs of an asked and another row in which the asked one is the more doubtful, less 1
    (the Gini coefficient): 1 where the least sure rows were asked, near 0 where rows were asked at random or all were.
    `random` compares how likely that number is under random choice (H. B. Mann and D. R. Whitney, 1947: mean 0,
    variance (n + 1) / (3 asked rest)) with any number from -1 to 1 alike, which is taken for ten times rarer: where
    sources fail they fight, and doubt shows it.
    """
    sure = -np.log(np.exp(others - others.max(axis=1, keepdims=True)).sum(axis=1))  # log of the highest probability
    _, level = np.unique(sure.round(9), return_inverse=True)
    every = np.bincount(level, patterns.counts).astype(np.float64)
    doubt, chance = np.zeros(len(columns)), np.ones(len(columns))
    for place, column in enumerate(columns.tolist()):
        weight = np.where(patterns.values[:, column] != ABSTAIN, patterns.counts, 0)
        asked = np.bincount(level, weight, minlength=len(every))
        rest = every - asked
        surer = np.cumsum(rest[::-1])[::-1] - rest / 2
        pairs = asked.sum() * rest.sum()
        if pairs:
            doubt[place] = 2 * float((asked * surer).sum()) / pairs - 1
            variance = (every.sum() + 1) / (3 * pairs)
            likely = np.exp(-(doubt[place] ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
            chance[place] = likely / (likely + _SELDOM_UNSEEN)
    return Choice(np.maximum(doubt, 0.0), chance)


def answer_accuracies(
    patterns: Patterns, columns: _Columns, assumed: _Floats, *, opinion: _Floats, choice: Choice, gold: _Floats | None
) -> _Floats:
    """Learn the accuracy of each answering column on the rows where it was asked.

    `opinion` [p, k] is the log-probability of the classes by the other sources. Of an answer that they give
    probability q, the likelihood is a q + (1 - a) (1 - q) / (k - 1); on gold rows q is 1 or 0. Rows on which the
    others are torn (q near 1 / k) say little, and those are the rows that are asked, so the assumption stands in: as
    80 judged rows, or with chance .2 as 5. How far q can be trusted depends on how rows were chosen (`how_asked`).
    Where doubt or chance chose them, q means what it says. Where something else did, they may be rows on which the
    others fail without a sign: then a factor of q's log-odds from 0 to 1 is unknown too, and summed out. Unless chance
    chose, the others are wrong about such rows more often than right with chance .1, for without gold nobody can tell
    that from an answerer below chance, and an answerer is never taken for one: rows where functions fight are few, and
    their verdict there must not turn a model's answers around everywhere. Other answerers
    join q at their current accuracy; 4 rounds.
    """
    answers = patterns.values[:, columns]
    asked = (answers != ABSTAIN).any(axis=1)
    accuracies = assumed.copy()
    if not asked.any():
        return accuracies
    answers, opinion = answers[asked], opinion[asked]
    known = np.zeros_like(opinion) if gold is None else gold[asked]
    free = patterns.counts[asked] - known.sum(axis=1)
    for _ in range(_ROUNDS if len(columns) > 1 else 1):
        said = _evidence(answers, accuracies, opinion.shape[1])
        for place in range(len(columns)):
            own = np.flatnonzero(answers[:, place] != ABSTAIN)
            alone = np.where(np.arange(len(columns)) == place, answers, np.int16(ABSTAIN))
            others = (said - _evidence(alone, accuracies, opinion.shape[1]))[own]
            cut = _Answers(answers[own, place].astype(np.int64), opinion[own], others, free[own], known[own])
            means_it = choice.random[place] + (1 - choice.random[place]) * choice.doubt[place]
            trusts = (1 - means_it) / len(_TRUSTS) + means_it * (_TRUSTS == 1)
            reversed_ = _SELDOM_REVERSED * (1 - choice.random[place])
            trusts = np.append((1 - reversed_) * trusts, np.full(len(_REVERSED), reversed_ / len(_REVERSED)))
            accuracies[place] = _learn_one(cut, float(assumed[place]), trusts)
    return accuracies


def trust_others(patterns: Patterns, columns: _Columns, accuracies: _Floats, opinion: _Floats, choice: Choice) -> float:
    """Return the factor, 0 to 1, that the others' log-odds `opinion` [p, k] deserve on rows with an answer.

    Rows are asked where the others fail, sometimes more than they know; answers of known accuracies tell. Rows asked at
    random are like all others, and the others deserve there what they do elsewhere.
    """
    random = float(choice.random.mean())
    with np.errstate(divide="ignore"):
        fits = np.log((1 - random) / len(_TRUSTS) + random * (_TRUSTS == 1))
    for place, column in enumerate(columns.tolist()):
        own = np.flatnonzero(patterns.values[:, column] != ABSTAIN)
        label, free = patterns.values[own, column].astype(np.int64), patterns.counts[own].astype(np.float64)
        for i, trust in enumerate(_TRUSTS.tolist()):
            fits[i] += _fit(label, trust * opinion[own], free, accuracies[[place]])[0]
    belief = np.exp(fits - fits.max())
    return float(belief @ _TRUSTS / belief.sum())


def answer_evidence(patterns: Patterns, columns: _Columns, accuracies: _Floats, k: int) -> _Floats:
    """Return the log-likelihood of the answers under each class, [p, k], up to a constant a row."""
    return _evidence(patterns.values[:, columns], accuracies, k)


def _evidence(answers: NDArray[np.int16], accuracies: _Floats, k: int) -> _Floats:
    row, place = np.nonzero(answers != ABSTAIN)
    said = answers[row, place]
    # A wrong answer is any of the other classes alike.
    worth = np.log(accuracies * (k - 1) / (1 - accuracies))
    evidence = np.bincount(row * k + said, worth[place], minlength=len(answers) * k)
    return evidence.reshape(len(answers), k).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Answers:
    """One column's answers `label` [r] by pattern; log-probabilities [r, k] of the functions and of other answerers."""

    label: NDArray[np.int64]
    opinion: _Floats
    others: _Floats
    free: _Floats
    known: _Floats


def _learn_one(answers: _Answers, assumed: float, trusts: _Floats) -> float:
    """Return the posterior mean of one accuracy on the grid."""
    label, known = answers.label, answers.known
    hits = float(np.take_along_axis(known, label[:, None], axis=1).sum())
    fixed = _assume(assumed) + hits * np.log(_GRID) + (float(known.sum()) - hits) * np.log(1 - _GRID)
    factors = np.append(_TRUSTS, _REVERSED)
    fits = np.full((len(factors), len(_GRID)), -np.inf)
    if not known.any():
        fixed = np.where(1 / answers.opinion.shape[1] > _GRID, -np.inf, fixed)
    for i, (trust, likely) in enumerate(zip(factors.tolist(), trusts.tolist(), strict=True)):
        if likely > 0:
            logits = trust * answers.opinion + answers.others
            fits[i] = np.log(likely) + fixed + _fit(label, logits, answers.free, _GRID)
    belief = np.exp(fits - fits.max()).sum(axis=0)
    return float((belief * _GRID).sum() / belief.sum())


def _assume(mean: float) -> _Floats:
    """Return the log-density of the prior on the grid: two Beta distributions of one mean."""
    density = np.zeros(len(_GRID))
    for strength, likely in zip(_STRENGTHS, _LIKELY, strict=True):
        log = (mean * strength - 1) * np.log(_GRID) + ((1 - mean) * strength - 1) * np.log(1 - _GRID)
        shape = np.exp(log - log.max())
        density += likely * shape / shape.sum()
    logs: _Floats = np.log(density)
    return logs


def _fit(label: NDArray[np.int64], logits: _Floats, free: _Floats, accuracies: _Floats) -> _Floats:
    """Return the log-likelihood of answers [r] for each of some accuracies, rows of about equal q put together."""
    k = logits.shape[1]
    proba = np.exp(logits - logits.max(axis=1, keepdims=True))
    q = np.take_along_axis(proba, label[:, None], axis=1)[:, 0] / proba.sum(axis=1)
    place = np.minimum((q * _BINS).astype(np.int64), _BINS - 1)
    weight = np.bincount(place, free, minlength=_BINS)
    seen = np.flatnonzero(weight > 0)
    mean = np.bincount(place, free * q, minlength=_BINS)[seen] / weight[seen]
    a = accuracies[:, None]
    fit: _Floats = np.log(a * mean + (1 - a) * (1 - mean) / (k - 1)) @ weight[seen]
    return fit
