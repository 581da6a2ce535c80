"""Calibration without gold: never surer than agreement allows, and only ever flatter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_votes import simulate
from strategies import told_votes

from weaksup.errors import UsageError
from weaksup.label_models import LabelModel, MajorityVote, create
from weaksup.label_models.flatten import calibrate_by_agreement
from weaksup.metrics import brier, ece, nll
from weaksup.votes import Source, VoteMatrix

# --- laws -------------------------------------------------------------------------------------------------------------


@given(told_votes(), st.integers(0, 1000))
@settings(max_examples=60)
def test_it_flattens_and_never_sharpens_any_opinion_on_any_votes(votes: VoteMatrix, seed: int) -> None:
    k = len(votes.labels)
    proba = np.random.default_rng(seed).dirichlet(np.full(k, 0.2), len(votes))
    calibration = calibrate_by_agreement(proba, votes)
    assert calibration.method == "temperature"
    assert 1 <= calibration.temperature <= 100
    flat = calibration(proba)
    np.testing.assert_allclose(flat.sum(axis=1), 1)
    assert (flat.max(axis=1) <= proba.max(axis=1) + 1e-9).all()
    best = flat[np.arange(len(flat)), proba.argmax(axis=1)]
    np.testing.assert_allclose(best, flat.max(axis=1), atol=1e-12)


@given(told_votes(), st.integers(0, 1000))
@settings(max_examples=40)
def test_what_was_flattened_once_is_flat(votes: VoteMatrix, seed: int) -> None:
    proba = np.random.default_rng(seed).dirichlet(np.full(len(votes.labels), 0.2), len(votes))
    once = calibrate_by_agreement(proba, votes)(proba)
    assert calibrate_by_agreement(once, votes).temperature == pytest.approx(1, abs=0.05)


# --- examples ---------------------------------------------------------------------------------------------------------


def test_a_model_that_is_far_too_sure_comes_to_mean_what_it_says() -> None:
    votes, truth = simulate([0.7] * 6, n=3000)
    sure = create("dawid-skene").fit(votes).predict_proba(votes) ** 4
    sure /= sure.sum(axis=1, keepdims=True)
    covered = (votes >= 0).any(axis=1)
    flat = calibrate_by_agreement(sure, votes)(sure)
    assert ece(truth[covered], sure[covered]) > 0.1
    assert ece(truth[covered], flat[covered]) < 0.06


def test_certain_majority_votes_become_finite_and_better() -> None:
    votes, truth = simulate([0.65, 0.7, 0.75], n=2000, coverage=0.5, seed=1)
    covered = (votes >= 0).any(axis=1)
    proba, gold = MajorityVote(2).fit(votes).predict_proba(votes)[covered], truth[covered]
    flat = calibrate_by_agreement(proba, votes[covered])(proba)
    assert nll(gold, proba) == np.inf
    assert nll(gold, flat) < 0.62
    assert brier(gold, flat) < brier(gold, proba) - 0.05


@pytest.mark.parametrize("k", [2, 4])
def test_the_default_is_left_nearly_as_it_is(k: int) -> None:
    votes, _ = simulate([0.6, 0.65, 0.7, 0.75, 0.8], k=k)
    model = LabelModel(k).fit(votes)
    assert calibrate_by_agreement(model.predict_proba(votes), votes).temperature < 1.15


def test_a_copy_of_a_source_is_no_agreement() -> None:
    votes, _ = simulate([0.6, 0.65, 0.7, 0.7, 0.8], n=1500)
    copied = np.hstack([votes, votes[:, [0]], votes[:, [0]], votes[:, [0]]])
    proba = np.random.default_rng(0).dirichlet([0.1, 0.1], len(votes))
    alone, together = (calibrate_by_agreement(proba, v).temperature for v in (votes, copied))
    assert together == pytest.approx(alone, rel=1e-6)


def test_rows_that_a_tier_answered_do_not_count_as_too_sure() -> None:
    values, truth = simulate([0.7] * 5, n=1000)
    plain = VoteMatrix.from_array(values, cardinality=2)
    asked = {row_id: int(label) for row_id, label in zip(plain.ids[:200], truth[:200], strict=True)}
    votes = plain.with_source(Source("tier", "tier"), asked)
    proba = LabelModel().fit(plain).predict_proba(plain)
    sure = proba.copy()
    sure[:200] = np.eye(2)[truth[:200]]
    assert calibrate_by_agreement(sure, votes).temperature < 1.1 < calibrate_by_agreement(sure, plain).temperature


def test_a_model_that_was_given_the_class_balance_may_be_surer() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(3000) < 0.1).astype(int)
    said = np.where(rng.random((3000, 4)) < 0.7, truth[:, None], 1 - truth[:, None])
    votes = np.where(rng.random((3000, 4)) < 0.6, said, -1)
    proba = LabelModel(2).fit(votes, class_balance=[0.9, 0.1]).predict_proba(votes)
    assert calibrate_by_agreement(proba, votes).temperature > 1.5
    assert calibrate_by_agreement(proba, votes, class_balance=[0.9, 0.1]).temperature < 1.15
    named = calibrate_by_agreement(proba, VoteMatrix.from_array(votes), class_balance={"0": 0.9, "1": 0.1})
    assert named == calibrate_by_agreement(proba, votes, class_balance=[0.9, 0.1])


def test_certainty_about_votes_at_random_is_flattened_as_far_as_can_be() -> None:
    votes, _ = simulate([0.5] * 300, n=2000, coverage=0.01)
    proba = np.tile([1.0, 0.0], (len(votes), 1))
    calibration = calibrate_by_agreement(proba, votes)
    assert calibration.temperature == 100
    assert 0.5 < calibration(proba)[0, 0] < 0.53


@pytest.mark.parametrize("n", [0, 3])
def test_without_votes_nothing_is_flattened(n: int) -> None:
    assert calibrate_by_agreement(np.tile([0.9, 0.1], (n, 1)), np.full((n, 2), -1)).temperature == 1


# --- faults -----------------------------------------------------------------------------------------------------------


def test_wrong_use_is_told_in_one_line() -> None:
    wrong: dict[str, Callable[[], object]] = {
        "votes on the 1 rows": lambda: calibrate_by_agreement([[0.5, 0.5]], [[0], [1]]),
        "sum to 1": lambda: calibrate_by_agreement([[0.5, 0.6]], [[0]]),
        "expected 0 to 1": lambda: calibrate_by_agreement([[0.5, 0.5]], [[2]]),
        "class balance": lambda: calibrate_by_agreement([[0.5, 0.5]], [[1]], class_balance=[0.5, 0.6]),
    }
    for said, call in wrong.items():
        with pytest.raises(UsageError, match=said) as caught:
            call()
        assert "\n" not in str(caught.value)
