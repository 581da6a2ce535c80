"""Read the numbers of a linear student back from its model file: the other way round of `graph.to_onnx`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.linear.alphabet import FIRST, OTHER, SPACE, Alphabet, fold
from weaksup.distill.linear.features import UNIT, NGrams
from weaksup.distill.linear.graph import PROBABILITIES
from weaksup.distill.linear.student import LinearStudent
from weaksup.errors import UsageError
from weaksup.labels import LabelSpace

__all__ = ["LinearFile", "read_graph"]

_HALF = 2**32  # with two classes, weight and squared feature weight share a number


@dataclass(frozen=True, slots=True, eq=False)
class LinearFile:
    """What a model file of a linear student holds; `spellings`, `keys` and so on as in `Alphabet` and `LinearStudent`.

    `spellings` is the table of characters of the file, so what is read does not depend on the Unicode version of this
    Python; codes below `first_letter` are in no word, and all are below `base`.
    """

    labels: LabelSpace
    spellings: Mapping[str, int]
    base: int
    first_letter: int
    keys: NDArray[np.int64]
    table: NDArray[np.int64]
    squares: NDArray[np.int64]
    step: float
    bias: NDArray[np.float64]

    def student(self, training: dict[str, Any]) -> LinearStudent:
        """Return the student that was packed; raise UsageError where this Python folds characters in another way."""
        folded = {code: fold(char) if ord(char) < 0x20000 else char for char, code in self.spellings.items() if char}
        chars = "".join(folded.get(code, "") for code in range(FIRST, self.base))
        cut = self.first_letter - FIRST
        alphabet = Alphabet(chars[:cut], chars[cut:])
        if alphabet.base != self.base or alphabet.spellings() != dict(self.spellings):
            raise UsageError("expected a student packed with this Python's table of characters, got another; distill")
        ngrams = NGrams(alphabet, self.keys, self.squares)
        return LinearStudent(self.labels, ngrams, self.table, self.step, self.bias, training)


def read_graph(model: bytes, labels: LabelSpace) -> LinearFile:
    """Read a model file that `graph.to_onnx` wrote for these labels; raise UsageError for any other."""
    import onnx

    try:
        graph = onnx.load_from_string(model).graph
        return _read(_Parts(graph), labels)
    except Exception as error:  # noqa: BLE001  (protobuf, onnx and look-ups fail in many ways; each means the same)
        name = type(error).__name__
        raise UsageError(f"expected the model file of a linear student, got another ({name})") from None


class _Parts:
    """The operators of a graph, by what they make; its constants, by name."""

    def __init__(self, graph: Any) -> None:
        from onnx import numpy_helper

        self.nodes = list(graph.node)
        self._made_by = {node.output[0]: node for node in self.nodes}
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._read = numpy_helper.to_array

    def before(self, node: Any, *inputs: int) -> Any:
        """Return the operator that made an input, the one that made an input of that, and so on."""
        for i in inputs:
            node = self._made_by[node.input[i]]
        return node

    def of(self, name: str) -> Any:
        """Return the operator that makes an output."""
        return self._made_by[name]

    def all(self, operator: str) -> list[Any]:
        """Return the operators of a type, in order."""
        return [node for node in self.nodes if node.op_type == operator]

    def constant(self, node: Any, i: int) -> NDArray[Any]:
        """Return the constant that is an input of a node."""
        found: NDArray[Any] = self._read(self._constants[node.input[i]])
        return found

    def attribute(self, node: Any, name: str) -> Any:
        """Return an attribute, tensors as arrays."""
        from onnx import helper

        value = helper.get_attribute_value(next(a for a in node.attribute if a.name == name))
        return self._read(value) if hasattr(value, "dims") else value


def _read(parts: _Parts, labels: LabelSpace) -> LinearFile:
    characters, numbers = parts.all("LabelEncoder")
    add = parts.before(parts.of(PROBABILITIES), 0, 0)  # proba = cast(softmax(sums * scale / size + bias))
    keys = parts.attribute(numbers, "keys_tensor")[:-1].astype(np.int64)
    table, squares = _weights(parts, numbers, packed=len(labels) == 2 and not labels.multi)
    spelled = [key.decode() for key in parts.attribute(characters, "keys_strings")]
    codes = [int(code) for code in parts.attribute(characters, "values_int64s")]
    found = LinearFile(
        labels=labels,
        spellings=dict(zip(spelled, codes, strict=True)),
        base=int(parts.constant(parts.all("Mul")[0], 1)),
        first_letter=int(parts.constant(parts.all("Less")[0], 1)),
        keys=keys,
        table=table,
        squares=squares,
        step=float(parts.constant(parts.before(add, 0, 0), 1)) / float(np.sqrt(UNIT)),
        bias=parts.constant(add, 1).astype(np.float64),
    )
    _check(found)
    return found


def _weights(parts: _Parts, numbers: Any, *, packed: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the weights [v, k] and the squared feature weights [v]."""
    values = parts.attribute(numbers, "values_tensor")[:-1].astype(np.int64)
    if packed:
        squares = values % _HALF
        second = (values - squares) // _HALF
        return np.column_stack([-second, second]), squares
    gather = next(node for node in parts.all("Gather") if node.input[1] == numbers.output[0])
    rows = parts.constant(parts.before(gather, 0), 0).astype(np.int64)[values]
    return rows[:, :-1], rows[:, -1]


def _check(found: LinearFile) -> None:
    k, v = len(found.labels), len(found.keys)
    shapes = (found.table.shape, found.squares.shape, found.bias.shape)
    codes = found.spellings.values()
    if shapes != ((v, k), (v,), (k,)) or not all(code == SPACE or OTHER < code < found.base for code in codes):
        raise ValueError("the parts do not belong together")
