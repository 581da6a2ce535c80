"""Scores of rows with any number of labels."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score

from weaksup.distill.judging.sets import evaluate_sets
from weaksup.errors import UsageError

NAMES = ("a", "b", "c")


@settings(max_examples=8)
@given(arrays(np.int8, (25, 3), elements=st.integers(0, 1)), arrays(np.float64, (25, 3), elements=st.floats(0, 1)))
def test_f1_is_that_of_scikit_learn(gold: np.ndarray, proba: np.ndarray) -> None:
    found = evaluate_sets(gold, proba, NAMES)
    said = (proba > 0.5).astype(int)
    assert found.micro_f1 == pytest.approx(f1_score(gold, said, average="micro", zero_division=1.0))
    assert found.exact == pytest.approx((gold == said).all(axis=1).mean())
    assert found.micro_f1_interval[0] <= found.micro_f1_interval[1]
    json.dumps(found.to_json(), allow_nan=False)
    for (_, score), truth, guess in zip(found.labels, gold.T, said.T, strict=True):
        assert score is not None
        if score.present.f1 is not None:
            assert score.present.f1 == pytest.approx(f1_score(truth, guess, zero_division=0.0))


@settings(max_examples=8)
@given(arrays(np.int8, (20, 3), elements=st.integers(-1, 1)), st.integers(0, 2))
def test_what_is_not_known_changes_no_score(gold: np.ndarray, column: int) -> None:
    gold[0], gold[1, column] = 1, -1
    proba = np.random.default_rng(0).random((20, 3))
    other = np.where(gold < 0, 1 - proba, proba)
    a, b = evaluate_sets(gold, proba, NAMES), evaluate_sets(gold, other, NAMES)
    assert (a.micro_f1, a.exact, a.labels) == (b.micro_f1, b.exact, b.labels)
    assert a.whole == (gold >= 0).all(axis=1).sum()


def test_a_label_without_gold_has_no_score() -> None:
    gold = np.array([[1, -1, 0], [0, -1, 0]])
    found = evaluate_sets(gold, np.array([[0.9, 0.9, 0.1], [0.1, 0.9, 0.1]]), NAMES)
    assert found.labels[1] == ("b", None)
    assert found.labels[2][1] is not None
    assert found.labels[2][1].f1_interval is None
    assert found.exact is None
    assert (found.whole, found.micro_f1, found.macro_f1) == (0, 1.0, 1.0)


def test_wrong_shapes_and_no_gold_are_refused() -> None:
    with pytest.raises(UsageError, match=r"expected gold and probabilities \[n, 3\]"):
        evaluate_sets(np.zeros((2, 3)), np.zeros((2, 2)), NAMES)
    with pytest.raises(UsageError, match="expected gold for at least one row"):
        evaluate_sets(np.full((2, 3), -1), np.zeros((2, 3)), NAMES)
