"""The model file holds the whole linear student: what is read back is what was packed."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import onnx
import pytest
from hypothesis import given, settings

from weaksup import LabelSpace
from weaksup.distill import Student
from weaksup.distill.linear.features import choose_ngrams
from weaksup.distill.linear.graph import to_onnx
from weaksup.distill.linear.read_graph import read_graph
from weaksup.distill.linear.student import LinearStudent
from weaksup.errors import UsageError

TEXTS = st.lists(st.text(min_size=1, max_size=12), min_size=0, max_size=6)


def make_student(texts: list[str], *, k: int, multi: bool, seed: int) -> LinearStudent:
    """Return a student with a vocabulary of these texts and weights at random."""
    rng = np.random.default_rng(seed)
    ngrams, _ = choose_ngrams(texts * 2, classes=k)
    table = rng.integers(-32767, 32768, (len(ngrams), k))
    if k == 2 and not multi:
        table[:, 0] = -table[:, 1]
    labels = LabelSpace([f"label {i}" for i in range(k)], multi=multi)
    return LinearStudent(labels, ngrams, table, float(rng.random()) / 1000 + 1e-9, rng.normal(size=k), {"rows": 1})


@given(texts=TEXTS, k=st.integers(1, 4), multi=st.booleans(), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_what_is_read_back_gives_the_same_bytes(texts: list[str], k: int, multi: bool, seed: int) -> None:
    student = make_student(texts, k=k if multi else max(k, 2), multi=multi, seed=seed)
    packed = to_onnx(student)
    found = read_graph(packed, student.labels).student(student.training)
    assert to_onnx(found) == packed
    assert (found.table == student.table).all()
    assert (found.ngrams.squares == student.ngrams.squares).all()
    assert (found.step, found.bias.tolist()) == (student.step, student.bias.tolist())


def test_a_trained_student_comes_back_whole(student: Student) -> None:
    packed = student.files()["model.onnx"]
    found = read_graph(packed, student.labels).student(student.training)
    assert found.files()["model.onnx"] == packed
    assert found.predict_proba(["the invoice", ""]).tolist() == student.predict_proba(["the invoice", ""]).tolist()


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x08\x09:\x00", b"not a model at all"])
def test_what_is_no_model_is_refused_in_one_line(student: Student, data: bytes) -> None:
    with pytest.raises(UsageError, match="expected the model file of a linear student") as told:
        read_graph(data, student.labels)
    assert "\n" not in str(told.value)


def test_labels_of_another_student_are_refused(student: Student) -> None:
    with pytest.raises(UsageError, match="expected the model file of a linear student"):
        read_graph(student.files()["model.onnx"], LabelSpace(["a", "b"]))


def test_a_model_without_its_parts_is_refused(student: Student) -> None:
    model = onnx.load_from_string(student.files()["model.onnx"])
    del model.graph.node[-4:]
    with pytest.raises(UsageError, match="expected the model file of a linear student"):
        read_graph(model.SerializeToString(), student.labels)
    model = onnx.load_from_string(student.files()["model.onnx"])
    encoder = next(node for node in model.graph.node if node.op_type == "LabelEncoder")
    next(a for a in encoder.attribute if a.name == "values_int64s").ints[3] = 4_000_000
    with pytest.raises(UsageError, match="expected the model file of a linear student"):
        read_graph(model.SerializeToString(), student.labels)
