"""An encoder from somebody's ONNX file, with the end of a student put behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from weaksup.distill.bundle.graph_check import TOKEN_OPERATORS, find_fault
from weaksup.distill.bundle.token_graph import INPUT
from weaksup.distill.linear.graph import Graph
from weaksup.distill.neural.token_model import Head, end_graph, input_of, outputs_of
from weaksup.errors import UsageError

__all__ = ["OnnxEncoder", "read_onnx"]

_FILLED = {"attention_mask": 1, "token_type_ids": 0}  # no text is padded, and each is one part
_OUTPUTS = ("sentence_embedding", "last_hidden_state", "token_embeddings")
_PREFIX = "encoder/"
_LEAST_OPSET = 13


@dataclass(frozen=True, slots=True, eq=False)
class OnnxEncoder:
    """An encoder's file, checked; `output` is the one that is read, with two axes or with three."""

    model: bytes
    output: str
    axes: int
    tokenizer: str

    def to_onnx(self, head: Head | None) -> bytes:
        """Return it as a model file with the input `ids` alone, with a softmax at its end where there is a head."""
        import onnx
        from onnx import compose, helper

        model = compose.add_prefix(onnx.load_model_from_string(self.model), _PREFIX)
        graph = Graph()
        for given in model.graph.input:
            fill = _FILLED.get(given.name.removeprefix(_PREFIX))
            ids = INPUT if fill is None else graph("Add", graph("Mul", INPUT, 0), fill)
            graph("Cast", ids, to=given.type.tensor_type.elem_type, out=given.name)
        graph.nodes.extend(model.graph.node)
        end_graph(graph, _PREFIX + self.output, "mean" if self.axes == 3 else "none", normalise=True, head=head)
        constants = [*model.graph.initializer, *graph.constants]
        made = helper.make_graph(graph.nodes, "weaksup encoder", [input_of()], outputs_of(head), constants)
        found = helper.make_model(made, opset_imports=model.opset_import, producer_name="weaksup")
        found.ir_version = model.ir_version
        return bytes(found.SerializeToString(deterministic=True))


def read_onnx(kind: str, path: Path, tokenizer: str) -> OnnxEncoder:
    """Read a file with the input input_ids and one of the outputs that exporters write; raise UsageError for others."""
    import onnx

    data = path.read_bytes()
    fault = find_fault(data, TOKEN_OPERATORS)
    if fault:
        raise UsageError(f"student {kind}: expected an encoder in {path}, of standard operators in one file; {fault}")
    try:
        model = onnx.load_model_from_string(data)
        opset = next(found.version for found in model.opset_import if found.domain in {"", "ai.onnx"})
    except Exception as error:  # noqa: BLE001  (protobuf raises its own)
        raise UsageError(f"student {kind}: expected an ONNX file, got {path} ({str(error)[:100]})") from None
    inputs = {given.name for given in model.graph.input} - {tensor.name for tensor in model.graph.initializer}
    axes = {found.name: len(found.type.tensor_type.shape.dim) for found in model.graph.output}
    output = next((name for name in _OUTPUTS if axes.get(name) in {2, 3}), None)
    if opset < _LEAST_OPSET or "input_ids" not in inputs or inputs - {"input_ids", *_FILLED} or output is None:
        raise UsageError(
            f"student {kind}: expected an encoder with the inputs input_ids, {', '.join(_FILLED)} and the output "
            f"{' or '.join(_OUTPUTS)} in opset {_LEAST_OPSET} or later; {path} has {', '.join(sorted(inputs))}, "
            f"{', '.join(axes)} and {opset}"
        )
    return OnnxEncoder(data, output, axes[output], tokenizer)
