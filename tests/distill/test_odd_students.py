"""Students of odd rows: seeds, weights and texts that are none, much text, rows that nobody labeled, little gold."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from distill.toy import SPACE, make_corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup import LabelSpace, SoftLabels, SoftLabelSets
from weaksup.distill import evaluate, find_suspects, selective_curve, train
from weaksup.distill.linear import strength
from weaksup.distill.linear.out_of_fold import OutOfFold
from weaksup.distill.targets import make_targets
from weaksup.errors import UsageError

TWO = LabelSpace(["a", "b"])
TAGS = LabelSpace(["a", "b"], multi=True)


@settings(max_examples=20)
@given(st.integers(0, 300), st.floats(0.5, 0.99), st.floats(0.5, 9))
def test_rows_that_nobody_labeled_weigh_nothing_beside_gold(more: int, share: float, gold_weight: float) -> None:
    texts, gold = make_corpus(30)
    proba = np.vstack([np.eye(3)[gold] * 0.7 + 0.1, np.full((more, 3), [share, *[(1 - share) / 2] * 2])])
    known = np.append(np.where(np.arange(30) < 10, gold, -1), np.full(more, -1))
    covered = np.arange(30 + more) < 30
    soft = SoftLabels(tuple(map(str, range(30 + more))), proba, covered, SPACE)
    with_them = make_targets(texts + ["more"] * more, soft, gold=known, gold_weight=gold_weight)
    without = make_targets(texts, soft.take(np.arange(30)), gold=known[:30], gold_weight=gold_weight)
    assert with_them.weights == pytest.approx(without.weights)


@settings(max_examples=30)
@given(st.integers(50, 400), st.integers(0, 400), st.sampled_from([1, 3]), st.booleans(), st.integers(0, 5))
def test_what_judges_is_enough_and_not_what_teaches(n: int, gold: int, folds: int, many: bool, seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strength, "SEVERAL", 100 if many else 10_000)
        patch.setattr(strength, "SAMPLE", 300)
        targets = make_targets(
            [f"text {i:03}" for i in range(n)],
            np.full((n, 2), [0.3, 0.7]),
            labels=TWO,
            gold=np.where(np.arange(n) < gold, 1, -1),
        )
        splits, judged = strength.splits_of(targets, seed, folds=folds)
    held = np.concatenate([rows for _, rows in splits])
    assert len(set(held.tolist())) == len(held) > 0
    assert all(len(kept) and not set(kept.tolist()) & set(rows.tolist()) for kept, rows in splits)
    assert (judged == "gold") == (int(targets.is_gold.sum()) >= strength.ENOUGH_GOLD)
    assert judged == "votes" or (len(held) >= strength.ENOUGH_GOLD // 3 and targets.is_gold[held].all())


def test_a_hundred_gold_rows_judge_a_large_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strength, "SEVERAL", 200)
    monkeypatch.setattr(strength, "SAMPLE", 300)
    texts, gold = make_corpus(2000)
    targets = make_targets(texts, np.eye(3)[gold], labels=SPACE, gold=np.where(np.arange(2000) < 100, gold, -1))
    splits, judged = strength.splits_of(targets, 0)
    assert judged == "gold"
    assert sum(len(rows) for _, rows in splits) == min(60, int(targets.is_gold.sum()))


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, "0", None, True])
def test_a_seed_that_is_none_is_told(seed: Any) -> None:
    texts, gold = make_corpus(60)
    with pytest.raises(UsageError, match="expected a seed from 0 to"):
        train(texts, np.eye(3)[gold], labels=SPACE, seed=seed)


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["x", None], "expected texts, got NoneType at position 1"),
        ([b"x", "y"], "expected texts, got bytes at position 0"),
        ("xy", "expected a list of texts, got str"),
    ],
)
def test_texts_that_are_none_are_told(texts: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        train(texts, [[0.1, 0.9], [0.9, 0.1]], labels=TWO)


@pytest.mark.parametrize("weight", [1e-50, 1e300])
def test_weights_that_no_sum_holds_are_told(weight: float) -> None:
    texts, gold = make_corpus(60)
    with pytest.raises(UsageError, match="expected finite weights"):
        train(texts, np.eye(3)[gold], labels=SPACE, weights=np.full(60, weight))


@pytest.mark.parametrize("strengths", [[1e-300], [True], [float("nan")]])
def test_strengths_that_are_none_are_told(strengths: list[float]) -> None:
    with pytest.raises(UsageError, match="expected strengths of"):
        train(["x", "y"], [[0.1, 0.9], [0.9, 0.1]], labels=TWO, strengths=strengths)


def test_a_column_of_a_table_is_read_by_place_not_by_its_index() -> None:
    texts, gold = make_corpus(80)
    proba = np.where(np.arange(80)[:, None] % 4 > 0, np.eye(3)[gold], 1 / 3)
    column = pd.Series(texts, index=range(79, -1, -1))
    assert train(column, proba, labels=SPACE).files() == train(texts, proba, labels=SPACE).files()  # type: ignore[arg-type]


def test_one_very_long_text_takes_no_memory_for_each_row() -> None:
    texts, gold = make_corpus(2000)
    texts[7] = "word " * 1_000_000  # as fixed-width strings: 40 GB
    soft = SoftLabels(tuple(map(str, range(2000))), np.eye(3)[gold], np.ones(2000, np.bool_), SPACE)
    assert len(find_suspects(texts, soft)) < 2000


def test_texts_that_differ_in_a_last_zero_are_two() -> None:
    fold = OutOfFold(["a", "a\0", "a"] * 5, classes=2, folds=5)._ways[0]._fold
    assert len({fold[0], fold[2]}) == 1
    assert fold[0] != fold[1]


def test_the_alphabet_ends_where_texts_are_cut() -> None:
    long = "a" * 10_000 + "zz"
    student = train([long, "b b"], [[0.1, 0.9], [0.9, 0.1]], labels=TWO)
    assert "z" not in student.ngrams.alphabet.chars  # type: ignore[attr-defined]


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.floats(0.0, 0.4)), min_size=2, max_size=12), st.randoms())
def test_equal_texts_merge_to_the_same_bits_in_any_order(rows: list[tuple[str, float]], random: Any) -> None:
    def merged(some: list[tuple[str, float]]) -> tuple[Any, ...]:
        proba = np.array([[p, 1 - p] for _, p in some])
        found = make_targets([text for text, _ in some], proba, labels=TWO, weights=[1 + p for _, p in some])
        return found.texts, found.proba.tobytes(), found.weights.tobytes()

    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert merged(rows) == merged(shuffled)


def test_self_training_is_refused_where_rows_have_several_labels() -> None:
    soft = SoftLabelSets(("0", "1"), np.array([[0.9, 0.1], [0.1, 0.9]]), np.ones((2, 2), np.bool_), TAGS)
    with pytest.raises(UsageError, match="self-training"):
        train(["x", "y"], soft, self_training=0.5)


@pytest.mark.parametrize(
    ("options", "told"),
    [({"gold_weight": -1.0}, "a gold weight above 0"), ({"weights": [1.0, float("nan")]}, "expected finite weights")],
)
def test_what_label_sets_are_weighed_by_is_checked(options: dict[str, Any], told: str) -> None:
    soft = SoftLabelSets(("0", "1"), np.array([[0.9, 0.1], [0.1, 0.9]]), np.ones((2, 2), np.bool_), TAGS)
    with pytest.raises(UsageError, match=told):
        train(["x", "y"], soft, **options)


def test_many_classes_and_a_text_that_comes_twice_take_no_python_numbers() -> None:
    rng = np.random.default_rng(0)
    space = LabelSpace([f"class {c}" for c in range(200)])
    proba = rng.dirichlet(np.ones(200), 500)
    texts = [f"text {i // 2}" for i in range(500)]
    before = sys.getallocatedblocks()
    found = make_targets(texts, proba, labels=space)
    assert len(found.texts) == 250
    assert sys.getallocatedblocks() - before < 5_000


def test_one_label_is_not_given_where_a_text_may_have_several() -> None:
    soft = SoftLabelSets(("0",), np.array([[0.9, 0.9]]), np.ones((1, 2), np.bool_), TAGS)
    with pytest.raises(UsageError, match="any number of labels"):
        train(["x"], soft).predict(["x"])


@pytest.mark.parametrize("score", [selective_curve, lambda gold, proba: evaluate(gold, proba, ["a", "b"])])
def test_probabilities_that_are_none_are_not_scored(score: Any) -> None:
    with pytest.raises(UsageError, match="expected probabilities that are finite"):
        score([0, 1], [[0.5, 0.5], [np.nan, 1.0]])
