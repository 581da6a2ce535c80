"""Train a student and say honestly how good it is: what `weaksup distill` and `weaksup run` share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill import hold_out, save_bundle, train
from weaksup.distill.bundle.fields import Fields
from weaksup.labels import SoftLabels
from weaksup.pipeline.referring import reference_by, reference_of
from weaksup.pipeline.scorecard import PRECISIONS, Scorecard, majority_of, make_scorecard, votes_of
from weaksup.votes import VoteMatrix

__all__ = ["Lesson", "Mask", "Taught", "keep_out", "teach"]

Json = dict[str, Any]
Truth = NDArray[np.int16]
Mask = NDArray[np.bool_]
FEW = 0.2  # where at most this share of the rows has gold, all of it scores; else as large a share of the texts


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What a student is taught by, and what it is scored against.

    `texts` [n] and their labels `soft`; `truth` [n] is gold to score by, `clamp` [n] gold to learn from, -1 where not
    known; `votes` are those that the labels were made from, if scores by slice, source and tier are wanted. `learned`
    says that the labels themselves learned from `truth`: then they cannot be scored against it. `fields` say how rows
    became texts, `settings` are those of `weaksup.distill.train`.
    """

    texts: Sequence[str]
    soft: SoftLabels
    truth: Truth | None = None
    clamp: Truth | None = None
    votes: VoteMatrix | None = None
    learned: bool = False
    positive: str | None = None
    precisions: Sequence[float] = PRECISIONS
    seed: int = 0
    fields: Fields | None = None
    settings: Json | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """A scored student, the rows [n] that were kept from training, and what later corpora are held against."""

    card: Scorecard
    kept_out: Mask
    reference: Json | None
    fields: Fields | None = None

    def to_json(self) -> Json:
        """Return what there is to say, as plain JSON."""
        card = self.card
        found = {"training": card.student.training, **card.metrics}
        return {**found, "calibration": card.calibration, "thresholds": card.thresholds}

    def save(self, path: str | Path, *, lineage: Json | None = None) -> int:
        """Write the bundle; return its size in bytes."""
        card = self.card
        folder = save_bundle(
            card.student,
            path,
            metrics=card.metrics,
            lineage=lineage,
            calibration=card.calibration,
            thresholds=card.thresholds,
            reference=self.reference,
            fields=self.fields,
        )
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def teach(lesson: Lesson, kept_out: Mask) -> Taught:
    """Train on the rows that are not kept out, calibrate and score on those that are (see `make_scorecard`)."""
    texts, soft, truth, clamp = lesson.texts, lesson.soft, lesson.truth, lesson.clamp
    rows, out = np.flatnonzero(~kept_out), np.flatnonzero(kept_out)
    student = train(
        [texts[i] for i in rows.tolist()],
        soft.take(rows),
        gold=None if clamp is None else clamp[rows],
        seed=lesson.seed,
        **(lesson.settings or {}),
    )
    votes = None if lesson.votes is None else votes_of(soft, lesson.votes)
    card = make_scorecard(
        student,
        [texts[i] for i in out.tolist()],
        None if truth is None else truth[out],
        soft.take(out),
        votes=None if votes is None else votes.take(out),
        majority=None if votes is None else majority_of(votes)[out],
        learned=lesson.learned,
        positive=lesson.positive,
        precisions=lesson.precisions,
        seed=lesson.seed,
    )
    return Taught(card, kept_out, _refer(lesson, card, kept_out), lesson.fields)


def _refer(lesson: Lesson, card: Scorecard, kept_out: Mask) -> Json | None:
    """Note what rows look like to a student that did not see them.

    That is a twin, regularised as strongly, with no second choice; for a kind that takes long to train, the student
    itself, on the rows kept out.
    """
    votes = None if lesson.votes is None else votes_of(lesson.soft, lesson.votes)
    strength = card.student.training.get("strength")
    if strength is None:
        return reference_by(card.student, lesson.texts, kept_out, votes=votes, seed=lesson.seed)
    settings = {**(lesson.settings or {}), "strengths": [strength]}
    return reference_of(
        lesson.texts,
        lesson.soft,
        lambda texts, soft: train(texts, soft, seed=lesson.seed, **settings),
        temperature=card.calibration["temperature"],
        votes=votes,
        seed=lesson.seed,
    )


def keep_out(texts: Sequence[str], truth: Truth | None, *, also_learned: bool = False) -> Mask:
    """Mark the rows [n] to score on by `truth` [n], or [n, k] of label sets, and those with the same text.

    None where that would leave nothing to learn from. All rows with gold, where at most FEW of the rows have it and
    none of it is `also_learned` from; else a part.
    """
    nothing = np.zeros(len(texts), np.bool_)
    if truth is None or not (truth >= 0).any():
        return nothing
    known = np.asarray((truth >= 0).reshape(len(texts), -1).any(axis=1))
    chosen = known if known.mean() <= FEW and not also_learned else known & hold_out(texts, share=FEW)
    kept = {text for text, is_out in zip(texts, chosen.tolist(), strict=True) if is_out}
    marked = np.array([text in kept for text in texts], np.bool_)
    return nothing if marked.all() else marked
