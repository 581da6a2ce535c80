"""What asking is worth: how likely the label of a row is to be wrong, learned from the answers so far.

The teacher's answers are taken for the truth. Where it was asked, they teach how much each piece of evidence is worth;
before that, and beside it, a little of the same is learned from what the other sources agree on. The value of one more
answer is the error that it is expected to take away: the chance that the label is wrong as it stands, less the chance
that the answer is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weaksup.labels import ABSTAIN
from weaksup.routing.audit import draws
from weaksup.routing.earlier import earlier_students
from weaksup.routing.evidence import gather, log_odds, sureness
from weaksup.routing.ladder import Answers, Floats, Ladder, Rows, answers_of, answers_taken_for_truth
from weaksup.routing.weigh import learn_sharpness, learn_trust, learn_weights, sharpen, to_proba
from weaksup.votes import VoteMatrix

__all__ = ["Belief", "Opinion", "estimate", "gain"]

Opinion = Callable[[Floats, Floats], Floats]
"""Learn from probabilities [n, k] and row weights [n]; return what a model that did not see a row says of it, [n, k].
A row of weight 0 teaches nothing."""

_ERRORS = 0.15  # share of the cheap answers taken for wrong, at most
_AGREED = 30.0  # teacher's answers that all the agreement of the other sources counts for
_SAMPLE = 2000  # rows that stand for all that the teacher was not asked about
_TEACHER = (19.0, 20.0)  # before people say otherwise, the teacher was right 19 times of 20


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """What is believed of n rows: `proba` [n, k], the rows' `label` [n], and `doubt` [n], the chance that it is wrong.

    A row that gold or people decided has no doubt. One that the teacher answered has its label, and no doubt either
    unless there are people to ask.
    """

    proba: Floats
    label: Rows
    doubt: Floats


def gain(doubt: Floats, error: float) -> Floats:
    """Return the drop in error to expect of one answer that is wrong with chance `error`, for each doubt in 0..1.

    An answer that is more often wrong than the label is changes nothing, as it would not be followed.
    """
    drop: Floats = np.maximum(0.0, doubt - error)
    return drop


def estimate(
    votes: VoteMatrix,
    ladder: Ladder,
    *,
    opinion: Opinion | None = None,
    before: Belief | None = None,
    gold: Rows | None = None,
    seed: int = 0,
) -> Belief:
    """Judge every row by all votes; `before` is the belief of the round before, from which the student learns.

    Sources that are no tier count through the label model; students of other corpora through `opinion` (see `earlier`),
    for one that knows other texts would outvote the functions that were written for these. A row without an answer is
    judged by the student and the label model over the other sources. `gold` [n] holds true labels where they are known,
    ABSTAIN elsewhere.
    """
    n, k = len(votes), len(votes.labels)
    if not n:
        return Belief(np.empty((0, k)), np.empty(0, np.int64), np.empty(0))
    best, told = _best_answers(votes, ladder), answers_taken_for_truth(votes, ladder, gold)
    students = _students(votes, ladder)
    combined = _combine(votes, without=(ladder.teacher, ladder.people, *students))
    agreed = _agree(best, combined, k, _ERRORS)
    student = None
    if opinion is not None and (best.known | told.known).any():
        student = _consult(opinion, before.proba if before else agreed, best, told)
        agreed = _agree(best, combined, k, _ERRORS if student is None else _rate(student, best))
    opinions = [p for p in (combined, student) if p is not None]
    evidence = gather(votes, ladder, [*opinions, np.broadcast_to(_shares(best, k), (n, k))])
    rows, target, weight = _lessons(agreed, best, told, draws(votes.ids, seed))
    weights = learn_weights(evidence.features(rows), target, weight, evidence.spread)
    proba = np.concatenate([to_proba(evidence.features(part) @ weights) for part in _parts(n)])
    bare = ~best.asked & ~told.known
    if bare.any():
        free = _combine(votes, without=(*ladder.rungs, *ladder.signals, ladder.people, *students))
        free = earlier_students(votes) if free is None and student is None else free
        proba = np.where(bare[:, None], _without_answers(proba, best, told, student, free), proba)
    return _settle(proba, votes, ladder, told, gold)


def _students(votes: VoteMatrix, ladder: Ladder) -> list[str]:
    """Return the names of students that are no rung."""
    rungs = {*ladder.rungs, *ladder.signals}
    return [source.name for source in votes.sources if source.kind == "student" and source.name not in rungs]


def _parts(n: int) -> list[Rows]:
    return np.array_split(np.arange(n), n // 10_000 + 1)


def _best_answers(votes: VoteMatrix, ladder: Ladder) -> Answers:
    """Return the first rung's answers, and those of higher rungs below the teacher where there are some."""
    best = answers_of(votes, ladder.first)
    for name in ladder.middle:
        best = best.overruled_by(answers_of(votes, name))
    return best


def _shares(best: Answers, k: int) -> Floats:
    """Return how common each label is among the answers, [k]: a tier's word for a rare one is worth less."""
    counts = np.bincount(best.label[best.known], minlength=k) + 1.0
    shares: Floats = counts / counts.sum()
    return shares


def _combine(votes: VoteMatrix, *, without: tuple[str | None, ...]) -> Floats | None:
    """Return what the label model says of the other sources, [n, k]; None where there are too few for one."""
    from weaksup.label_models import create

    kept = [j for j, name in enumerate(votes.names) if name not in without and (votes.values[:, j] != ABSTAIN).any()]
    if len(kept) < 3:
        return None
    asked = None if votes.asked is None else votes.asked[:, kept]
    some = VoteMatrix(votes.values[:, kept], votes.ids, tuple(votes.sources[j] for j in kept), votes.labels, asked)
    proba: Floats = create("default", len(votes.labels)).fit(some).predict_proba(some)
    return proba


def _agree(best: Answers, combined: Floats | None, k: int, errors: float) -> Floats:
    """Return what the sources agree on, [n, k]: halfway between the best answer and the label model, in log-odds.

    A share `errors` of the answers is taken for wrong: the more so, the less sure the answer.
    """
    wrong = 2 * errors * (1 - sureness(best))[:, None]
    right = np.arange(k) == best.label[:, None]
    proba: Floats = np.where(best.known[:, None], np.where(right, 1 - wrong, wrong / (k - 1)), 1 / k)
    return proba if combined is None else to_proba((np.log(proba + 1e-9) + np.log(np.clip(combined, 0.01, 1))) / 2)


def _consult(opinion: Opinion, proba: Floats, best: Answers, told: Answers) -> Floats | None:
    """Return what the student says, taught by the labels of the rows that have an answer.

    None where it knows no more of rows kept from it than which label is the most common: no text tells these labels.
    It does where the rows that it wins exceed those that it loses by twice what chance does (McNemar, 1947).
    """
    taught = best.known | told.known
    label = np.where(told.known, told.label, proba.argmax(axis=1))
    said = opinion(np.eye(proba.shape[1])[label], taught.astype(np.float64))
    right = (said.argmax(axis=1) == label)[taught]
    common = label[taught] == np.bincount(label[taught]).argmax()
    won, lost = int((right & ~common).sum()), int((common & ~right).sum())
    return said if won - lost > 2 * np.sqrt(won + lost) else None


def _rate(student: Floats, best: Answers) -> float:
    """Return the share of answers taken for wrong: no more than those that the student contradicts."""
    if not best.known.any():
        return _ERRORS
    said = student[best.known].argmax(axis=1)
    return float(np.clip((said != best.label[best.known]).mean(), 0.01, _ERRORS))


def _lessons(agreed: Floats, best: Answers, told: Answers, draw: Floats) -> tuple[Rows, Floats, Floats]:
    """Return the rows to learn from, their targets and weights: those that were told, and a sample of the others."""
    taught = np.flatnonzero(told.known)
    others = np.flatnonzero(best.known & ~told.asked)
    others = np.sort(others[np.argsort(draw[others])[:_SAMPLE]])
    target = np.concatenate([np.eye(agreed.shape[1])[told.label[taught]], agreed[others]])
    weight = np.concatenate([np.ones(len(taught)), np.full(len(others), _AGREED / max(len(others), 1))])
    return np.concatenate([taught, others]), target, weight


def _without_answers(
    proba: Floats, best: Answers, told: Answers, student: Floats | None, free: Floats | None
) -> Floats:
    """Judge rows that no tier answered by the student and the label model, as far as they fit the answers there are."""
    if student is None:
        return np.full_like(proba, 1 / proba.shape[1]) if free is None else free
    answered = np.flatnonzero(best.known | told.known)
    answer = np.where(told.known, told.label, best.label)[answered]
    if free is None:
        return sharpen(student, learn_sharpness(student[answered], answer))
    features = np.stack([log_odds(free), log_odds(student)], axis=2)
    return to_proba(features @ learn_trust(features[answered], answer))


def _settle(proba: Floats, votes: VoteMatrix, ladder: Ladder, told: Answers, gold: Rows | None) -> Belief:
    """Take the word of who is taken for the truth; where people could still be asked, doubt the teacher's."""
    certain = np.where(told.known[:, None], np.eye(proba.shape[1])[told.label], proba)
    doubt = np.where(told.known, 0.0, 1 - certain.max(axis=1))
    if ladder.people is not None:
        final = answers_of(votes, ladder.people).known
        final = final if gold is None else final | (gold != ABSTAIN)
        teacher = answers_of(votes, ladder.teacher)
        doubt = np.where(teacher.known & ~final, _doubt_of(teacher, proba, told, final), doubt)
    return Belief(certain, certain.argmax(axis=1), doubt)


def _doubt_of(teacher: Answers, proba: Floats, told: Answers, final: NDArray[np.bool_]) -> Floats:
    """Return the chance [n] that the teacher is wrong: by Bayes, from the other evidence and how often it was right."""
    judged = final & teacher.known
    right = ((teacher.label == told.label)[judged].sum() + _TEACHER[0]) / (judged.sum() + _TEACHER[1])
    said = np.eye(proba.shape[1], dtype=np.bool_)[teacher.label]
    joint = proba * np.where(said, right, (1 - right) / (proba.shape[1] - 1))
    doubt: Floats = 1 - (joint * said).sum(axis=1) / joint.sum(axis=1)
    return doubt
