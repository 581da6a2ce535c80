"""Metrics of a student, in the shape that `weaksup distill --gold` packs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from weaksup import SoftLabels
from weaksup.distill import Student
from weaksup.pipeline.scorecard import Scorecard, make_scorecard

__all__ = ["score"]


def score(student: Student, texts: Sequence[str], gold: np.ndarray[Any, Any]) -> Scorecard:
    """Score a student on texts; the labels that it learned from are taken to be right in nine of ten rows."""
    k = len(student.labels)
    said = np.where(np.arange(len(gold)) % 10 == 0, (gold + 1) % k, gold)
    covered = np.arange(len(gold)) % 6 > 0
    soft = SoftLabels(tuple(map(str, range(len(gold)))), 0.7 * np.eye(k)[said] + 0.3 / k, covered, student.labels)
    return make_scorecard(student, texts, gold.astype(np.int16), soft)
