"""The solver against sklearn's and a plain quadratic."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from weaksup.distill import side_by_side
from weaksup.distill.linear import softmax
from weaksup.distill.linear.lbfgs import minimise
from weaksup.distill.linear.softmax import Line, fit_softmax


def make_rows(n: int, v: int, k: int) -> tuple[sparse.csr_array, np.ndarray]:
    rng = np.random.default_rng(n)
    features = sparse.random_array((n, v), density=0.2, rng=rng, format="csr")
    return features, (features @ rng.standard_normal((v, k)) + 0.3 * rng.standard_normal((n, k))).argmax(axis=1)


@pytest.mark.parametrize("k", [2, 4])
def test_hard_labels_give_the_model_that_sklearn_finds(k: int) -> None:
    features, gold = make_rows(200, 30, k)
    weights = np.random.default_rng(0).uniform(0.1, 2, 200)
    line = fit_softmax(features, np.eye(k)[gold], weights, strength=2.0, tolerance=1e-8)
    # With two classes sklearn has one weight vector, the difference of ours: half the penalty.
    peer = LogisticRegression(C=4.0 if k == 2 else 2.0, tol=1e-9, max_iter=5000)
    peer.fit(features, gold, sample_weight=weights)
    assert np.allclose(np.exp(line.log_proba(features)), peer.predict_proba(features), atol=1e-3)


@settings(max_examples=20)
@given(st.integers(2, 5), st.integers(1, 30), st.integers(0, 10), st.floats(0.1, 100))
def test_no_nearby_model_is_better(k: int, n: int, v: int, strength: float) -> None:
    rng = np.random.default_rng(n)
    features = sparse.csr_array(rng.random((n, v)) * (rng.random((n, v)) < 0.5))
    target, weights = rng.dirichlet(np.ones(k), n), rng.uniform(0.1, 1, n)
    found = fit_softmax(features, target, weights, strength=strength, tolerance=1e-7)

    def loss(line: Line) -> float:
        fit = -(weights[:, None] * target * line.log_proba(features)).sum()
        return float(fit + (line.weights**2).sum() / (2 * strength))

    for _ in range(10):
        near = Line(
            found.weights + 0.1 * rng.standard_normal(found.weights.shape),
            found.bias + 0.1 * rng.standard_normal(k),
        )
        assert loss(found) <= loss(near) + 1e-6


def test_the_start_does_not_change_the_end() -> None:
    features, gold = make_rows(200, 30, 3)
    target, weights = np.eye(3)[gold], np.ones(200)
    cold = fit_softmax(features, target, weights, strength=1.0, tolerance=1e-8)
    warm = fit_softmax(
        features, target, weights, strength=1.0, tolerance=1e-8, start=Line(cold.weights * 2 + 1, cold.bias - 1)
    )
    assert np.allclose(cold.log_proba(features), warm.log_proba(features), atol=1e-3)


def test_lbfgs_finds_the_bottom_of_a_narrow_valley_and_stops_when_told() -> None:
    scale = torch.logspace(0, 3, 20, dtype=torch.float64)
    calls = 0

    def valley(place: torch.Tensor) -> tuple[float, torch.Tensor]:
        nonlocal calls
        calls += 1
        return float((scale * (place - 1) ** 2).sum() / 2), scale * (place - 1)

    start = torch.zeros(20, dtype=torch.float64)
    assert torch.allclose(minimise(valley, start, tolerance=1e-10), torch.ones(20, dtype=torch.float64), atol=1e-4)
    assert calls < 200
    assert torch.equal(minimise(valley, start, tolerance=1e9), start)
    assert torch.equal(minimise(valley, start, tolerance=1e-9, steps=0), start)


def test_a_function_that_cannot_fall_ends_the_search() -> None:
    def cliff(place: torch.Tensor) -> tuple[float, torch.Tensor]:
        return float(place.abs().max() > 0), torch.ones_like(place)

    start = torch.zeros(3)
    assert torch.equal(minimise(cliff, start, tolerance=1e-6), start)


def test_a_matrix_worked_on_in_parts_gives_the_same_model(monkeypatch: pytest.MonkeyPatch) -> None:
    features, gold = make_rows(300, 40, 3)
    target, weights = np.eye(3)[gold], np.random.default_rng(1).uniform(0.1, 1, 300)
    whole = fit_softmax(features, target, weights, strength=3.0, tolerance=1e-8)
    monkeypatch.setattr(softmax, "_SPLIT", 1)
    parts = fit_softmax(features, target, weights, strength=3.0, tolerance=1e-8)
    monkeypatch.setattr(side_by_side, "cores", lambda: 1)
    alone = fit_softmax(features, target, weights, strength=3.0, tolerance=1e-8)
    assert np.array_equal(parts.weights, alone.weights)
    assert np.allclose(whole.log_proba(features), parts.log_proba(features), atol=1e-3)
