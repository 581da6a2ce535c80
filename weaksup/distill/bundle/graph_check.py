"""Look into an ONNX file before it is run: nothing but the operators of weaksup's students, and all data inside.

A few dozen lines of the protobuf wire format, for a bundle must run without the onnx package, and a file from a
stranger must not make onnxruntime open other files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

__all__ = ["BAG_OPERATORS", "OPERATORS", "TOKEN_OPERATORS", "Operators", "find_fault"]

# fmt: off
Operators = Mapping[str, Set[str]]  # by domain
OPERATORS: Operators = {
    "": {
        "Add", "ArgMax", "Cast", "Compress", "Concat", "CumSum", "Div", "Equal", "Expand", "Gather", "Greater",
        "Less", "Max", "Mod", "Mul", "NonZero", "Pad", "Range", "ReduceProd", "ReduceSum", "Reshape",
        "ScatterElements", "Shape", "Sigmoid", "Size", "Slice", "Softmax", "Sqrt", "Squeeze", "Sub", "Where",
    },
    "ai.onnx.ml": {"LabelEncoder"},
    "com.microsoft": {"Tokenizer"},
}
BAG_OPERATORS: Operators = {**OPERATORS, "": OPERATORS[""] | {"MatMul"}}
# Those of encoders as they are exported elsewhere; none of them holds a graph, opens a file or draws at random.
TOKEN_OPERATORS: Operators = {
    "": {
        "Abs", "Add", "And", "ArgMax", "Cast", "Clip", "Concat", "Constant", "ConstantOfShape", "Cos", "CumSum",
        "DequantizeLinear", "Div", "DynamicQuantizeLinear", "Equal", "Erf", "Exp", "Expand", "Flatten", "Gather",
        "GatherElements", "Gelu", "Gemm", "Greater", "GreaterOrEqual", "Identity", "IsNaN", "LayerNormalization",
        "Less", "LessOrEqual", "Log", "MatMul", "MatMulInteger", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or",
        "Pow", "Range", "Reciprocal", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
        "Relu", "Reshape", "Shape", "Sigmoid", "Sign", "Sin", "Size", "Slice", "Softmax", "Split", "Sqrt", "Squeeze",
        "Sub", "Tanh", "Tile", "Transpose", "Trilu", "Unsqueeze", "Where",
    },
}
# fmt: on

# Field numbers in onnx.proto.
_MODEL_GRAPH, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 20, 25
_GRAPH_NODE, _GRAPH_TENSOR, _GRAPH_SPARSE = 1, 5, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_TENSORS, _ATTRIBUTE_OTHERS = 5, 6, 10, {11, 22, 23}
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14

_Field = tuple[int, "memoryview | int"]


def find_fault(model: bytes, operators: Operators = OPERATORS) -> str | None:
    """Say what an ONNX file has that no student with these operators has, or `None` where there is no such thing."""
    try:
        graphs = 0
        for number, value in _fields(memoryview(model)):
            if number in {_MODEL_TRAINING, _MODEL_FUNCTIONS}:
                return "it holds functions"
            if number == _MODEL_GRAPH:
                graphs += 1
                fault = _check_graph(_bytes(value), operators)
                if fault:
                    return fault
    except ValueError:
        return "it is no ONNX file"
    return None if graphs == 1 else "it is no ONNX file"


def _check_graph(graph: memoryview, operators: Operators) -> str | None:
    for number, value in _fields(graph):
        fault = None
        if number == _GRAPH_NODE:
            fault = _check_node(_bytes(value), operators)
        elif number == _GRAPH_TENSOR:
            fault = _check_tensor(_bytes(value))
        elif number == _GRAPH_SPARSE:
            fault = "it holds sparse tensors"
        if fault:
            return fault
    return None


def _check_node(node: memoryview, operators: Operators) -> str | None:
    operator = domain = ""
    for number, value in _fields(node):
        if number == _NODE_OPERATOR:
            operator = _text(value)
        elif number == _NODE_DOMAIN:
            domain = _text(value)
        elif number == _NODE_ATTRIBUTE:
            fault = _check_attribute(_bytes(value))
            if fault:
                return fault
    known = operators.get(domain, set())
    return None if operator in known else f"it holds the operator {domain or 'ai.onnx'}.{operator}"[:100]


def _check_attribute(attribute: memoryview) -> str | None:
    for number, value in _fields(attribute):
        if number == _ATTRIBUTE_GRAPH or number in _ATTRIBUTE_OTHERS:
            return "it holds a graph inside a graph"
        if number in {_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS}:
            fault = _check_tensor(_bytes(value))
            if fault:
                return fault
    return None


def _check_tensor(tensor: memoryview) -> str | None:
    for number, value in _fields(tensor):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value != 0):
            return "it keeps data in another file"
    return None


def _fields(message: memoryview) -> Iterator[_Field]:
    """Give number and value of each field of a protobuf message; raise ValueError where it is none."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == 2:
            size, at = _varint(message, at)
        elif kind in {1, 5}:
            size = 8 if kind == 1 else 4
        else:
            raise ValueError("groups are not used")
        if size > len(message) - at:
            raise ValueError("a field ends beyond its message")
        yield number, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return the number that begins at `at` and where the next field begins."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
    raise ValueError("a number has no end")


def _bytes(value: memoryview | int) -> memoryview:
    if isinstance(value, int):
        raise ValueError("expected a message")
    return value


def _text(value: memoryview | int) -> str:
    return bytes(_bytes(value)).decode("utf-8", "replace")
