"""Rows that nobody labeled teach, where a first student is sure of them."""

from __future__ import annotations

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup.distill import train
from weaksup.distill.self_training import LEAST, label_rest
from weaksup.errors import UsageError
from weaksup.labels import SoftLabels

TEXTS, GOLD = make_corpus(240)
FIRST = train(TEXTS, np.eye(3)[GOLD], labels=SPACE)


def labels_of(covered: np.ndarray) -> SoftLabels:
    proba = np.where(covered[:, None], 0.85 * np.eye(3)[GOLD] + 0.05, 1 / 3)
    return SoftLabels(tuple(map(str, range(len(TEXTS)))), proba, covered, SPACE)


@settings(max_examples=15)
@given(share=st.floats(0.1, 1), weight=st.floats(0.1, 1), gate=st.floats(0.4, 1), seed=st.integers(0, 99))
def test_only_unlabeled_rows_that_the_student_is_sure_of_are_labeled(
    share: float, weight: float, gate: float, seed: int
) -> None:
    covered = np.random.default_rng(seed).random(len(TEXTS)) < share
    gold = np.where(np.arange(len(TEXTS)) % 9 == 0, GOLD, -1)
    soft = labels_of(covered)
    rest, weights = label_rest(FIRST, TEXTS, soft, weight=weight, gold=gold, gate=gate)
    new = rest.covered & ~covered
    said = FIRST.predict_proba(TEXTS)
    assert not (new & (gold >= 0)).any()
    assert (said.max(axis=1)[new] >= gate).all()
    assert (rest.proba[new] == np.eye(3)[said.argmax(axis=1)[new]]).all()
    assert (rest.proba[~new] == soft.proba[~new]).all()
    assert (weights == np.where(new, weight, 1)).all()
    assert all(n == 0 or n >= LEAST for n in np.bincount(said.argmax(axis=1)[new], minlength=3))


def test_a_student_of_few_votes_learns_from_more_rows_and_the_same_way_again() -> None:
    covered = np.arange(len(TEXTS)) % 3 == 0
    soft = labels_of(covered)
    plain, taught = train(TEXTS, soft), train(TEXTS, soft, self_training=0.5)
    assert plain.training["rows"] == covered.sum()
    assert taught.training["rows"] - taught.training["self_trained_rows"] == covered.sum()
    assert taught.training["self_trained_rows"] > 0
    assert taught.training["held_out_temperature"] == plain.training["held_out_temperature"]
    assert taught.files() == train(TEXTS, soft, self_training=0.5).files()
    assert (taught.predict_proba(TEXTS).argmax(axis=1) == GOLD).mean() > 0.9


def test_where_all_rows_are_labeled_nothing_changes() -> None:
    soft = labels_of(np.ones(len(TEXTS), np.bool_))
    assert train(TEXTS, soft).files() == train(TEXTS, soft, self_training=1.0).files()


@pytest.mark.parametrize("weight", [-1.0, 1.5, float("nan")])
def test_a_weight_must_be_a_share(weight: float) -> None:
    with pytest.raises(UsageError, match="weight of self-training"):
        train(TEXTS, labels_of(GOLD >= 0), self_training=weight)


def test_arrays_do_not_say_which_rows_nobody_labeled() -> None:
    with pytest.raises(UsageError, match="expected SoftLabels for self-training"):
        train(TEXTS, np.eye(3)[GOLD], labels=SPACE, self_training=0.5)
