"""What all students that read tokens end with, as ONNX: one vector a text, and a softmax over it.

A model takes `ids` int64 [n, t], texts of the same number of tokens, and needs no mask, for nothing is padded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.bundle.token_graph import INPUT, LABEL, PROBABILITIES
from weaksup.distill.linear.graph import Graph
from weaksup.distill.linear.softmax import Floats

__all__ = ["EMBEDDING", "Head", "Pooling", "end_graph", "half", "input_of", "outputs_of"]

EMBEDDING = "embedding"
Pooling = Literal["mean", "first", "none"]  # over the tokens; "none" where the encoder gives one vector a text
_FLOAT = 1
_TINY = np.array(1e-12, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A softmax over the vectors of an encoder: `weights` [h, k], `bias` [k], `classes` [k]."""

    classes: tuple[str, ...]
    weights: Floats
    bias: Floats

    def cooled(self, temperature: float) -> Self:
        """Return the head with its scores divided by `temperature`."""
        return replace(self, weights=self.weights / temperature, bias=self.bias / temperature)


def end_graph(graph: Graph, states: str, pooling: Pooling, *, normalise: bool, head: Head | None) -> None:
    """Turn states [n, t, h] (or [n, h]) into the outputs: the vector [n, h], or probabilities and labels."""
    vector = _pool(graph, states, pooling)
    if normalise:
        squared = graph("ReduceSum", graph("Mul", vector, vector), np.array([1]), keepdims=1)
        vector = graph("Div", vector, graph("Max", graph("Sqrt", squared), _TINY))
    if head is None:
        graph("Cast", vector, to=_FLOAT, out=EMBEDDING)
        return
    weights, bias = head.weights.astype(np.float32), head.bias.astype(np.float32)
    scores = graph("Add", graph("MatMul", vector, weights), bias)
    proba = graph("Softmax", scores, axis=1, out=PROBABILITIES)
    graph("Gather", np.array(head.classes, object), graph("ArgMax", proba, axis=1, keepdims=0), out=LABEL)


def _pool(graph: Graph, states: str, pooling: Pooling) -> str:
    if pooling == "none":
        return states
    if pooling == "first":
        return graph("Gather", states, 0, axis=1)
    tokens = graph("Cast", graph.part(graph("Shape", states), 1, 2), to=_FLOAT)
    return graph("Div", graph("ReduceSum", states, np.array([1]), keepdims=0), tokens)


def outputs_of(head: Head | None) -> list[Any]:
    """Return what ONNX says of the outputs."""
    from onnx import TensorProto, helper

    if head is None:
        return [helper.make_tensor_value_info(EMBEDDING, TensorProto.FLOAT, ["n", None])]
    label = helper.make_tensor_value_info(LABEL, TensorProto.STRING, ["n"])
    return [label, helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, ["n", len(head.classes)])]


def input_of() -> Any:
    """Return what ONNX says of the input."""
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(INPUT, TensorProto.INT64, ["n", "t"])


def half(values: NDArray[Any]) -> NDArray[np.float32]:
    """Round to what 16 bits hold, as files do: training ends with the numbers that are packed."""
    found: NDArray[np.float32] = np.clip(values, -65504, 65504).astype(np.float16).astype(np.float32)
    return found
