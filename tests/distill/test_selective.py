"""Laws of selective answers: counts are counts, bounds hold, thresholds keep what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from weaksup.distill import find_threshold, selective_curve
from weaksup.distill.bundle.decide import ABSTAINED, decide
from weaksup.distill.judging.selective import precision_bound
from weaksup.errors import UsageError


def drawn(n: int, seed: int, k: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return gold drawn from probabilities: a calibrated student."""
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.full(k, 0.4), n)
    return (proba.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=k - 1), proba


@settings(max_examples=40)
@given(st.integers(1, 200), st.integers(0, 1000))
def test_a_curve_counts_the_rows_that_its_threshold_answers(n: int, seed: int) -> None:
    gold, proba = drawn(n, seed)
    gold[::7] = -1
    known = gold >= 0
    if not known.any():
        return
    curve = selective_curve(gold, proba)
    for point in curve:
        answered = known & (decide(proba.astype(np.float32), point.threshold).codes != ABSTAINED)
        assert point.rows == answered.sum()
        assert point.correct == (proba.argmax(axis=1) == gold)[answered].sum()
        assert point.share == pytest.approx(answered.sum() / known.sum())
        assert 0 <= point.at_least <= point.accuracy
    assert [p.threshold for p in curve] == sorted((p.threshold for p in curve), reverse=True)
    assert curve[-1].rows == known.sum()


@settings(max_examples=20)
@given(st.integers(0, 100))
def test_the_order_of_rows_and_rows_without_gold_do_not_matter(seed: int) -> None:
    gold, proba = drawn(80, seed)
    order = np.random.default_rng(seed).permutation(80)
    more = np.append(gold, -1), np.vstack([proba, [[1, 0, 0]]])
    assert selective_curve(gold, proba) == selective_curve(gold[order], proba[order]) == selective_curve(*more)


@given(st.integers(1, 300), st.floats(0.5, 0.999), st.data())
def test_the_bound_is_the_precision_at_which_so_many_right_answers_are_rare(
    n: int, level: float, data: st.DataObject
) -> None:
    correct = data.draw(st.integers(1, n))
    bound = precision_bound(correct, n, level=level)
    assert binom.sf(correct - 1, n, bound) == pytest.approx(1 - level, abs=1e-6)
    assert precision_bound(0, n) == 0


def test_thresholds_keep_their_promise_in_all_but_a_twentieth_of_samples() -> None:
    future, shown = drawn(200_000, 999)
    sure, right = shown.max(axis=1), shown.argmax(axis=1) == future
    broken = found = 0
    for seed in range(200):
        point = find_threshold(selective_curve(*drawn(300, seed)), 0.8)
        if point is not None:
            found += 1
            broken += right[sure >= point.threshold].mean() < 0.8
    assert found > 150
    assert broken <= 0.05 * 200


def test_a_precision_that_gold_cannot_promise_has_no_threshold() -> None:
    gold, proba = np.array([0, 1, 0]), np.array([[0.9, 0.1], [0.1, 0.9], [0.8, 0.2]])
    assert find_threshold(selective_curve(gold, proba), 0.9) is None
    many = np.tile(gold, 200), np.tile(proba, (200, 1))
    best = find_threshold(selective_curve(*many), 0.99)
    assert best is not None
    assert best.share == 1
    with pytest.raises(UsageError, match="between 0 and 1, got 1"):
        find_threshold(selective_curve(gold, proba), 1)
    with pytest.raises(UsageError, match="got none in 2 rows"):
        selective_curve([-1, -1], proba[:2])


@given(st.lists(st.floats(0.9999, 1.0), min_size=1, max_size=40))
def test_a_curve_counts_the_rows_that_a_bundle_answers(confidences: list[float]) -> None:
    proba = np.array([[c, 1 - c] for c in confidences])
    for point in selective_curve(np.zeros(len(proba), np.int64), proba):
        answered = decide(proba.astype(np.float32), point.threshold).codes != ABSTAINED
        assert answered.sum() == point.rows
