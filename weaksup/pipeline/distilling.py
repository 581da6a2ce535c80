"""The last step: a student, scored on rows that it did not see, and its labels for every row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.corpus import Corpus
from weaksup.distill import Student, hold_out, label_corpus, load_bundle, save_bundle, train
from weaksup.distill.linear.strength import STRENGTHS
from weaksup.labels import SoftLabels
from weaksup.pipeline.scores import score

__all__ = ["distill_labels"]

Json = dict[str, Any]


def distill_labels(
    corpus: Corpus,
    texts: Sequence[str],
    soft: SoftLabels,
    *,
    before: SoftLabels | None,
    gold: NDArray[np.int16] | None,
    seed: int,
    out: Path,
) -> Json:
    """Train on the labels, write `out`/student and `out`/predictions.csv, and return what there is to say.

    Where rows have gold, a fifth of all rows is kept from training and the student is scored there; so is one trained
    on the labels `before` any model was asked, to show what the answers brought.
    """
    test = np.zeros(len(soft), np.bool_) if gold is None else hold_out(texts)
    student = _train(texts, soft, ~test, seed)
    found: Json = {"trained_on": student.training["rows"]}
    if gold is not None:
        truth = gold[test]
        shown = [text for text, kept in zip(texts, test.tolist(), strict=True) if kept]
        found["score"] = score(student.predict_proba(shown).argmax(axis=1), truth)
        if before is not None and _teaches(before, ~test):
            # As strongly regularised as the other: choosing again would double the time for a figure to compare with.
            alone = _train(texts, before, ~test, seed, strengths=[student.training["strength"]])
            found["lf_only"] = score(alone.predict_proba(shown).argmax(axis=1), truth)
    save_bundle(student, out / "student", metrics={"held_out": found.get("score")})
    found["bytes"] = (out / "student" / "model.onnx").stat().st_size
    label_corpus(load_bundle(out / "student"), corpus, out / "predictions.csv")
    return found


def _teaches(soft: SoftLabels, rows: NDArray[np.bool_]) -> bool:
    """Say whether any of these rows has a label more likely than another."""
    return bool((np.ptp(soft.proba, axis=1) > 1e-9)[rows & soft.covered].any())


def _train(
    texts: Sequence[str],
    soft: SoftLabels,
    rows: NDArray[np.bool_],
    seed: int,
    *,
    strengths: Sequence[float] = STRENGTHS,
) -> Student:
    where = np.flatnonzero(rows)
    return train([texts[i] for i in where.tolist()], soft.take(where), strengths=strengths, seed=seed)
