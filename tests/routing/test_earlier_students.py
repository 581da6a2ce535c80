"""Students of earlier corpora: what they say, and how far it is heeded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup import LabelSpace, Source, VoteMatrix
from weaksup.distill.linear.out_of_fold import OutOfFold
from weaksup.routing.earlier import earlier_students

SPACE = LabelSpace(["A", "B", "C"])
CELLS = st.lists(st.tuples(st.integers(-1, 2), st.floats(0, 1) | st.just(float("nan"))), min_size=1, max_size=12)


def matrix(cells: list[tuple[int, float]], *kinds: str) -> VoteMatrix:
    values = np.array([[code] * len(kinds) for code, _ in cells], np.int16)
    sure = np.array([[sure] * len(kinds) for _, sure in cells], np.float32)
    sources = tuple(Source(f"s{j}", kind) for j, kind in enumerate(kinds))  # type: ignore[arg-type]
    ids = tuple(map(str, range(len(cells))))
    return VoteMatrix(values, ids, sources, SPACE, confidence=np.where(values < 0, np.nan, sure))


@given(CELLS)
def test_rows_sum_to_one_and_the_label_given_is_the_likeliest(cells: list[tuple[int, float]]) -> None:
    proba = earlier_students(matrix(cells, "student"))
    assert proba is not None
    assert proba.sum(axis=1) == pytest.approx(np.ones(len(cells)))
    for row, (code, _) in zip(proba, cells, strict=True):
        assert (row[code] >= row.max() - 1e-9) if code >= 0 else (row == row[0]).all()


@given(CELLS)
def test_two_students_of_one_mind_say_what_one_says_and_others_nothing(cells: list[tuple[int, float]]) -> None:
    one, two = earlier_students(matrix(cells, "student")), earlier_students(matrix(cells, "student", "lf", "student"))
    assert one is not None
    assert two == pytest.approx(one)
    assert earlier_students(matrix(cells, "lf", "tier")) is None


def test_an_earlier_student_helps_where_few_labels_are_known_and_is_dropped_where_it_errs() -> None:
    texts = [f"w{i} x{i * 7 % 400}" for i in range(400)]  # no text tells the label
    gold = np.random.default_rng(0).integers(0, 2, 400)
    proba, weights = np.eye(2)[gold], (np.arange(400) < 60).astype(float)
    right = np.where(np.eye(2)[gold] == 1, 0.9, 0.1)
    noise = np.random.default_rng(1).dirichlet([1, 1], 400)
    plain = OutOfFold(texts, classes=2)(proba, weights)
    helped = OutOfFold(texts, classes=2, before=right)(proba, weights)
    misled = OutOfFold(texts, classes=2, before=noise)(proba, weights)
    unknown = weights == 0
    assert (helped.argmax(axis=1) == gold)[unknown].mean() > 0.95
    assert (plain.argmax(axis=1) == gold)[unknown].mean() < 0.7
    assert np.array_equal(misled, plain)


def test_one_that_is_always_wrong_is_as_good_as_one_that_is_always_right() -> None:
    texts = [f"w{i}" for i in range(200)]
    gold = np.random.default_rng(0).integers(0, 2, 200)
    wrong = np.where(np.eye(2)[gold] == 1, 0.1, 0.9)
    said = OutOfFold(texts, classes=2, before=wrong)(np.eye(2)[gold], (np.arange(200) < 60).astype(float))
    assert (said.argmax(axis=1) == gold).mean() > 0.95
