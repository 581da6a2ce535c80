"""The last step: a student, scored on rows that it did not see, and its labels for every row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from weaksup.corpus import Corpus
from weaksup.distill import label_corpus, load_bundle, train
from weaksup.distill.bundle.fields import learn_fields
from weaksup.labels import SoftLabels
from weaksup.pipeline.gold import project_gold
from weaksup.pipeline.lineage import student_lineage
from weaksup.pipeline.scores import score
from weaksup.pipeline.starting import note_seen
from weaksup.pipeline.teaching import Lesson, Mask, Taught, keep_out, teach
from weaksup.project import Project
from weaksup.votes import VoteMatrix

__all__ = ["distill_labels", "distill_project"]

Json = dict[str, Any]


def distill_project(
    project: Project, corpus: Corpus, labels: str, votes: str, *, before: str | None, started: bool
) -> Json:
    """Distill the files `labels` and `votes` of a project's output, and note which texts the student saw.

    `before` are the labels before any model was asked, `started` says that an earlier student voted.
    """
    out = project.out
    soft = SoftLabels.load(str(out / labels))
    found = corpus.lookup(soft.ids, ["text", *project.student.fields])
    rows = [found[i] for i in soft.ids]
    fields = learn_fields(rows, project.student.fields) if project.student.fields else None
    lesson = Lesson(
        [fields.read(row) if fields else str(row["text"]) for row in rows],
        soft,
        truth=project_gold(project, corpus, soft.ids, soft.labels),
        votes=VoteMatrix.load(out / votes),
        seed=project.student.seed,
        fields=fields,
        settings=project.student_settings,
    )
    earlier = None if before is None else SoftLabels.load(str(out / before))
    bare = [str(row["text"]) for row in rows]
    kept_out = keep_out(bare, lesson.truth)
    told = distill_labels(corpus, lesson, kept_out, before=earlier, out=out, lineage=student_lineage(out / labels))
    note_seen(out, bare, started=started)
    return told


def distill_labels(
    corpus: Corpus,
    lesson: Lesson,
    kept_out: Mask,
    *,
    before: SoftLabels | None,
    out: Path,
    lineage: Json | None = None,
) -> Json:
    """Train on the labels, write `out`/student and `out`/predictions.csv, and return what there is to say.

    With gold the student is calibrated and scored on the rows [n] `kept_out` from training; so is one trained on the
    labels `before` any model was asked, to show what the answers brought.
    """
    taught = teach(lesson, kept_out)
    card = taught.card
    found: Json = {"trained_on": card.student.training["rows"], "bytes": taught.save(out / "student", lineage=lineage)}
    if "gold" in card.metrics:
        found |= {"score": _short(card.metrics["gold"]), "metrics": card.metrics}
        found |= {"calibration": card.calibration, "thresholds": card.thresholds}
        if before is not None and _teaches(before, ~taught.kept_out):
            found["lf_only"] = _score_before(lesson, taught, before)
    label_corpus(load_bundle(out / "student"), corpus, out / "predictions.csv")
    return found


def _short(gold: Json) -> Json:
    low, high = gold["accuracy_interval"]
    return {"accuracy": gold["accuracy"], "low": low, "high": high, "judged": gold["rows"]}


def _score_before(lesson: Lesson, taught: Taught, before: SoftLabels) -> Json:
    """Score a student of other labels on the same rows, regularised as strongly.

    Choosing again would double the time for a figure to compare with.
    """
    assert lesson.truth is not None
    settings, training = dict(lesson.settings or {}), taught.card.student.training
    if "strength" in training:
        settings["strengths"] = [training["strength"]]
    rows, out = np.flatnonzero(~taught.kept_out), np.flatnonzero(taught.kept_out)
    texts = lesson.texts
    student = train([texts[i] for i in rows.tolist()], before.take(rows), seed=lesson.seed, **settings)
    return score(student.predict_proba([texts[i] for i in out.tolist()]).argmax(axis=1), lesson.truth[out])


def _teaches(soft: SoftLabels, rows: np.ndarray[Any, np.dtype[np.bool_]]) -> bool:
    """Say whether any of these rows has a label more likely than another."""
    return bool((np.ptp(soft.proba, axis=1) > 1e-9)[rows & soft.covered].any())
