"""The student as one ONNX file: raw text in, label and probabilities out.

The graph is `keys.find_keys` and `Student.predict_proba` once more, in operators that every onnxruntime has: it needs
no tokenizer beside it and no locale. All sums are of whole numbers, so it agrees with numpy to the last digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.linear.alphabet import OTHER, SPACE, Alphabet
from weaksup.distill.linear.features import UNIT
from weaksup.distill.linear.keys import MAX_CHARS, ORDERS, PAIR, PLACES, PRIME, place_factors

if TYPE_CHECKING:
    from weaksup.distill.linear.student import LinearStudent

__all__ = ["INPUT", "LABEL", "PROBABILITIES", "Graph", "to_onnx", "write_model"]

INPUT, LABEL, PROBABILITIES = "text", "label", "probabilities"
_OPSETS = {"": 18, "ai.onnx.ml": 4, "com.microsoft": 1}
_IR_VERSION = 9
_END = 2**62
_HALF = 2**32
_LONGEST = ORDERS[-1]


def to_onnx(student: LinearStudent) -> bytes:
    """Return the model file; the same student gives the same bytes.

    Input `text`: strings [n]. Outputs `label`: strings [n], in a multi-label space truth values [n, k], and
    `probabilities`: float32 [n, k]. It runs in onnxruntime
    1.18 or later (the splitting into characters is its operator com.microsoft.Tokenizer).
    """
    return write_model(
        "weaksup linear student",
        student.ngrams.alphabet,
        lambda graph, keys: _answer(graph, keys, student),
        multi=student.labels.multi,
    )


def write_model(name: str, alphabet: Alphabet, answer: Callable[[Graph, str], None], *, multi: bool = False) -> bytes:
    """Return a model file that reads raw text; `answer(graph, keys)` turns n-grams [n, e] into its two outputs."""
    from onnx import helper

    graph = Graph()
    letters = _letters(graph, alphabet)
    keys = [*_characters(graph, letters, alphabet.base), *_words(graph, letters, alphabet.first_letter)]
    answer(graph, graph("Concat", *keys, axis=1))
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
    model = helper.make_model(
        graph.proto(name, multi=multi), opset_imports=opsets, ir_version=_IR_VERSION, producer_name="weaksup"
    )
    return bytes(model.SerializeToString(deterministic=True))


class Graph:
    """Write operators in order: `graph("Add", a, 1)` returns the name of its result; numbers become constants."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def __call__(self, operator: str, *inputs: str | int | NDArray[Any], out: str = "", **attributes: Any) -> str:
        from onnx import helper

        domain = {"LabelEncoder": "ai.onnx.ml", "Tokenizer": "com.microsoft"}.get(operator, "")
        name = out or f"{operator.lower()}_{len(self.nodes)}"
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        self.nodes.append(helper.make_node(operator, names, [name], domain=domain, **attributes))
        return name

    def constant(self, value: int | NDArray[Any]) -> str:
        """Add a constant; a plain number is an int64."""
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        array = np.array(value, np.int64) if isinstance(value, int) else value
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def part(self, data: str, start: int, end: int, *, axis: int = 0) -> str:
        """Take data[start:end] along an axis."""
        return self("Slice", data, *(np.array([value], np.int64) for value in (start, end, axis)))

    def table(self, data: str, keys: NDArray[np.int64], values: NDArray[np.int64], *, default: int) -> str:
        """Look numbers up."""
        from onnx import numpy_helper

        attributes = {
            "keys_tensor": numpy_helper.from_array(keys),
            "values_tensor": numpy_helper.from_array(values),
            "default_tensor": numpy_helper.from_array(np.array([default], np.int64)),
        }
        return self("LabelEncoder", data, **attributes)

    def proto(self, name: str, *, multi: bool) -> Any:
        """Return the graph as ONNX."""
        from onnx import TensorProto, helper

        text = helper.make_tensor_value_info(INPUT, TensorProto.STRING, ["n"])
        kind, shape = (TensorProto.BOOL, ["n", None]) if multi else (TensorProto.STRING, ["n"])
        label = helper.make_tensor_value_info(LABEL, kind, shape)
        proba = helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, ["n", None])
        return helper.make_graph(self.nodes, name, [text], [label, proba], self.constants)


def _letters(graph: Graph, alphabet: Alphabet) -> str:
    """Give the codes of the characters [n, t], with one space before each text and at least one after it."""
    spellings = alphabet.spellings()
    characters = graph("Tokenizer", INPUT, mark=0, mincharnum=1, pad_value="", separators=[""])
    codes = graph(
        "LabelEncoder",
        characters,
        keys_strings=list(spellings),
        values_int64s=list(spellings.values()),
        default_int64=OTHER,
    )
    return graph("Pad", graph.part(codes, 0, MAX_CHARS, axis=1), np.array([0, 1, 0, _LONGEST]), SPACE)


def _characters(graph: Graph, letters: str, base: int) -> list[str]:
    """Give the n-grams of characters, [n, t] for each order; those with a space inside are in no vocabulary."""
    number, found = _shifted(graph, letters, 0), []
    for order in range(2, _LONGEST + 1):
        number = graph("Add", graph("Mul", number, base), _shifted(graph, letters, order - 1))
        if order in ORDERS:
            found.append(number)
    return found


def _shifted(graph: Graph, letters: str, by: int) -> str:
    """Take the letters from place `by` on, as many for every `by` below the longest order."""
    return graph.part(letters, by, by - _LONGEST + 1 or _END, axis=1)


def _words(graph: Graph, letters: str, first_letter: int) -> list[str]:
    """Give the words and the pairs of words, each [n, t] with 0 where none begins."""
    grid = _shifted(graph, letters, 0)
    flat = graph("Reshape", grid, np.array([-1]))
    width = graph.part(graph("Shape", grid), 1, 2)
    # A gap is whatever is in no word; every text begins and ends with one.
    gap = graph("Less", flat, first_letter)
    gaps = graph("Squeeze", graph("NonZero", gap), np.array([0]))
    latest = graph("Gather", gaps, graph("Sub", graph("CumSum", graph("Cast", gap, to=7), 0), 1))
    everywhere = graph("Range", 0, graph("Size", flat), 1)
    place = graph("Mod", graph("Sub", everywhere, latest), PLACES)
    value = graph("Mod", graph("Mul", flat, graph("Gather", place_factors(), place)), PRIME)
    total = graph("CumSum", value, 0)

    begin, end = graph.part(gaps, 0, -1), graph.part(gaps, 1, _END)
    word = graph("Greater", graph("Sub", end, begin), 1)
    where = graph("Compress", begin, word, axis=0)
    sums = graph("Sub", graph("Gather", total, end), graph("Gather", total, begin))
    number = graph("Mod", graph("Compress", sums, word, axis=0), PRIME)

    row = graph("Div", where, width)
    first, second = graph.part(number, 0, -1), graph.part(number, 1, _END)
    together = graph("Equal", graph.part(row, 0, -1), graph.part(row, 1, _END))
    pair = graph("Sub", -PAIR, graph("Add", graph("Mul", first, 2**31), second))
    pair = graph("Where", together, pair, 0)
    # No two words of a text begin in the same pair of places, so half as many places hold them all.
    half = graph("Div", graph("Add", width, 1), 2)
    at = graph("Add", graph("Mul", row, half), graph("Div", graph("Mod", where, width), 2))
    shape = graph("Concat", graph.part(graph("Shape", grid), 0, 1), half, axis=0)
    nothing = graph("Expand", 0, graph("ReduceProd", shape, keepdims=1))
    return [
        graph("Reshape", graph("ScatterElements", nothing, places, keys, axis=0), shape)
        for places, keys in ((at, graph("Sub", -1, number)), (graph.part(at, 0, -1), pair))
    ]


def _answer(graph: Graph, keys: str, student: LinearStudent) -> None:
    """Turn n-grams [n, e] into probabilities [n, k] and labels [n]."""
    multi = student.labels.multi
    packed = len(student.classes) == 2 and not multi
    sums = _sums_of_two(graph, keys, student) if packed else _sums(graph, keys, student)
    scores, squares = (graph("Cast", part, to=11) for part in sums)
    size = graph("Sqrt", graph("Max", squares, np.array(1.0)))
    scores = graph("Mul", scores, np.array(student.step * np.sqrt(UNIT)))
    scores = graph("Add", graph("Div", scores, size), student.bias)
    if multi:
        proba = graph("Cast", graph("Sigmoid", scores), to=1, out=PROBABILITIES)
        graph("Greater", proba, np.array(0.5, np.float32), out=LABEL)
        return
    proba = graph("Cast", graph("Softmax", scores, axis=1), to=1, out=PROBABILITIES)
    names = np.array(student.classes, object)
    graph("Gather", names, graph("ArgMax", proba, axis=1, keepdims=0), out=LABEL)


def _sums(graph: Graph, keys: str, student: LinearStudent) -> tuple[str, str]:
    """Sum the weights [n, k] and the squared feature weights [n, 1] of the n-grams.

    The sums fit into int32: a text has at most 4 * MAX_CHARS n-grams, and each counts less than 2**15.
    """
    known, k = student.ngrams.keys, len(student.classes)
    # Row 0 stands for all unknown n-grams; the last column is the squared feature weight.
    weights = np.column_stack([student.table, student.ngrams.squares])
    rows = np.vstack([np.zeros((1, k + 1), np.int64), weights]).astype(np.int16)
    at = graph.table(keys, *_with_one(known, np.arange(1, len(known) + 1)), default=0)
    sums = graph("ReduceSum", graph("Gather", graph("Cast", rows, to=6), at), np.array([1]), keepdims=0)
    return graph.part(sums, 0, k, axis=1), graph.part(sums, k, k + 1, axis=1)


def _sums_of_two(graph: Graph, keys: str, student: LinearStudent) -> tuple[str, str]:
    """Do the same with two classes, whose weights are opposite: both sums fit into one int64, so one look is enough."""
    packed = student.table[:, 1] * _HALF + student.ngrams.squares
    found = graph.table(keys, *_with_one(student.ngrams.keys, packed), default=0)
    sums = graph("ReduceSum", found, np.array([1]), keepdims=1)
    squares = graph("Mod", sums, _HALF)
    second = graph("Div", graph("Sub", sums, squares), _HALF)
    return graph("Mul", second, np.array([-1, 1])), squares


def _with_one(keys: NDArray[np.int64], values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Add an entry for 0, which is no n-gram, to keep the table from being empty."""
    return np.append(keys, 0), np.append(values, 0)
