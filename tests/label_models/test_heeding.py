"""Models that heed confidences beside votes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_votes import simulate
from strategies import told_votes

from weaksup.label_models import MODELS, BaseLabelModel, create, load
from weaksup.label_models.heeding import HeedingModel
from weaksup.votes import VoteMatrix

HEEDING = [name for name, model in MODELS.items() if issubclass(model, HeedingModel)]
FAST = [name for name in HEEDING if name != "generative"]


def told(*, informed: bool) -> tuple[np.ndarray, VoteMatrix]:
    """Return truth [n], and votes whose confidences tell right from wrong, or nothing."""
    values, truth = simulate([0.65, 0.7, 0.7, 0.75, 0.8], n=1500, coverage=0.8)
    votes = VoteMatrix.from_array(values, cardinality=2)
    rng = np.random.default_rng(0)
    said = rng.beta(np.where(informed & (values != truth[:, None]), 2.0, 6.0), 2.0)
    return truth, replace(votes, confidence=said.astype(np.float32))


def brier(model: BaseLabelModel, votes: VoteMatrix, truth: np.ndarray) -> float:
    return float(((model.fit(votes).predict_proba(votes)[:, 1] - truth) ** 2).mean())


@pytest.mark.parametrize("name", HEEDING)
def test_confidences_that_tell_right_from_wrong_help_and_others_hardly_matter(name: str, tmp_path: Path) -> None:
    truth, votes = told(informed=True)
    model = create(name)
    plain = brier(create(name), replace(votes, confidence=None), truth)
    assert brier(model, votes, truth) < 0.8 * plain
    model.save(tmp_path)
    assert load(tmp_path).predict_proba(votes).tobytes() == model.predict_proba(votes).tobytes()
    truth, votes = told(informed=False)
    assert brier(create(name), votes, truth) == pytest.approx(plain, abs=0.01)


@pytest.mark.parametrize("name", FAST)
@given(votes=told_votes(), data=st.data())
@settings(max_examples=40)
def test_any_confidences_give_finite_distributions(name: str, votes: VoteMatrix, data: st.DataObject) -> None:
    n, k = len(votes), len(votes.labels)
    gold = data.draw(st.none() | st.lists(st.integers(-1, k - 1), min_size=n, max_size=n))
    proba = create(name).fit(votes, gold=None if gold is None else np.array(gold, np.int64)).predict_proba(votes)
    assert np.isfinite(proba).all()
    assert (proba >= 0).all()
    assert np.allclose(proba.sum(axis=1), 1.0)


@pytest.mark.parametrize("name", FAST)
@given(votes=told_votes(), confidence=st.sampled_from([0.0, 0.7, 1.0]))
@settings(max_examples=25)
def test_votes_of_one_confidence_are_plain_votes(name: str, votes: VoteMatrix, confidence: float) -> None:
    same = replace(votes, confidence=np.full(votes.values.shape, confidence, np.float32))
    plain = replace(votes, confidence=None)
    expected = create(name).fit(plain).predict_proba(plain)
    assert create(name).fit(same).predict_proba(same) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", FAST)
def test_a_confidence_moves_its_own_row_alone(name: str) -> None:
    _, votes = told(informed=True)
    model = create(name).fit(votes)
    assert votes.confidence is not None
    other = votes.confidence.copy()
    other[7] = 0.5
    moved = np.abs(model.predict_proba(replace(votes, confidence=other)) - model.predict_proba(votes)).max(axis=1)
    assert moved[7] > 0
    assert np.delete(moved, 7).max() == 0


@pytest.mark.parametrize("name", FAST)
def test_confidences_that_fit_has_not_seen_are_not_believed(name: str) -> None:
    _, votes = told(informed=True)
    plain = replace(votes, confidence=None)
    model = create(name).fit(plain)
    assert model.predict_proba(votes).tobytes() == model.predict_proba(plain).tobytes()
