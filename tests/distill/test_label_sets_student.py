"""Students of rows with any number of labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup import LabelSpace
from weaksup.distill import load_bundle, save_bundle, train
from weaksup.errors import UsageError
from weaksup.label_sets import SoftLabelSets

WORDS = {"billing": "invoice refund card", "bug": "crash frozen error", "praise": "thanks great love"}
SPACE = LabelSpace(WORDS, multi=True)
SHARED = ["the", "a", "my", "we", "it", "is", "and", "on", "today", "again", "hello"]


def make(n: int, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Make n texts with none to three of the labels, and which they have, [n, 3]."""
    rng = np.random.default_rng(seed)
    gold = rng.random((n, 3)) < 0.35
    texts = []
    for row in gold.tolist():
        own = [str(rng.choice(words.split())) for has, words in zip(row, WORDS.values(), strict=True) if has]
        texts.append(" ".join(rng.permutation([*rng.choice(SHARED, rng.integers(1, 5)), *own])))
    return texts, gold.astype(int)


def soft_sets(gold: np.ndarray, covered: np.ndarray | None = None, space: LabelSpace = SPACE) -> SoftLabelSets:
    ids = tuple(map(str, range(len(gold))))
    return SoftLabelSets(ids, 0.1 + 0.8 * gold, np.ones_like(gold, bool) if covered is None else covered, space)


def test_a_student_learns_every_label_by_itself() -> None:
    texts, gold = make(400)
    more, truth = make(200, seed=1)
    learned = train(texts, soft_sets(gold))
    proba = learned.predict_proba(more)
    assert ((proba > 0.5) == truth).mean() > 0.97
    assert not np.allclose(proba.sum(axis=1), 1)
    assert set(learned.training["labels"]) == set(WORDS)


@settings(max_examples=8)
@given(st.integers(0, 1000), st.integers(1, 4))
def test_the_packed_model_says_what_the_student_says_for_any_number_of_labels(seed: int, k: int) -> None:
    texts, _ = make(60, seed)
    rng = np.random.default_rng(seed)
    space = LabelSpace([f"label {j}" for j in range(k)], multi=True)
    student = train(texts, soft_sets(rng.integers(0, 2, (60, k)), space=space), strengths=(10.0,))
    import onnxruntime

    session = onnxruntime.InferenceSession(student.files()["model.onnx"])
    shown = ["", "My INVOICE crash", *texts[:5]]
    label, proba = session.run(["label", "probabilities"], {"text": np.array(shown, object)})
    assert np.allclose(proba, student.predict_proba(shown), atol=1e-6)
    assert label.shape == proba.shape == (len(shown), k)
    assert np.array_equal(label, proba > 0.5)


def test_a_bundle_gives_sets_in_batches_of_any_size(tmp_path: Path) -> None:
    texts, gold = make(300)
    loaded = load_bundle(save_bundle(train(texts, soft_sets(gold)), tmp_path / "student"))
    said = loaded.predict_sets(texts)
    assert said == loaded.predict_sets(texts, batch_size=7) == loaded.predict_sets(texts, batch_size=1)
    truth = [tuple(name for name, has in zip(WORDS, row, strict=True) if has) for row in gold.tolist()]
    assert np.mean([a == b for a, b in zip(said, truth, strict=True)]) > 0.95
    sure = loaded.predict_sets(["invoice refund card crash error thanks"], abstain_below=0.999999)
    assert sure == [None]
    with pytest.raises(UsageError, match="this student gives any number of labels; call predict_sets"):
        loaded.predict(texts)


def test_one_label_a_row_has_no_sets(tmp_path: Path) -> None:
    student = train(["a b", "c d"] * 5, np.eye(2)[[0, 1] * 5], labels=LabelSpace(["x", "y"]))
    with pytest.raises(UsageError, match="one label a row; call predict"):
        load_bundle(save_bundle(student, tmp_path / "student")).predict_sets(["a"])


def test_rows_that_got_other_labels_teach_where_sources_say_present_or_nothing() -> None:
    texts, gold = make(400)
    covered = gold == 1  # sources say PRESENT or nothing
    proba = np.where(covered, 0.95, 0.5)
    held = SoftLabelSets(tuple(map(str, range(400))), proba, covered, SPACE)
    more, truth = make(200, seed=1)
    assert ((train(texts, held).predict_proba(more) > 0.5) == truth).mean() > 0.95


def test_a_label_that_nobody_speaks_of_gets_its_share() -> None:
    texts, gold = make(100)
    covered = np.ones_like(gold, bool)
    covered[:, 2] = False
    proba = 0.1 + 0.8 * gold
    proba[:, 2] = 0.5
    student = train(texts, SoftLabelSets(tuple(map(str, range(100))), proba, covered, SPACE))
    assert np.allclose(student.predict_proba(texts[:5])[:, 2], 0.5)
    assert student.training["labels"]["praise"] == {"rows": 0}
    nothing = SoftLabelSets(("a",), np.full((1, 3), 0.5), np.zeros((1, 3), bool), SPACE)
    with pytest.raises(UsageError, match="expected rows with a vote or gold that say something, got none"):
        train(["a"], nothing)


def test_gold_is_clamped_label_by_label() -> None:
    texts, gold = make(300)
    rng = np.random.default_rng(0)
    votes = soft_sets(rng.integers(0, 2, gold.shape))
    known = np.where(np.arange(3) == 0, gold, -1)
    student = train(texts, votes, gold=known)
    more, truth = make(200, seed=1)
    right = ((student.predict_proba(more) > 0.5) == truth).mean(axis=0)
    assert right[0] > 0.95 > right[1]
    assert student.training["gold_rows"] == 300


def test_the_order_of_rows_does_not_matter_and_a_seed_gives_the_same_bytes() -> None:
    texts, gold = make(120)
    back = np.arange(120)[::-1]
    forth = train(texts, soft_sets(gold)).files()
    assert forth == train([texts[i] for i in back], soft_sets(gold[back])).files()


def test_shapes_kinds_and_settings_that_do_not_fit_are_refused() -> None:
    texts, gold = make(10)
    with pytest.raises(UsageError, match="expected 10 texts and gold"):
        train(texts[:3], soft_sets(gold))
    with pytest.raises(UsageError, match="expected 10 texts and gold"):
        train(texts, soft_sets(gold), gold=gold[:, 0])
    with pytest.raises(UsageError, match='several labels: expected linear; got "embedbag"'):
        train(texts, soft_sets(gold), kind="embedbag")
    with pytest.raises(UsageError, match='expected settings among strengths; got "dim"'):
        train(texts, soft_sets(gold), dim=3)
