"""Train a student on rows with any number of labels, and say how good it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill import Student, save_bundle, train
from weaksup.distill.bundle.fields import Fields
from weaksup.distill.judging.sets import evaluate_sets
from weaksup.label_sets import SoftLabelSets

__all__ = ["SetsLesson", "SetsTaught", "teach_sets"]

Json = dict[str, Any]
Truth = NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class SetsLesson:
    """What a student is taught by: `texts` [n] and label sets `soft`; `truth` [n, k] scores, `clamp` [n, k] teaches.

    Both are 1 PRESENT, 0 ABSENT, -1 not known. `fields` say how rows became texts, `settings` are those of `train`.
    """

    texts: Sequence[str]
    soft: SoftLabelSets
    truth: Truth | None = None
    clamp: Truth | None = None
    seed: int = 0
    fields: Fields | None = None
    settings: Json | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SetsTaught:
    """A student and its scores: `metrics` is empty without gold."""

    student: Student
    metrics: Json
    fields: Fields | None

    def to_json(self) -> Json:
        """Return what there is to say, as plain JSON."""
        return {"training": self.student.training, **self.metrics}

    def save(self, path: str | Path, *, lineage: Json | None = None) -> int:
        """Write the bundle; return its size in bytes."""
        folder = save_bundle(self.student, path, metrics=self.metrics, lineage=lineage, fields=self.fields)
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def teach_sets(lesson: SetsLesson, kept_out: NDArray[np.bool_]) -> SetsTaught:
    """Train on the rows [n] that are not kept out, score on those that are, beside the votes' labels."""
    soft, truth = lesson.soft, lesson.truth
    rows, out = np.flatnonzero(~kept_out), np.flatnonzero(kept_out)
    student = train(
        [lesson.texts[i] for i in rows.tolist()],
        soft.take(rows),
        gold=None if lesson.clamp is None else lesson.clamp[rows],
        seed=lesson.seed,
        **(lesson.settings or {}),
    )
    if truth is None or not len(out):
        return SetsTaught(student, {}, lesson.fields)
    proba, names = student.predict_proba([lesson.texts[i] for i in out.tolist()]), soft.labels.names
    said = soft.take(out)
    votes = np.where(said.covered, said.proba, 0.0)  # what nobody gave a row, it has not
    scores = {"gold": proba, "votes": votes}
    found = {name: evaluate_sets(truth[out], some, names).to_json() for name, some in scores.items()}
    return SetsTaught(student, found, lesson.fields)
