"""Ability times ease."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from simulated_votes import agreement_with_crowd_kit, simulate
from strategies import vote_matrices

from weaksup.label_models import glad
from weaksup.label_models.cast import cast_votes
from weaksup.label_models.glad import Glad
from weaksup.patterns import find_patterns
from weaksup.votes import VoteMatrix


@given(votes=vote_matrices())
def test_any_votes_give_finite_distributions(votes: VoteMatrix) -> None:
    model = Glad().fit(votes)
    assert np.isfinite(model.abilities_).all()
    for seen in (votes.values, np.roll(votes.values, 1, axis=1)):
        proba = model.predict_proba(seen)
        assert np.isfinite(proba).all()
        assert np.allclose(proba.sum(axis=1), 1.0)


def log_posterior(votes: glad._VoteList, skill: glad._Skill) -> float:
    """Log of the likelihood times the priors under equal classes, by dense arrays."""
    p, k = len(votes.rows), votes.k
    likelihood = np.full((p, k), -np.log(k))
    right = expit(skill.ability[votes.source] * np.exp(skill.ease)[votes.row])
    for c in range(k):
        each = np.where(votes.label[votes.option] == c, np.log(right), np.log1p(-right) - np.log(k - 1))
        likelihood[:, c] += np.bincount(votes.row, each, minlength=p)
    ease = -0.5 * (skill.ease - 1) ** 2
    total = (votes.rows * (np.logaddexp.reduce(likelihood, axis=1) + ease)).sum()
    return float(total - 0.5 * ((skill.ability - 1) ** 2).sum())


@given(votes=vote_matrices(max_rows=12), seed=st.integers(0, 9))
def test_a_round_of_em_never_lowers_the_objective(votes: VoteMatrix, seed: int) -> None:
    k = len(votes.labels)
    listed = glad._VoteList.of(cast_votes(find_patterns(votes), k), np.full(k, 1 / k), None)
    rng = np.random.default_rng(seed)
    skill = glad._Skill(rng.normal(1, 1, len(votes.sources)), rng.normal(1, 0.5, len(listed.rows)))
    values = [log_posterior(listed, skill)]
    for _ in range(6):
        skill = glad._m_step(listed, listed.posterior(skill)[listed.option], skill)
        values.append(log_posterior(listed, skill))
    assert (np.diff(values) >= -1e-8).all()


@pytest.mark.parametrize("k", [2, 4])
def test_labels_are_those_of_crowd_kits_glad(k: int) -> None:
    votes, _ = simulate([0.9, 0.85, 0.8, 0.7, 0.65, 0.6], k=k, n=300)
    ours = Glad(k).fit(votes, class_balance=[1 / k] * k).predict(votes)
    assert agreement_with_crowd_kit(ours, "GLAD", votes, n_iter=20) > 0.95


def test_abilities_and_ease_of_the_model_are_recovered() -> None:
    rng = np.random.default_rng(0)
    n, abilities = 6000, np.array([2.0, 1.5, 1.0, 1.0, 0.7, 0.5, 0.3, -0.5])
    truth, ease = rng.integers(0, 2, n), rng.normal(1, 1, n)
    right = rng.random((n, 8)) < expit(abilities * np.exp(ease)[:, None])
    model = Glad(2).fit(np.where(right, truth[:, None], 1 - truth[:, None]))
    assert np.corrcoef(model.abilities_, abilities)[0, 1] > 0.97
    assert model.abilities_[7] < 0


def test_rows_where_able_sources_fight_are_hard() -> None:
    votes, _ = simulate([0.85] * 6, n=1000, coverage=1.0)
    model = Glad(2).fit(votes)
    patterns = find_patterns(np.array([[0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1]]))
    listed = glad._VoteList.of(cast_votes(patterns, 2), np.full(2, 0.5), None)
    skill = glad._Skill(model.abilities_, np.ones(2))
    for _ in range(20):
        skill = glad._improve_ease(listed, np.where(listed.row == 0, 0.99, 0.5), skill)
    assert skill.ease[0] > 1 > skill.ease[1]


def test_a_row_gets_the_same_bytes_alone_and_among_others() -> None:
    votes, _ = simulate([0.9, 0.7, 0.6, 0.6], k=3, n=400)
    model = Glad(3).fit(votes)
    whole = model.predict_proba(votes)
    for i in (0, 7, 399):
        assert model.predict_proba(votes[i : i + 1]).tobytes() == whole[i : i + 1].tobytes()


def test_gold_rows_turn_a_source_around() -> None:
    votes, truth = simulate([0.8, 0.8, 0.8], n=500, coverage=1.0)
    model = Glad(2).fit(1 - votes, gold=truth)
    assert model.abilities_.max() < 0
    assert (model.predict(1 - votes) == truth).mean() > 0.85


def test_a_step_that_overshoots_is_halved_and_one_that_cannot_help_is_not_taken() -> None:
    start, step = np.array([0.0, 0.0]), np.array([1.9, 1.0])
    aims = np.array([0.5, -10.0])
    found = glad._climb_by_halves(lambda x: -((x - aims) ** 2), start, step)
    assert found.tolist() == [0.95, 0.0]
