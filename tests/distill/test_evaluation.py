"""Scores on gold alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score
from strategies import judged_probabilities, wild_texts

from weaksup.distill import evaluate, hold_out
from weaksup.errors import UsageError


@settings(max_examples=25)
@given(judged_probabilities())
def test_scores_are_those_of_sklearn_within_their_intervals(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    gold, proba = drawn
    names = [f"class {c}" for c in range(proba.shape[1])]
    found = evaluate(gold, proba, names)
    known = gold >= 0
    guess = proba.argmax(axis=1)[known]
    assert found.rows == known.sum()
    assert found.accuracy == pytest.approx(accuracy_score(gold[known], guess))
    assert found.accuracy_interval[0] <= found.accuracy <= found.accuracy_interval[1]
    peer = f1_score(gold[known], guess, zero_division=0, **({"average": "macro"} if len(names) > 2 else {}))
    if len(names) == 2 or set(gold[known]) | set(guess) == set(range(len(names))):
        assert found.f1 == pytest.approx(peer)
    json.dumps(found.to_json(), allow_nan=False)


def test_rows_without_gold_change_nothing() -> None:
    gold, proba = np.array([0, 1, 1, -1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])
    assert evaluate(gold, proba, ["a", "b"]) == evaluate(gold[:3], proba[:3], ["a", "b"])


def test_the_positive_label_is_the_last_or_the_named() -> None:
    gold, proba = np.array([0, 0, 0, 1]), np.eye(2)[[0, 0, 1, 1]]
    assert evaluate(gold, proba, ["a", "b"]).f1 == pytest.approx(2 / 3)
    assert evaluate(gold, proba, ["a", "b"], positive="a").f1 == pytest.approx(0.8)
    assert evaluate(gold, proba, ["a", "b"]).to_json()["f1_of"] == "b"
    with pytest.raises(UsageError, match='got "c"'):
        evaluate(gold, proba, ["a", "b"], positive="c")
    with pytest.raises(UsageError, match="got none in 4 rows"):
        evaluate([-1] * 4, proba, ["a", "b"])


@given(st.lists(wild_texts, max_size=30))
def test_equal_texts_are_held_out_together_whatever_their_place(texts: list[str]) -> None:
    out = hold_out(texts * 2)
    assert out[: len(texts)].tolist() == out[len(texts) :].tolist() == hold_out(texts[::-1])[::-1].tolist()


def test_about_the_share_is_held_out() -> None:
    texts = [f"text {i}" for i in range(4000)]
    assert 700 < hold_out(texts).sum() < 900
    assert not hold_out(texts, share=0).any()
    assert hold_out(texts, share=1).all()
    assert (hold_out(texts) <= hold_out(texts, share=0.5)).all()
