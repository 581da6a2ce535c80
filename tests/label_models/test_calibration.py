"""Calibration: distributions in and out, no class moves by temperature, a little gold cannot do harm."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import judged_probabilities

from weaksup.errors import UsageError
from weaksup.label_models.calibration import Calibration, Method, calibrate, cross_calibrated
from weaksup.label_models.calibration_report import calibration_report
from weaksup.metrics import brier, ece, nll

METHODS: tuple[Method, ...] = ("auto", "temperature", "isotonic")
Case = tuple[np.ndarray, np.ndarray]


def _is_distribution(proba: np.ndarray) -> bool:
    return bool(np.isfinite(proba).all() and (proba >= 0).all() and np.allclose(proba.sum(axis=1), 1, atol=1e-12))


def _draw(n: int, k: int, *, power: float = 1.0, seed: int = 0) -> Case:
    """Probabilities [n, k] and gold [n]: the truth is drawn from the probabilities raised to `power`."""
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.full(k, 0.6), n)
    proba = (proba + 1e-4) / (1 + k * 1e-4)
    truth = proba**power
    truth /= truth.sum(axis=1, keepdims=True)
    return proba, (truth.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=k - 1)


# --- laws -------------------------------------------------------------------------------------------------------------


@given(judged_probabilities(), st.sampled_from(METHODS))
def test_rows_stay_distributions_and_equal_rows_stay_equal(case: tuple[np.ndarray, np.ndarray], method: Method) -> None:
    gold, proba = case
    twice = np.vstack([proba, proba])
    known = np.concatenate([gold, np.full(len(gold), -1)])
    calibrated = calibrate(twice, known, method=method)(twice)
    assert _is_distribution(calibrated)
    np.testing.assert_array_equal(calibrated[: len(gold)], calibrated[len(gold) :])
    assert _is_distribution(cross_calibrated(proba, gold, method=method))


@given(judged_probabilities(), st.sampled_from(METHODS), st.integers(0, 10))
def test_classes_in_another_order_give_the_same_in_that_order(case: Case, method: Method, seed: int) -> None:
    gold, proba = case
    order = np.random.default_rng(seed).permutation(proba.shape[1])
    renamed = np.where(gold >= 0, np.argsort(order)[gold], -1)
    plain = calibrate(proba, gold, method=method)(proba)
    other = calibrate(proba[:, order], renamed, method=method)(proba[:, order])
    np.testing.assert_allclose(other, plain[:, order], atol=1e-7)


@given(judged_probabilities())
def test_a_temperature_never_changes_the_most_probable_class(case: Case) -> None:
    gold, proba = case
    calibrated = calibrate(proba, gold, method="temperature")(proba)
    best = calibrated[np.arange(len(proba)), proba.argmax(axis=1)]
    np.testing.assert_allclose(best, calibrated.max(axis=1), atol=1e-12)


@given(judged_probabilities(), st.sampled_from(METHODS))
def test_json_gives_the_calibration_back_to_the_last_bit(case: Case, method: Method) -> None:
    gold, proba = case
    calibration = calibrate(proba, gold, method=method)
    again = Calibration.from_json(json.loads(json.dumps(calibration.to_json())))
    assert again == calibration
    np.testing.assert_array_equal(again(proba), calibration(proba))


@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(100, 800), st.sampled_from(METHODS))
@settings(max_examples=40)
def test_what_is_calibrated_already_loses_nothing(seed: int, k: int, n: int, method: Method) -> None:
    proba, gold = _draw(n, k, seed=seed)
    assert nll(gold, calibrate(proba, gold, method=method)(proba)) <= nll(gold, proba) + 0.01


@given(judged_probabilities(), st.sampled_from(METHODS))
def test_rows_without_gold_change_nothing(case: Case, method: Method) -> None:
    gold, proba = case
    known = gold >= 0
    assert calibrate(proba, gold, method=method) == calibrate(proba[known], gold[known], method=method)


@given(judged_probabilities())
@settings(max_examples=30)
def test_a_report_is_finite_and_its_bins_give_its_ece(case: Case) -> None:
    gold, proba = case
    report = calibration_report(proba, gold, rounds=20)
    for scores in (report.before, report.after):
        for estimate in (scores.brier, scores.nll, scores.ece):
            assert np.isfinite([estimate.low, estimate.value, estimate.high]).all()
            assert estimate.low <= estimate.high
        gaps = [b.rows * abs(b.correct / b.rows - b.confidence) for b in scores.bins if b.confidence is not None]
        assert sum(gaps) / report.rows == pytest.approx(scores.ece.value)
        assert sum(b.rows for b in scores.bins) == report.rows == (gold >= 0).sum()
    json.dumps(report.to_json(), allow_nan=False)


# --- examples ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("power", [0.4, 1.0, 2.5])
def test_the_temperature_that_was_applied_is_found(power: float) -> None:
    proba, gold = _draw(4000, 3, power=power)
    assert 1 / calibrate(proba, gold, method="temperature").temperature == pytest.approx(power, rel=0.1)


def test_five_gold_rows_cannot_blow_a_temperature_up() -> None:
    proba = np.tile([0.9, 0.1], (5, 1))
    right, wrong = (calibrate(proba, np.full(5, label)).temperature for label in (0, 1))
    assert 0.5 < right < 1 < wrong < 8
    certain = calibrate([[1.0, 0.0]] * 5, [0, 0, 0, 0, 1])
    assert 0.8 < certain([[1.0, 0.0]])[0, 0] < 0.97


def test_a_temperature_stays_between_a_hundredth_and_a_hundred() -> None:
    assert calibrate([[0.99, 0.01]] * 9000, [1] * 9000, method="temperature").temperature == 100
    assert calibrate([[0.51, 0.49]] * 9000, [0] * 9000, method="temperature").temperature == 0.01


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("gold", [[0], [1], [-1, 1, -1]])
def test_one_gold_row_is_enough(method: Method, gold: list[int]) -> None:
    proba = np.tile([1.0, 0.0], (len(gold), 1))
    calibrated = calibrate(proba, gold, method=method)(proba)
    assert _is_distribution(calibrated)
    assert (calibrated > 0).all()
    known = np.array(gold) >= 0
    np.testing.assert_array_equal(cross_calibrated(proba, gold, method=method)[known], proba[known])


def test_isotonic_curves_never_promise_0_or_1_and_auto_takes_them_where_a_temperature_does_not_fit() -> None:
    rng = np.random.default_rng(1)
    proba = rng.random((900, 1)) * [1, -1] + [0, 1]
    gold = (rng.random(900) < np.where(proba[:, 0] > 0.8, 0.1, 0.6)).astype(np.int64)  # no temperature bends so
    calibration = calibrate(proba, gold)
    assert calibration.method == "isotonic"
    calibrated = calibration(proba)
    assert 0 < calibrated.min() < calibrated.max() < 1
    assert nll(gold, calibrated) < nll(gold, calibrate(proba, gold, method="temperature")(proba)) - 0.02
    certain = calibrate([[1.0, 0.0]] * 50 + [[0.0, 1.0]] * 50, [0] * 50 + [1] * 50, method="isotonic")
    assert certain([[1.0, 0.0]])[0].tolist() == pytest.approx([50.5 / 51, 0.5 / 51])


@pytest.mark.parametrize("k", [2, 4])
def test_auto_keeps_the_temperature_where_it_fits_and_where_gold_is_scarce(k: int) -> None:
    assert calibrate(*_draw(1500, k, power=0.5)).method == "temperature"
    assert calibrate(*_draw(49 * k, k)).method == "temperature"


def test_scores_after_calibration_are_honest_because_no_row_sees_its_own_gold() -> None:
    rng = np.random.default_rng(3)
    proba = rng.dirichlet([1, 1], 120)
    gold = rng.integers(0, 2, 120)  # nothing to learn
    own = calibrate(proba, gold, method="isotonic")(proba)
    crossed = cross_calibrated(proba, gold, method="isotonic")
    assert nll(gold, own) < np.log(2) < nll(gold, crossed)
    np.testing.assert_array_equal(crossed, cross_calibrated(proba, gold, method="isotonic"))
    assert (crossed != cross_calibrated(proba, gold, method="isotonic", seed=1)).any()


def test_a_fold_never_holds_the_row_that_it_calibrates() -> None:
    proba, gold = _draw(30, 2)
    for row in (0, 11, 29):
        changed = gold.copy()
        changed[row] = 1 - gold[row]
        for method in METHODS:
            before, after = (cross_calibrated(proba, g, method=method, folds=30)[row] for g in (gold, changed))
            np.testing.assert_array_equal(before, after)


def test_a_report_holds_the_scores_before_and_the_cross_fitted_ones_after() -> None:
    proba, gold = _draw(400, 3, power=0.4)
    gold[::3] = -1
    report = calibration_report(proba, gold)
    crossed = cross_calibrated(proba, gold)
    assert report.calibration == calibrate(proba, gold)
    for scores, p in ((report.before, proba), (report.after, crossed)):
        assert (scores.brier.value, scores.nll.value, scores.ece.value) == (brier(gold, p), nll(gold, p), ece(gold, p))
        assert scores.nll.low < scores.nll.value < scores.nll.high
    assert report.after.nll.high < report.before.nll.value
    data = report.to_json()
    assert (data["rows"], data["method"], len(data["after"]["bins"])) == (int((gold >= 0).sum()), "temperature", 15)
    assert data["before"]["ece"]["value"] == report.before.ece.value


def test_a_probability_of_0_for_the_truth_keeps_the_report_finite() -> None:
    report = calibration_report([[1.0, 0.0]] * 4, [0, 0, 0, 1], rounds=20)
    assert 5 < report.before.nll.value < 10
    assert report.after.nll.value < 5


# --- faults -----------------------------------------------------------------------------------------------------------


def test_wrong_use_is_told_in_one_line() -> None:
    fine = [[0.5, 0.5], [0.2, 0.8]]
    isotonic = calibrate(fine, [0, 1], method="isotonic")
    wrong: dict[str, Callable[[], object]] = {
        "gold for at least one row": lambda: calibrate(fine, [-1, -1]),
        "calibrate_by_agreement": lambda: calibration_report(fine, [-1, -1]),
        "expected 2 class indices": lambda: calibrate(fine, [0]),
        "indices below 2": lambda: calibrate(fine, [0, 2]),
        "sum to 1": lambda: calibrate([[0.5, 0.6]], [0]),
        "are finite": lambda: calibrate([[float("nan"), 0.6]], [0]),
        "at least 2 classes": lambda: calibrate([[1.0]], [0]),
        "the method": lambda: calibrate(fine, [0, 1], method="platt"),  # type: ignore[arg-type]
        "2 folds": lambda: cross_calibrated(fine, [0, 1], folds=1),
        "of 2 classes": lambda: isotonic([[0.2, 0.3, 0.5]]),
    }
    for said, call in wrong.items():
        with pytest.raises(UsageError, match=said) as caught:
            call()
        assert "\n" not in str(caught.value)
        assert "expected" in str(caught.value)
