from __future__ import annotations

import numpy as np

from weaksup.distill.linear.out_of_fold import OutOfFold

TEXTS = [f"{'free cash prize' if i % 2 else 'see you at home'} number {i}" for i in range(120)]
TRUTH = np.arange(120) % 2


def test_rows_sum_to_1_and_follow_the_labels_of_other_rows() -> None:
    said = OutOfFold(TEXTS, classes=2)(np.eye(2)[TRUTH], np.ones(120))
    assert np.allclose(said.sum(axis=1), 1)
    assert (said.argmax(axis=1) == TRUTH).all()


def test_a_rows_own_label_does_not_reach_it() -> None:
    one, other = np.eye(2)[TRUTH], np.eye(2)[TRUTH]
    other[7] = 1 - other[7]
    said = [OutOfFold(TEXTS, classes=2)(target, np.ones(120))[7] for target in (one, other)]
    assert np.array_equal(said[0], said[1])


def test_an_equal_text_does_not_give_a_label_away() -> None:
    texts = ["the very same words"] * 40 + TEXTS
    target = np.eye(2)[np.concatenate([np.ones(40, np.int64), TRUTH])]
    flipped = target.copy()
    flipped[:40] = 1 - flipped[:40]
    weights = np.ones(160)
    said = [OutOfFold(texts, classes=2)(t, weights)[:40] for t in (target, flipped)]
    assert np.array_equal(said[0], said[1])


def test_rows_of_weight_0_teach_nothing() -> None:
    weights = (np.arange(120) < 80).astype(float)
    noise = np.eye(2)[TRUTH]
    noise[80:] = 0.5
    said = [OutOfFold(TEXTS, classes=2)(target, weights) for target in (np.eye(2)[TRUTH], noise)]
    assert np.array_equal(said[0], said[1])


def test_without_a_row_to_learn_from_all_classes_are_alike() -> None:
    assert (OutOfFold(TEXTS, classes=3)(np.full((120, 3), 1 / 3), np.zeros(120)) == 1 / 3).all()


def test_asking_again_starts_from_the_last_students_and_ends_at_the_same_place() -> None:
    student = OutOfFold(TEXTS, classes=2)
    student(np.eye(2)[1 - TRUTH], np.ones(120))
    again, fresh = (s(np.eye(2)[TRUTH], np.ones(120)) for s in (student, OutOfFold(TEXTS, classes=2)))
    assert np.abs(again - fresh).max() < 0.02
