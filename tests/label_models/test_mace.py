"""Knowing or spamming."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from simulated_votes import agreement_with_crowd_kit, crowd_kit, simulate
from strategies import vote_matrices

from weaksup.label_models import create
from weaksup.label_models.mace import Mace
from weaksup.votes import VoteMatrix


def spammed(n: int = 4000, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Five who know with probability .8, .7, .6, .5, .4 and two who always say 0; truth [n]."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, k, n)
    knows = rng.random((n, 5)) < [0.8, 0.7, 0.6, 0.5, 0.4]
    honest = np.where(knows, truth[:, None], rng.integers(0, k, (n, 5)))
    return np.column_stack([honest, np.zeros((n, 2), int)]), truth


@given(votes=vote_matrices())
def test_any_votes_give_finite_distributions(votes: VoteMatrix) -> None:
    model = Mace().fit(votes)
    assert ((model.competence_ > 0) & (model.competence_ < 1)).all()
    assert (model.strategy_.sum(axis=1) <= 1).all()
    for seen in (votes.values, np.roll(votes.values, 1, axis=1)):
        proba = model.predict_proba(seen)
        assert np.isfinite(proba).all()
        assert np.allclose(proba.sum(axis=1), 1.0)


def test_spammers_are_found_and_competence_recovered() -> None:
    votes, truth = spammed()
    model = Mace(4).fit(votes)
    assert model.competence_[:5] == pytest.approx([0.8, 0.7, 0.6, 0.5, 0.4], abs=0.04)
    assert model.competence_[5:].max() < 0.05
    assert model.strategy_[5].argmax() == 0
    assert model.strategy_[5, 0] > 0.95
    scores = {name: (create(name, 4).fit(votes).predict(votes) == truth).mean() for name in ("mace", "majority")}
    assert scores["mace"] > scores["majority"] + 0.03


def test_a_spammers_vote_moves_nothing() -> None:
    votes, _ = spammed()
    proba = Mace(4).fit(votes).predict_proba([[-1, -1, -1, -1, -1, 0, 0]])
    assert proba[0] == pytest.approx([0.25] * 4, abs=0.03)


@pytest.mark.parametrize("k", [2, 4])
def test_labels_are_those_of_crowd_kits_mace(k: int) -> None:
    votes, _ = simulate([0.9, 0.85, 0.8, 0.7, 0.65, 0.6], k=k, n=1000)
    ours = Mace(k).fit(votes).predict(votes)
    assert agreement_with_crowd_kit(ours, "MACE", votes, n_restarts=1) > 0.95


def test_competence_is_that_of_crowd_kits_mace() -> None:
    votes, _ = spammed(600)
    theirs = crowd_kit("MACE", votes, n_restarts=1)
    ours = Mace(4, iterations=50).fit(votes, class_balance=[0.25] * 4)
    assert ours.spamming_ == pytest.approx(theirs.spamming_[:, 0], abs=0.02)
    assert ours.knowing_ == pytest.approx(theirs.spamming_[:, 1], abs=0.02)


def test_gold_rows_expose_a_herd() -> None:
    votes, truth = simulate([0.9, 0.9], k=3, n=600, coverage=1.0)
    herd = np.column_stack([votes, np.ones((600, 3), int)])
    model = Mace(3).fit(herd, gold=truth)
    assert model.competence_[:2].min() > 0.8
    assert model.competence_[2:].max() < 0.1
