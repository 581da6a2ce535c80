"""Scores: sklearn and brute force as oracles, then edges, then wrong use."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isclose, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle
from strategies import judged_predictions, judged_probabilities

from weaksup import metrics
from weaksup.errors import UsageError


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0.5, 0.999))
def test_a_wilson_interval_holds_the_share_and_lies_in_0_to_1(hits: int, misses: int, level: float) -> None:
    low, high = metrics.wilson(hits, hits + misses, level)
    assert 0 <= low <= high <= 1
    if hits + misses:
        assert low <= hits / (hits + misses) <= high


@given(st.integers(0, 300), st.integers(1, 300))
def test_a_wilson_interval_is_where_the_score_test_just_accepts(hits: int, more: int) -> None:
    n = hits + more
    for end in metrics.wilson(hits, n):
        if 1e-9 < end < 1:
            assert isclose(abs(hits / n - end), 1.959963984540054 * sqrt(end * (1 - end) / n), rel_tol=1e-6)


@given(st.integers(0, 100), st.integers(0, 100))
def test_wilson_is_symmetric_in_hits_and_misses(hits: int, misses: int) -> None:
    low, high = metrics.wilson(hits, hits + misses)
    mirrored = metrics.wilson(misses, hits + misses)
    assert mirrored == pytest.approx((1 - high, 1 - low))


def test_wilson_gives_the_published_figures() -> None:
    assert metrics.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe, 1998, table I
    assert metrics.wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert metrics.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert metrics.wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)
    assert metrics.wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("hits", "n", "level"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0), (1, 2, 0.0)])
def test_wilson_refuses_what_is_no_share(hits: int, n: int, level: float) -> None:
    with pytest.raises(UsageError, match="expected 0 <= hits <= n"):
        metrics.wilson(hits, n, level)


@given(judged_predictions())
def test_scores_equal_sklearn_on_the_rows_with_gold(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    gold, predicted, k = case
    truth, guess = gold[gold >= 0], predicted[gold >= 0]
    assert metrics.accuracy(gold, predicted) == pytest.approx(oracle.accuracy_score(truth, guess))
    precision, recall, f1, support = oracle.precision_recall_fscore_support(
        truth, guess, labels=range(k), zero_division=0
    )
    scores = metrics.class_scores(gold, predicted, k)
    for c, score in enumerate(scores):
        assert (score.precision or 0, score.recall or 0, score.f1 or 0) == pytest.approx(
            (precision[c], recall[c], f1[c])
        )
        assert score.support == support[c]
        assert metrics.f1(gold, predicted, c) == pytest.approx(f1[c])
    present = [c for c in range(k) if c in truth or c in guess]
    assert metrics.macro_f1(gold, predicted, k) == pytest.approx(np.mean(f1[present]))


@given(judged_predictions())
def test_confusion_equals_sklearn_with_abstains_in_the_last_column(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    gold, predicted, k = case
    known = gold >= 0
    expected = oracle.confusion_matrix(gold[known], np.where(predicted < 0, k, predicted)[known], labels=range(k + 1))
    np.testing.assert_array_equal(metrics.confusion(gold, predicted, k), expected[:k])


@given(judged_probabilities())
def test_probability_scores_equal_sklearn_and_brute_force(case: tuple[np.ndarray, np.ndarray]) -> None:
    gold, proba = case
    known = gold >= 0
    truth, p = gold[known], proba[known]
    aims = np.eye(p.shape[1])[truth]
    assert metrics.brier(gold, proba) == pytest.approx(((p - aims) ** 2).sum() / len(p))
    if (p[np.arange(len(p)), truth] > 1e-6).all():
        labels = list(range(p.shape[1]))
        assert metrics.nll(gold, proba) == pytest.approx(
            oracle.log_loss(truth, p / p.sum(1, keepdims=True), labels=labels)
        )
    assert metrics.ece(gold, proba) == pytest.approx(_slow_ece(truth, p))


def _slow_ece(truth: np.ndarray, p: np.ndarray) -> float:
    total = 0.0
    for b in range(15):
        inside = [i for i in range(len(p)) if b / 15 < p[i].max() <= (b + 1) / 15]
        if inside:
            right = np.mean([p[i].argmax() == truth[i] for i in inside])
            total += len(inside) * abs(right - np.mean([p[i].max() for i in inside]))
    return total / len(p)


@given(judged_probabilities(), st.integers(1, 20))
def test_reliability_bins_hold_all_rows_and_give_the_ece(case: tuple[np.ndarray, np.ndarray], bins: int) -> None:
    gold, proba = case
    found = metrics.reliability(gold, proba, bins=bins)
    n = int((gold >= 0).sum())
    assert [(b.low, b.high) for b in found] == [(j / bins, (j + 1) / bins) for j in range(bins)]
    assert sum(b.rows for b in found) == n
    gap = 0.0
    for b in found:
        low, high = b.interval
        if b.confidence is None or b.accuracy is None:
            assert (b.rows, b.correct, low, high) == (0, 0, 0, 1)
            continue
        assert b.low - 1e-9 <= b.confidence <= b.high + 1e-9
        assert low <= b.accuracy <= high
        gap += b.rows * abs(b.accuracy - b.confidence)
    assert metrics.ece(gold, proba, bins=bins) == pytest.approx(gap / n)
    assert sum(b.correct for b in found) == round(metrics.accuracy(gold, proba.argmax(axis=1)) * n)


@given(judged_predictions(), st.permutations(range(4)))
def test_rows_without_gold_change_no_score(case: tuple[np.ndarray, np.ndarray, int], extra: list[int]) -> None:
    gold, predicted, k = case
    longer = np.concatenate([gold, np.full(4, -1)]), np.concatenate([predicted, np.array(extra) % k])
    assert metrics.accuracy(*longer) == metrics.accuracy(gold, predicted)
    assert metrics.class_scores(*longer, k) == metrics.class_scores(gold, predicted, k)


def test_an_abstain_is_wrong_for_accuracy_and_no_prediction_for_precision() -> None:
    gold, predicted = [0, 0, 1, -1], [0, -1, -1, 1]
    assert metrics.accuracy(gold, predicted) == pytest.approx(1 / 3)
    first, second = metrics.class_scores(gold, predicted, 2)
    assert (first.precision, first.recall, first.support) == (1.0, 0.5, 2)
    assert (second.precision, second.recall, second.f1) == (None, 0.0, 0.0)
    assert metrics.class_scores([0], [0], 2)[1].f1 is None


def test_probability_zero_for_gold_is_an_infinite_loss() -> None:
    assert metrics.nll([1], [[1.0, 0.0]]) == inf
    assert metrics.brier([1], [[1.0, 0.0]]) == 2.0
    assert metrics.ece([0, 1], [[1.0, 0.0], [1.0, 0.0]]) == 0.5


def test_a_bootstrap_interval_repeats_with_its_seed_and_agrees_with_wilson() -> None:
    gold = np.array([1] * 60 + [0] * 40 + [-1] * 7)
    predicted = np.array([1] * 60 + [1] * 40 + [0] * 7)
    interval = metrics.bootstrap(metrics.accuracy, gold, predicted, rounds=600)
    assert interval == metrics.bootstrap(metrics.accuracy, gold, predicted, rounds=600)
    assert interval == pytest.approx(metrics.wilson(60, 100), abs=0.03)


def test_a_bootstrap_interval_narrows_with_its_level_and_takes_any_statistic() -> None:
    rng = np.random.default_rng(0)
    gold, proba = rng.integers(0, 2, 80), rng.dirichlet([1, 1], 80)
    wide = metrics.bootstrap(metrics.brier, gold, proba, rounds=300, level=0.99)
    narrow = metrics.bootstrap(metrics.brier, gold, proba, rounds=300, level=0.5)
    assert wide != metrics.bootstrap(metrics.brier, gold, proba, rounds=300, level=0.99, seed=1)
    assert wide[0] < narrow[0] < metrics.brier(gold, proba) < narrow[1] < wide[1]


def test_wrong_use_is_told_in_one_line() -> None:
    wrong: list[Callable[[], object]] = [
        lambda: metrics.accuracy([-1, -1], [0, 1]),
        lambda: metrics.accuracy([0, 1], [0]),
        lambda: metrics.brier([0, 1], [0.5, 0.5]),
        lambda: metrics.brier([2], [[0.5, 0.5]]),
        lambda: metrics.reliability([-1], [[0.5, 0.5]]),
        lambda: metrics.confusion([0, 3], [0, 1], 2),
        lambda: metrics.confusion([0, 1], [0, -2], 2),
        lambda: metrics.bootstrap(metrics.accuracy, [-1], [0]),
    ]
    for call in wrong:
        with pytest.raises(UsageError) as caught:
            call()
        assert "\n" not in str(caught.value)
        assert "expected" in str(caught.value)
