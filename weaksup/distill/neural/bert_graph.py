"""The encoders of the BERT family as ONNX (J. Devlin et al., 2019): BERT, RoBERTa, XLM-R, DistilBERT, MiniLM, BGE, E5.

Weights are kept in 16 bits, and computed with in 32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.bundle.token_graph import INPUT
from weaksup.distill.linear.graph import Graph
from weaksup.distill.neural.token_model import Head, Pooling, end_graph, half, input_of, outputs_of

__all__ = ["ACTIVATIONS", "Bert", "weight_shapes"]

Weights = Mapping[str, NDArray[np.float32]]
ACTIVATIONS = ("gelu", "relu")
_OPSET, _IR_VERSION = 17, 9
_FLOAT = 1
_PARTS = ("query", "key", "value")


@dataclass(frozen=True, slots=True, eq=False)
class Bert:
    """An encoder: its weights by the names of Hugging Face's BertModel, without those that it does not use.

    `first_place` is the row of the first position: RoBERTa keeps two rows for padding. Text longer than `limit` tokens
    must be cut.
    """

    weights: Weights
    layers: int
    heads: int
    activation: str
    epsilon: float
    first_place: int
    limit: int
    tokenizer: str
    pooling: Pooling
    normalise: bool

    def to_onnx(self, head: Head | None) -> bytes:
        """Return the encoder as a model file, with a softmax at its end where there is a head."""
        from onnx import helper

        graph = Graph()
        states = self._embed(graph)
        for layer in range(self.layers):
            states = self._transform(graph, states, f"encoder.layer.{layer}.")
        end_graph(graph, states, self.pooling, normalise=self.normalise, head=head)
        made = helper.make_graph(graph.nodes, "weaksup encoder", [input_of()], outputs_of(head), graph.constants)
        opsets = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="weaksup")
        return bytes(model.SerializeToString(deterministic=True))

    def _embed(self, graph: Graph) -> str:
        places = self.weights["embeddings.position_embeddings.weight"][self.first_place :][: self.limit]
        types = self.weights.get("embeddings.token_type_embeddings.weight")
        own = places if types is None else places + types[0]
        words = graph("Gather", self._kept(graph, self.weights["embeddings.word_embeddings.weight"]), INPUT)
        size = graph.part(graph("Shape", INPUT), 1, 2)
        begin, axis = np.array([0]), np.array([0])
        states = graph("Add", words, graph("Slice", self._kept(graph, own), begin, size, axis))
        return self._norm(graph, states, "embeddings.LayerNorm")

    def _transform(self, graph: Graph, states: str, layer: str) -> str:
        mixed = self._attend(graph, states, f"{layer}attention.self.")
        mixed = self._linear(graph, mixed, f"{layer}attention.output.dense")
        states = self._norm(graph, graph("Add", mixed, states), f"{layer}attention.output.LayerNorm")
        wide = self._activate(graph, self._linear(graph, states, f"{layer}intermediate.dense"))
        found = self._linear(graph, wide, f"{layer}output.dense")
        return self._norm(graph, graph("Add", found, states), f"{layer}output.LayerNorm")

    def _attend(self, graph: Graph, states: str, name: str) -> str:
        """Mix the tokens [n, t, h], head by head."""
        size = self.weights[f"{name}query.weight"].shape[0]
        split, order = np.array([0, 0, self.heads, size // self.heads]), [0, 2, 1, 3]
        query, key, value = (graph("Reshape", self._linear(graph, states, name + part), split) for part in _PARTS)
        near = graph("MatMul", graph("Transpose", query, perm=order), graph("Transpose", key, perm=[0, 2, 3, 1]))
        share = graph("Softmax", graph("Mul", near, np.array((size // self.heads) ** -0.5, np.float32)), axis=-1)
        mixed = graph("MatMul", share, graph("Transpose", value, perm=order))
        return graph("Reshape", graph("Transpose", mixed, perm=order), np.array([0, 0, size]))

    def _linear(self, graph: Graph, values: str, name: str) -> str:
        weight = self._kept(graph, np.ascontiguousarray(self.weights[f"{name}.weight"].T))
        return graph("Add", graph("MatMul", values, weight), self.weights[f"{name}.bias"])

    def _norm(self, graph: Graph, values: str, name: str) -> str:
        scale, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return graph("LayerNormalization", values, scale, bias, axis=-1, epsilon=self.epsilon)

    def _activate(self, graph: Graph, values: str) -> str:
        if self.activation == "relu":
            return graph("Relu", values)
        tail = graph("Add", graph("Erf", graph("Div", values, np.array(2**0.5, np.float32))), np.array(1, np.float32))
        return graph("Mul", graph("Mul", values, tail), np.array(0.5, np.float32))

    def _kept(self, graph: Graph, values: NDArray[np.float32]) -> str:
        return graph("Cast", half(values).astype(np.float16), to=_FLOAT)


def weight_shapes(hidden: int, between: int, layers: int, words: int, places: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight that an encoder must have."""
    found: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (words, hidden),
        "embeddings.position_embeddings.weight": (places, hidden),
        **_both("embeddings.LayerNorm", (hidden,)),
    }
    for layer in range(layers):
        name = f"encoder.layer.{layer}."
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            found |= _both(name + part, (hidden, hidden))
        found |= _both(f"{name}intermediate.dense", (between, hidden)) | _both(f"{name}output.dense", (hidden, between))
        found |= _both(f"{name}attention.output.LayerNorm", (hidden,)) | _both(f"{name}output.LayerNorm", (hidden,))
    return found


def _both(name: str, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
