from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from weaksup.routing.weigh import learn_sharpness, learn_weights, sharpen, to_proba


@st.composite
def lessons(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw features [r, k, f], targets [r, k] whose rows sum to 1, and row weights [r]."""
    r, k, f = draw(st.integers(0, 8)), draw(st.integers(2, 4)), draw(st.integers(1, 4))
    features = draw(hnp.arrays(np.float64, (r, k, f), elements=st.floats(-3, 3)))
    target = to_proba(draw(hnp.arrays(np.float64, (r, k), elements=st.floats(-3, 3)))) if r else np.empty((0, k))
    return features, target, draw(hnp.arrays(np.float64, r, elements=st.floats(0, 5)))


@given(hnp.arrays(np.float64, (5, 3), elements=st.floats(-800, 800)))
def test_softmax_rows_sum_to_1_whatever_the_scores(scores: np.ndarray) -> None:
    proba = to_proba(scores)
    assert np.allclose(proba.sum(axis=1), 1)
    assert (proba >= 0).all()


@given(lessons(), st.permutations(range(8)))
def test_the_order_of_rows_does_not_change_the_weights(lesson: tuple[np.ndarray, ...], order: list[int]) -> None:
    features, target, weight = lesson
    spread = np.ones(features.shape[2])
    other = [i for i in order if i < len(weight)]
    one = learn_weights(features, target, weight, spread)
    two = learn_weights(features[other], target[other], weight[other], spread)
    assert np.allclose(one, two, atol=1e-3)


@given(lessons())
def test_weights_are_where_the_penalised_loss_is_flat(lesson: tuple[np.ndarray, ...]) -> None:
    features, target, weight = lesson
    spread = np.full(features.shape[2], 0.7)
    weights = learn_weights(features, target, weight, spread)
    proba = to_proba(features @ weights) if len(features) else target
    slope = np.einsum("rk,rkf->f", weight[:, None] * (proba - target), features) + weights / spread**2
    assert np.abs(slope).max() < 1e-2


def test_no_rows_teach_nothing() -> None:
    assert (learn_weights(np.empty((0, 2, 3)), np.empty((0, 2)), np.empty(0), np.ones(3)) == 0).all()


def test_a_wider_spread_lets_a_weight_go_further() -> None:
    features = np.eye(2)[np.zeros(20, int)][:, :, None]
    target = np.eye(2)[np.zeros(20, int)]
    narrow, wide = (learn_weights(features, target, np.ones(20), np.array([s]))[0] for s in (0.1, 2.0))
    assert 0 < narrow < wide


@given(hnp.arrays(np.float64, (6, 3), elements=st.floats(0.01, 1)), st.floats(0, 2))
def test_sharpening_keeps_the_order_of_classes(raw: np.ndarray, power: float) -> None:
    proba = raw / raw.sum(axis=1, keepdims=True)
    sharp = sharpen(proba, power)
    assert np.allclose(sharp.sum(axis=1), 1)
    best = sharp[np.arange(6), proba.argmax(axis=1)]
    assert (best >= sharp.max(axis=1) - 1e-12).all()


@pytest.mark.parametrize(("share_right", "low", "high"), [(0.9, 0.8, 1.2), (0.5, 0.0, 0.2), (1.0, 1.2, 2.0)])
def test_sharpness_is_what_the_answers_bear_out(share_right: float, low: float, high: float) -> None:
    proba = np.tile([0.9, 0.1], (400, 1))
    answer = (np.arange(400) >= share_right * 400).astype(np.int64)
    assert low <= learn_sharpness(proba, answer) <= high
