"""What asking is worth: how likely the label of a row is to be wrong, learned from the answers so far.

The premium tier's answers are taken for the truth. Where it was asked, they teach how much each piece of evidence is
worth; before that, and beside it, a little of the same is learned from what the other sources agree on. The value of
one more answer is the chance that the label is wrong as it stands: 1 - max p.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from weaksup.labels import ABSTAIN
from weaksup.routing.evidence import Answers, Floats, Rows, Tiers, answers_of, gather, sureness
from weaksup.routing.weigh import learn_sharpness, learn_weights, sharpen, to_proba
from weaksup.votes import Source, VoteMatrix

__all__ = ["Belief", "Opinion", "estimate"]

Opinion = Callable[[Floats, Floats], Floats]
"""Learn from probabilities [n, k] and row weights [n]; return what a model that did not see a row says of it, [n, k].
A row of weight 0 teaches nothing."""

_ERRORS = 0.15  # share of the cheap answers taken for wrong, at most
_AGREED = 30.0  # premium answers that all the agreement of the other sources counts for
_SAMPLE = 2000  # rows that stand for all that the premium tier was not asked about


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """What is believed of n rows: `proba` [n, k], the rows' `label` [n], and `doubt` [n], the chance that it is wrong.

    A row with a premium answer has its label, and no doubt.
    """

    proba: Floats
    label: Rows
    doubt: Floats


def estimate(
    votes: VoteMatrix, tiers: Tiers, *, opinion: Opinion | None = None, before: Belief | None = None, seed: int = 0
) -> Belief:
    """Judge every row by all votes; `before` is the belief of the round before, from which the student learns.

    Sources that are no tier count through the label model. A row without an answer is judged by the student alone, by
    the label model if there is none.
    """
    n, k = len(votes), len(votes.labels)
    if not n:
        return Belief(np.empty((0, k)), np.empty(0, np.int64), np.empty(0))
    cheap, premium = answers_of(votes, tiers.cheap), answers_of(votes, tiers.premium)
    combined = _combine(votes, tiers)
    agreed = _agree(cheap, combined, k, _ERRORS)
    student = None
    if opinion is not None and (cheap.known | premium.known).any():
        student = _consult(opinion, before.proba if before else agreed, cheap, premium)
        agreed = _agree(cheap, combined, k, _ERRORS if student is None else _rate(student, cheap))
    opinions = [p for p in (combined, student) if p is not None]
    evidence = gather(votes, tiers, opinions)
    features, spread = evidence.features, evidence.spread
    rows, target, weight = _lessons(agreed, cheap, premium, seed)
    weights = learn_weights(features(rows), target, weight, spread)
    proba = np.concatenate([to_proba(features(part) @ weights) for part in _parts(n)])
    proba = _without_answers(proba, cheap, premium, student, combined)
    return _settle(proba, premium)


def _parts(n: int) -> list[Rows]:
    return np.array_split(np.arange(n), n // 10_000 + 1)


def _combine(votes: VoteMatrix, tiers: Tiers) -> Floats | None:
    """Return what the label model says, [n, k]; None where there are too few sources for one."""
    from weaksup.label_models import create

    kept = [j for j, name in enumerate(votes.names) if name != tiers.premium and (votes.values[:, j] != ABSTAIN).any()]
    if len(kept) < 3:
        return None
    asked = None if votes.asked is None else votes.asked[:, kept]
    sources: tuple[Source, ...] = tuple(votes.sources[j] for j in kept)
    some = VoteMatrix(votes.values[:, kept], votes.ids, sources, votes.labels, asked)
    proba: Floats = create("default", len(votes.labels)).fit(some).predict_proba(some)
    return proba


def _agree(cheap: Answers, combined: Floats | None, k: int, errors: float) -> Floats:
    """Return what the sources agree on, [n, k]: halfway between the cheap answer and the label model, in log-odds.

    A share `errors` of the cheap answers is taken for wrong: the more so, the less sure the answer.
    """
    wrong = 2 * errors * (1 - sureness(cheap))[:, None]
    right = np.arange(k) == cheap.label[:, None]
    proba: Floats = np.where(cheap.known[:, None], np.where(right, 1 - wrong, wrong / (k - 1)), 1 / k)
    return proba if combined is None else to_proba((np.log(proba + 1e-9) + np.log(np.clip(combined, 0.01, 1))) / 2)


def _consult(opinion: Opinion, proba: Floats, cheap: Answers, premium: Answers) -> Floats | None:
    """Return what the student says, taught by the labels of the rows that have an answer.

    None where it knows no more of rows kept from it than which label is the most common: no text tells these labels.
    """
    told = cheap.known | premium.known
    label = np.where(premium.known, premium.label, proba.argmax(axis=1))
    said = opinion(np.eye(proba.shape[1])[label], told.astype(np.float64))
    right = (said.argmax(axis=1) == label)[told].mean()
    common = np.bincount(label[told]).max() / told.sum()
    return said if right > common + 1 / np.sqrt(told.sum()) else None


def _rate(student: Floats, cheap: Answers) -> float:
    """Return the share of cheap answers taken for wrong: no more than those that the student contradicts."""
    if not cheap.known.any():
        return _ERRORS
    said = student[cheap.known].argmax(axis=1)
    return float(np.clip((said != cheap.label[cheap.known]).mean(), 0.01, _ERRORS))


def _lessons(agreed: Floats, cheap: Answers, premium: Answers, seed: int) -> tuple[Rows, Floats, Floats]:
    """Return the rows to learn from, their targets and weights: premium answers, and a sample of the others."""
    told = np.flatnonzero(premium.known)
    others = np.flatnonzero(cheap.known & ~premium.asked)
    if len(others) > _SAMPLE:
        others = np.sort(np.random.default_rng(seed).choice(others, _SAMPLE, replace=False))
    target = np.concatenate([np.eye(agreed.shape[1])[premium.label[told]], agreed[others]])
    weight = np.concatenate([np.ones(len(told)), np.full(len(others), _AGREED / max(len(others), 1))])
    return np.concatenate([told, others]), target, weight


def _without_answers(
    proba: Floats, cheap: Answers, premium: Answers, student: Floats | None, combined: Floats | None
) -> Floats:
    """Judge the rows that no tier answered by the student, at the sharpness that fits the answers there are."""
    bare = ~cheap.asked & ~premium.known
    if student is None or not bare.any():
        other = np.full_like(proba, 1 / proba.shape[1]) if combined is None else combined
        return np.where(bare[:, None], other, proba)
    told = np.flatnonzero(cheap.known | premium.known)
    answer = np.where(premium.known, premium.label, cheap.label)[told]
    sharpness = learn_sharpness(student[told], answer)
    return np.where(bare[:, None], sharpen(student, sharpness), proba)


def _settle(proba: Floats, premium: Answers) -> Belief:
    """Take the premium tier's word where there is one."""
    certain = np.where(premium.known[:, None], np.eye(proba.shape[1])[premium.label], proba)
    doubt = np.where(premium.known, 0.0, 1 - certain.max(axis=1))
    return Belief(certain, certain.argmax(axis=1), doubt)
