"""The student `embedbag` as one ONNX file: raw text in, label and probabilities out, as its `predict_proba`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.linear.graph import LABEL, PROBABILITIES, Graph, write_model
from weaksup.distill.neural.embedbag import FINE

if TYPE_CHECKING:
    from weaksup.distill.neural.embedbag import EmbedBagStudent, Layer

__all__ = ["to_onnx"]

_INT32, _INT64, _DOUBLE, _FLOAT = 6, 7, 11, 1  # numbers of types in onnx.proto


def to_onnx(student: EmbedBagStudent) -> bytes:
    """Return the model file; the same student gives the same bytes. Inputs and outputs are those of `linear.graph`."""
    name = "weaksup embedbag student"
    return write_model(name, student.ngrams.alphabet, lambda graph, keys: _answer(graph, keys, student))


def _answer(graph: Graph, keys: str, student: EmbedBagStudent) -> None:
    """Turn n-grams [n, e] into probabilities [n, k] and labels [n]."""
    known = student.ngrams.keys
    # Row 0 stands for all unknown n-grams; 0 is no n-gram, and keeps the table from being empty.
    at = graph.table(keys, np.append(known, 0), np.append(np.arange(1, len(known) + 1), 0), default=0)
    # Sums of bytes stay below 2**24, so floats hold them exactly, and are four times as fast as whole numbers.
    sums = _sum(graph, at, student.table, stored=np.int8, added=_FLOAT)
    squares = _sum(graph, at, student.ngrams.squares[:, None], stored=np.int16, added=_INT32)
    size = graph("Sqrt", graph("Max", graph("Cast", squares, to=_DOUBLE), np.array(1.0)))
    hidden = _layer(graph, graph("Div", graph("Cast", sums, to=_DOUBLE), size), student.inner)
    scores = _layer(graph, graph("Max", hidden, np.array(0.0)), student.outer)
    proba = graph("Cast", graph("Softmax", scores, axis=1), to=_FLOAT, out=PROBABILITIES)
    names = np.array(student.classes, object)
    graph("Gather", names, graph("ArgMax", proba, axis=1, keepdims=0), out=LABEL)


def _sum(graph: Graph, at: str, rows: NDArray[np.int64], *, stored: type, added: int) -> str:
    """Sum rows [v, d] over n-grams [n, e], 40,000 a text at most: [n, d], exact in the type it is `added` in."""
    padded: NDArray[Any] = np.vstack([np.zeros((1, rows.shape[1]), np.int64), rows]).astype(stored)
    return graph("ReduceSum", graph("Gather", graph("Cast", padded, to=added), at), np.array([1]), keepdims=0)


def _layer(graph: Graph, values: str, layer: Layer) -> str:
    """Write `Layer.__call__`."""
    fine = graph("Cast", graph("Mul", values, np.array(FINE)), to=_INT64)
    sums = graph("Cast", graph("MatMul", fine, layer.weights), to=_DOUBLE)
    return graph("Add", graph("Mul", sums, np.array(layer.step / FINE)), layer.bias)
