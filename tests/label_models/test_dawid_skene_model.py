"""The Dawid-Skene model by name; its EM has its own tests beside the default model's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_votes import agreement_with_crowd_kit, simulate
from strategies import vote_matrices

from weaksup.errors import UsageError
from weaksup.label_models import load
from weaksup.label_models.dawid_skene_model import DawidSkene
from weaksup.votes import VoteMatrix


@given(votes=vote_matrices(), prevalence=st.booleans())
def test_any_votes_give_finite_distributions(votes: VoteMatrix, prevalence: bool) -> None:
    model = DawidSkene(prevalence=prevalence).fit(votes)
    assert model.class_balance_.sum() == pytest.approx(1)
    for seen in (votes.values, np.roll(votes.values, 1, axis=1)):
        proba = model.predict_proba(seen)
        assert np.isfinite(proba).all()
        assert np.allclose(proba.sum(axis=1), 1.0)


@pytest.mark.parametrize(("k", "prevalence"), [(2, True), (2, False), (4, True), (4, False)])
def test_labels_are_those_of_crowd_kits_dawid_skene(k: int, prevalence: bool) -> None:
    votes, _ = simulate([0.9, 0.85, 0.8, 0.75, 0.7, 0.6], k=k)
    ours = DawidSkene(k, prevalence=prevalence).fit(votes).predict(votes)
    assert agreement_with_crowd_kit(ours, "DawidSkene", votes) > 0.95


def test_known_confusions_are_found() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 8000)
    biased = np.array([[0.9, 0.1, 0.0], [0.0, 0.6, 0.4], [0.2, 0.1, 0.7]])
    draws = (rng.random((8000, 1)) > biased[truth].cumsum(axis=1)).sum(axis=1)
    others, _ = simulate([0.85] * 4, k=3, n=8000, coverage=1.0, seed=1)
    others = (others - simulate([0.85] * 4, k=3, n=8000, coverage=1.0, seed=1)[1][:, None] + truth[:, None]) % 3
    model = DawidSkene(3).fit(np.column_stack([draws, others]))
    found = np.zeros((3, 3))
    mine = model.voters_ == 0
    found[:, model.said_[mine]] = np.exp(model.log_confusion_[mine]).T
    assert np.abs(found - biased).max() < 0.03


def test_unequal_classes_are_found_with_prevalence() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(4000) < 0.2).astype(int)
    votes = np.where(rng.random((4000, 6)) < 0.8, truth[:, None], 1 - truth[:, None])
    model = DawidSkene(2, prevalence=True).fit(votes)
    assert model.class_balance_ == pytest.approx([0.8, 0.2], abs=0.02)
    given = DawidSkene(2, prevalence=True).fit(votes, class_balance=[0.5, 0.5])
    assert given.class_balance_.tolist() == [0.5, 0.5]
    assert model.converged_


def test_gold_rows_turn_a_vote_around() -> None:
    votes, truth = simulate([0.8, 0.8, 0.8], n=500, coverage=1.0)
    flipped = 1 - votes
    model = DawidSkene(2).fit(flipped, gold=truth)
    assert (model.predict(flipped) == truth).mean() > 0.85


def test_options_survive_saving(tmp_path: Path) -> None:
    votes, _ = simulate([0.8] * 4, k=3, n=200)
    model = DawidSkene(3, diagonal=5.0, prevalence=True, iterations=2).fit(votes)
    assert model.iterations_ == 2
    assert not model.converged_
    model.save(tmp_path)
    again = load(tmp_path)
    assert isinstance(again, DawidSkene)
    assert (again.diagonal, again.prevalence, again.iterations) == (5.0, True, 2)
    assert again.predict_proba(votes).tobytes() == model.predict_proba(votes).tobytes()


def test_confusions_beyond_memory_are_refused_in_one_line() -> None:
    k = 4100
    votes = (np.arange(k)[:, None] + np.zeros(1, int)) % k
    with pytest.raises(
        UsageError, match=r"at most 16,000,000 numbers .* got 4,100 x 4,100; fit \"one-coin\""
    ) as refused:
        DawidSkene(k).fit(votes)
    assert "\n" not in str(refused.value)
