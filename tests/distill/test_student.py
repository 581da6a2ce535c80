"""Laws of training: what must not change a student, and what must."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup import LabelSpace, SoftLabels
from weaksup.distill import Student, train
from weaksup.distill.targets import certainty, make_targets
from weaksup.errors import UsageError

Corpus = tuple[list[str], np.ndarray]


def noisy(gold: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return probabilities [n, 3] that mostly favour gold."""
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.ones(3), len(gold)) + 1.5 * np.eye(3)[gold]
    scaled: np.ndarray = proba / proba.sum(axis=1, keepdims=True)
    return scaled


def same(a: Student, b: Student) -> bool:
    return a.training == b.training and a.files() == b.files()


def test_a_student_learns_the_rule_behind_noisy_labels(corpus: Corpus) -> None:
    texts, gold = corpus
    more, truth = make_corpus(200, seed=1)
    learned = train(texts, noisy(gold), labels=SPACE)
    assert (learned.predict_proba(more).argmax(axis=1) == truth).mean() > 0.95
    assert learned.training["held_out_rows"] == "votes"
    assert learned.predict(more[:3]) == [SPACE.names[c] for c in truth[:3]]


@settings(max_examples=5)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(random: object) -> None:
    texts, gold = make_corpus(80, seed=3)
    proba = noisy(gold)
    known = np.where(np.arange(80) % 5 == 0, gold, -1)
    order = list(range(80))
    random.shuffle(order)  # type: ignore[attr-defined]
    forth = train(texts, proba, labels=SPACE, gold=known)
    back = train([texts[i] for i in order], proba[order], labels=SPACE, gold=known[order])
    assert same(forth, back)


def test_one_hot_soft_labels_are_hard_labels(corpus: Corpus) -> None:
    texts, gold = corpus
    soft = train(texts, np.eye(3)[gold], labels=SPACE)
    clamped = train(texts, np.full((len(gold), 3), 1 / 3), labels=SPACE, gold=gold)
    assert soft.files() == clamped.files()


def test_equal_rows_count_as_often_as_they_are_there(corpus: Corpus) -> None:
    texts, gold = corpus
    twice = make_targets(texts * 2, np.vstack([noisy(gold)] * 2), labels=SPACE)
    heavy = make_targets(texts, noisy(gold), labels=SPACE, weights=np.full(len(texts), 2.0))
    assert twice.texts == heavy.texts
    assert np.allclose(twice.weights, heavy.weights)
    assert np.allclose(twice.proba, heavy.proba)


def test_gold_rows_are_one_hot_and_weigh_more_while_the_sum_of_weights_stays() -> None:
    proba = np.array([[0.9, 0.1], [0.9, 0.1], [0.5, 0.5]])
    space = LabelSpace(["a", "b"])
    plain = make_targets(["x", "y", "z"], proba, labels=space, gold=[-1, 1, -1], gold_weight=1)
    heavy = make_targets(["x", "y", "z"], proba, labels=space, gold=[-1, 1, -1], gold_weight=5)
    assert plain.texts == ("x", "y")  # "z" says nothing
    assert plain.proba.tolist() == [[0.9, 0.1], [0.0, 1.0]]
    assert plain.is_gold.tolist() == [False, True]
    assert heavy.weights.sum() == pytest.approx(plain.weights.sum())
    assert heavy.weights[1] / heavy.weights[0] == pytest.approx(5 * plain.weights[1] / plain.weights[0])
    assert plain.gold_rows == 1


def test_gold_wins_over_votes_that_are_wrong(corpus: Corpus) -> None:
    texts, gold = corpus
    wrong = noisy((gold + 1) % 3)
    fooled = train(texts, wrong, labels=SPACE, strengths=(10.0,))
    told = train(texts, wrong, labels=SPACE, gold=gold, strengths=(10.0,))
    assert (fooled.predict_proba(texts).argmax(axis=1) == gold).mean() < 0.1
    assert (told.predict_proba(texts).argmax(axis=1) == gold).mean() > 0.95


def test_gold_judges_the_choices_where_there_is_enough(corpus: Corpus) -> None:
    texts, gold = corpus
    known = np.where(np.arange(len(gold)) < 120, gold, -1)
    assert train(texts, noisy(gold), labels=SPACE, gold=known).training["held_out_rows"] == "gold"


def test_uncovered_rows_teach_nothing(corpus: Corpus) -> None:
    texts, gold = corpus
    covered = np.arange(len(gold)) % 3 > 0
    ids = tuple(map(str, range(len(gold))))
    soft = SoftLabels(ids, noisy(gold), covered, SPACE)
    junk = replace(soft, proba=np.where(covered[:, None], soft.proba, [[1.0, 0.0, 0.0]]))
    first, second = train(texts, soft), train(texts, junk)
    assert same(first, second)
    assert first.training["rows"] == covered.sum()
    known = np.where(covered, -1, gold)
    assert train(texts, soft, gold=known).training["rows"] == len(gold)


def test_certainty_is_one_for_a_sure_row_and_zero_for_an_open_one() -> None:
    found = certainty(np.array([[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.5, 0.0]]))
    assert found == pytest.approx([1, 0, 1 - np.log(2) / np.log(3)])


def test_a_seed_gives_the_same_bytes_for_any_number_of_threads_and_hash_seed(student: Student) -> None:
    code = (
        "import sys, hashlib, numpy as np, torch; sys.path.insert(0, sys.argv[1])\n"
        "torch.set_num_threads(int(sys.argv[2]))\n"
        "from distill.toy import SPACE, make_corpus\n"
        "from weaksup.distill import train\n"
        "texts, gold = make_corpus(240)\n"
        "made = train(texts, np.eye(3)[gold], labels=SPACE, strengths=(10.0,)).files()['model.onnx']\n"
        "assert torch.get_num_threads() == int(sys.argv[2])\n"
        "print(hashlib.sha256(made).hexdigest())"
    )
    folder = str(Path(__file__).parents[1])
    env = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", code, folder, "2"], capture_output=True, text=True, env=env, check=True
    )
    assert done.stdout.strip() == sha256(student.files()["model.onnx"]).hexdigest()


def test_few_texts_and_texts_without_ngrams_still_make_a_student() -> None:
    space = LabelSpace(["a", "b"])
    lone = train(["hello there"], [[0.2, 0.8]], labels=space)
    assert lone.predict(["hello there", "", "🎉"]) == ["b", "b", "b"]
    silent = train(["", " ", "\0"], [[0.9, 0.1]] * 3, labels=space)
    assert silent.training["ngrams"] == 0
    assert np.allclose(silent.predict_proba(["", "what"]).sum(axis=1), 1)
    assert silent.predict_proba([]).shape == (0, 2)
    assert silent.predict([]) == []


@pytest.mark.parametrize(
    ("texts", "soft", "options", "expected"),
    [
        (["x"], [[0.5, 0.5]], {}, "got none; add sources or gold"),
        ([], np.empty((0, 2)), {}, "got none; add sources or gold"),
        (["x", "y"], [[0.1, 0.9]], {}, "got 2 texts"),
        (["x"], [[0.1, 0.9]], {"gold": [2]}, "gold classes 0 to 1"),
        (["x"], [[0.1, 0.9]], {"gold": [0.5]}, "gold classes 0 to 1"),
        (["x"], [[0.1, 0.9]], {"weights": [-1.0]}, "finite weights"),
        (["x"], [[0.1, 0.9]], {"weights": [float("nan")]}, "finite weights"),
        (["x"], [[0.1, 0.9]], {"gold": [1], "gold_weight": 0.0}, "gold weight above 0"),
        (["x"], [[0.1, 0.1]], {}, "sum to 1"),
        (["x"], [[0.1, 0.2, 0.7]], {}, "shape [1, 3] and 2 labels"),
    ],
)
def test_wrong_input_is_told_in_one_line(
    texts: list[str], soft: object, options: dict[str, object], expected: str
) -> None:
    with pytest.raises(UsageError, match=".") as told:
        train(texts, soft, labels=LabelSpace(["a", "b"]), **options)  # type: ignore[arg-type]
    assert expected in str(told.value)
    assert "\n" not in str(told.value)


def test_an_array_needs_labels() -> None:
    with pytest.raises(UsageError, match="no labels"):
        train(["x"], [[0.1, 0.9]])


def test_kinds_and_settings_that_are_not_known_are_refused() -> None:
    space = LabelSpace(["a", "b"])
    with pytest.raises(UsageError, match='expected one of linear.*got "forest"'):
        train(["hello"], [[0.2, 0.8]], labels=space, kind="forest")
    with pytest.raises(UsageError, match='kind "linear": expected settings among strengths; got "epochs"'):
        train(["hello"], [[0.2, 0.8]], labels=space, epochs=3)
