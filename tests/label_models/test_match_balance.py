"""A class balance that is given is met: the mean probability equals it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_votes import simulate

from weaksup.label_models import LabelModel
from weaksup.label_models.class_balance import balance_gap, match_balance
from weaksup.label_models.softmax import softmax


@given(seed=st.integers(0, 10_000), k=st.integers(2, 8), p=st.integers(1, 40), size=st.sampled_from([0.3, 2.0, 40.0]))
@settings(max_examples=60)
def test_any_balance_is_met_and_order_moves_no_probability(seed: int, k: int, p: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    evidence, rows = rng.normal(size=(p, k)) * size, rng.integers(1, 200, p)
    balance = np.maximum(rng.dirichlet(np.ones(k)), 1e-5)
    balance /= balance.sum()
    proba = softmax(evidence + match_balance(balance, evidence, rows))
    assert balance_gap(balance, proba, rows) < 1e-9
    classes, order = rng.permutation(k), rng.permutation(p)
    other = np.ascontiguousarray(evidence[order][:, classes])
    moved = softmax(other + match_balance(balance[classes], other, rows[order]))
    assert moved == pytest.approx(proba[order][:, classes], abs=1e-6)


@pytest.mark.parametrize(("k", "n", "m", "accuracy"), [(2, 1500, 60, 0.92), (3, 500, 40, 0.99), (40, 600, 12, 0.8)])
def test_sure_votes_do_not_keep_the_balance_from_being_met(k: int, n: int, m: int, accuracy: float) -> None:
    votes, _ = simulate([accuracy] * m, k=k, n=n, coverage=1.0)
    balance = np.linspace(1.0, 1.5, k) / np.linspace(1.0, 1.5, k).sum()
    model = LabelModel(k).fit(votes, class_balance=balance.tolist())
    assert model.converged_
    assert model.predict_proba(votes).mean(axis=0) == pytest.approx(balance, abs=1e-9)


def test_a_rough_match_from_a_start_nearby_is_near() -> None:
    votes, _ = simulate([0.8] * 8, k=4, n=500)
    model = LabelModel(4).fit(votes)
    evidence, rows = model._evidence(model._seen.patterns), model._seen.patterns.counts
    balance = np.array([0.4, 0.3, 0.2, 0.1])
    rough = match_balance(balance, evidence, rows, start=np.log(balance), rough=True)
    assert balance_gap(balance, softmax(evidence + rough), rows) < 1e-3


def test_without_rows_offsets_are_the_log_of_the_balance() -> None:
    balance, nothing = np.array([0.2, 0.8]), np.empty((0, 2))
    assert (match_balance(balance, nothing, np.empty(0, np.int64)) == np.log(balance)).all()
    assert balance_gap(balance, nothing, np.empty(0, np.int64)) == 0.0
