"""Calibration of a student: the labels stay, the probabilities come nearer to the truth, on every route."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup import LabelSpace
from weaksup.distill import Student, calibrate_by_gold, calibrate_by_votes, load_bundle, save_bundle, train
from weaksup.errors import UsageError
from weaksup.metrics import ece, nll


@pytest.mark.parametrize("temperature", [0.25, 1.0, 3.0])
def test_a_temperature_divides_scores_and_changes_no_label(student: Student, temperature: float) -> None:
    texts, _ = make_corpus(60, seed=5)
    before, after = student.predict_proba(texts), student.cooled(temperature).predict_proba(texts)
    power = before ** (1 / temperature)
    assert np.allclose(after, power / power.sum(axis=1, keepdims=True), atol=1e-9)
    assert (after.argmax(axis=1) == before.argmax(axis=1)).all()


def test_gold_flattens_a_student_that_is_too_sure_and_no_row_helps_itself(student: Student) -> None:
    texts, gold = make_corpus(300, seed=6)
    rng = np.random.default_rng(0)
    gold = np.where(rng.random(300) < 0.3, rng.integers(0, 3, 300), gold)  # right on no more than 8 in 10
    sure = student.cooled(0.2)
    found = calibrate_by_gold(sure, texts, gold)
    assert found.temperature > 2
    assert found.ece_before is not None
    assert found.ece_after is not None
    assert found.ece_after < 0.08 < 0.16 < found.ece_before
    assert found.proba is not None
    assert ece(gold, found.proba) == found.ece_after
    assert nll(gold, found.proba) < nll(gold, np.maximum(sure.predict_proba(texts), 1e-9))
    assert found.rows == 300
    flipped = gold.copy()
    flipped[0] = (gold[0] + 1) % 3
    other = calibrate_by_gold(sure, texts, flipped)
    assert other.proba is not None
    assert np.array_equal(other.proba[0], found.proba[0])


def test_the_bundle_gives_calibrated_probabilities_and_says_how(student: Student, tmp_path: Path) -> None:
    texts, gold = make_corpus(90, seed=7)
    found = calibrate_by_gold(student, texts, gold)
    path = save_bundle(found.student, tmp_path / "s", calibration=found.to_json(), thresholds={"wanted": []})
    assert np.allclose(load_bundle(path).predict_proba(texts), found.student.predict_proba(texts), atol=1e-6)
    assert json.loads((path / "calibration.json").read_text())["temperature"] == found.temperature
    (path / "thresholds.json").write_text("{}")
    with pytest.raises(UsageError, match="thresholds.json is not what was packed"):
        load_bundle(path)


def test_without_gold_rows_that_were_kept_out_give_the_temperature() -> None:
    texts, gold = make_corpus(120)
    soft = 0.6 * np.eye(3)[gold] + 0.4 / 3
    learned = train(texts, soft, labels=SPACE)
    found = calibrate_by_votes(learned)
    assert found.by == "votes"
    assert found.temperature == learned.training["held_out_temperature"] > 0
    assert found.to_json()["ece_after"] is None
    assert found.rows == learned.training["distinct_texts"]
    by_gold = calibrate_by_votes(train(texts, soft, labels=SPACE, gold=np.where(np.arange(120) < 80, gold, -1)))
    assert by_gold.by == "gold"
    assert 0 < by_gold.rows <= 80
    few = calibrate_by_votes(train(texts[:10], soft[:10], labels=SPACE))
    assert (few.temperature, few.rows) == (1, 0)


def test_no_gold_at_all_is_told(student: Student) -> None:
    with pytest.raises(UsageError, match="expected gold for at least one row"):
        calibrate_by_gold(student, ["x"], [-1])


class Saturated(Student):
    """As sure of every text as its number says, and of the label that its first letter says."""

    labels = LabelSpace(["a", "b"])

    def __init__(self, temperature: float = 1.0) -> None:
        self.temperature = temperature
        self.training: dict[str, Any] = {"distinct_texts": 0}

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        scores = np.array([(1 if text[0] == "b" else -1) * float(text[1:]) for text in texts]) / self.temperature
        proba: np.ndarray = 1 / (1 + np.exp(-scores[:, None] * np.array([-1, 1])))
        return proba

    def cooled(self, temperature: float) -> Saturated:
        return Saturated(self.temperature * temperature)

    def files(self) -> dict[str, bytes]:
        return {}


@settings(max_examples=20)
@given(st.floats(3, 30), st.floats(0.6, 0.97), st.integers(0, 99))
def test_what_is_told_of_a_student_that_is_far_too_sure_is_true_of_its_bundle(
    gap: float, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 2, 200)
    said = np.where(rng.random(200) < share, gold, 1 - gold)
    texts = [
        f"{'ab'[c]}{size}" for c, size in zip(said.tolist(), (gap * rng.uniform(0.5, 1, 200)).tolist(), strict=True)
    ]
    found = calibrate_by_gold(Saturated(), texts, gold)
    assert found.proba is not None
    assert np.abs(found.proba - found.student.predict_proba(texts)).max() < 0.05
