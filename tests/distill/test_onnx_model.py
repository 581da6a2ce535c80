"""The ONNX file and the numpy student say the same about any text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import wild_texts

from weaksup import LabelSpace
from weaksup.distill import Predictor, Student, load_bundle, train
from weaksup.distill.bundle.graph_check import OPERATORS, find_fault


@pytest.fixture(scope="module")
def model(bundle: Path) -> Predictor:
    return load_bundle(bundle)


@settings(max_examples=150)
@given(st.lists(wild_texts, max_size=8))
@example([])
@example(["", ""])
@example(["\0", "a\0b", "\ud800", "İstanbul STRASSE straße ẞ", "👍👍🏽", "broken " * 3000, "x" * 20_000])
def test_onnx_equals_numpy_on_any_text(student: Student, model: Predictor, texts: list[str]) -> None:
    ours, packed = student.predict_proba(texts), model.predict_proba(texts)
    assert packed.dtype == np.float32
    assert np.abs(ours - packed).max(initial=0) < 1e-6
    assert student.predict(texts) == model.predict(texts)


@settings(max_examples=30)
@given(st.lists(wild_texts, min_size=1, max_size=70))
def test_batches_and_threads_change_nothing(model: Predictor, texts: list[str]) -> None:
    alone = model.predict_proba(texts, batch_size=1, threads=1)
    for size in (7, 64):
        for threads in (1, 3):
            more = model.predict_proba(texts, batch_size=size, threads=threads)
            assert np.array_equal(alone.argmax(axis=1), more.argmax(axis=1))
            assert np.abs(alone - more).max() < 1e-6


@given(st.lists(wild_texts, min_size=2, max_size=20), st.randoms(use_true_random=False))
def test_labels_follow_their_texts(model: Predictor, texts: list[str], random: object) -> None:
    order = list(range(len(texts)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = model.predict_proba([texts[i] for i in order])
    assert np.abs(shuffled - model.predict_proba(texts)[order]).max() < 1e-6


def test_a_bare_onnxruntime_runs_the_file_on_raw_text(student: Student, bundle: Path) -> None:
    session = onnxruntime.InferenceSession(bundle / "model.onnx")
    assert [(i.name, i.type) for i in session.get_inputs()] == [("text", "tensor(string)")]
    label, proba = session.run(None, {"text": np.array(["My INVOICE is wrong", "it is broken"], object)})
    assert label.tolist() == ["billing", "bug"]
    assert proba.dtype == np.float32
    assert np.allclose(proba, student.predict_proba(["My INVOICE is wrong", "it is broken"]), atol=1e-6)


def test_the_file_is_valid_small_and_made_of_known_operators(student: Student) -> None:
    data = student.files()["model.onnx"]
    assert data == student.files()["model.onnx"]
    assert len(data) < 100_000
    found = onnx.load_from_string(data)
    used = {(node.domain, node.op_type) for node in found.graph.node}
    assert used <= {(domain, name) for domain, names in OPERATORS.items() for name in names}
    assert find_fault(data) is None
    onnx.checker.check_model(_without_tokenizer(found))


def _without_tokenizer(found: onnx.ModelProto) -> onnx.ModelProto:
    """The checker does not know onnxruntime's own operators: let the characters be an input."""
    nodes = [node for node in found.graph.node if node.op_type != "Tokenizer"]
    characters = onnx.helper.make_tensor_value_info("tokenizer_0", onnx.TensorProto.STRING, ["n", "t"])
    graph = onnx.helper.make_graph(nodes, "g", [characters], found.graph.output, found.graph.initializer)
    return onnx.helper.make_model(graph, opset_imports=found.opset_import, ir_version=found.ir_version)


def test_a_student_without_ngrams_and_one_with_many_classes_are_packed() -> None:
    silent = train([""], [[0.3, 0.7]], labels=LabelSpace(["a", "b"]))
    many = train(list("abcdefghij" * 2), np.eye(20), labels=LabelSpace([f"label {i}" for i in range(20)]))
    for student in (silent, many):
        session = onnxruntime.InferenceSession(student.files()["model.onnx"])
        label, proba = session.run(None, {"text": np.array(["a", "", "hello b"], object)})
        assert np.allclose(proba, student.predict_proba(["a", "", "hello b"]), atol=1e-6)
        assert label.tolist() == student.predict(["a", "", "hello b"])
