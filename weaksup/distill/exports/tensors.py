"""A linear student as one safetensors file: whole numbers, and the tables that turn a text into them.

A reader of a hundred lines is `standalone`; `python predict.py` in an export is that file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.exports.standalone import FORMAT
from weaksup.distill.linear.keys import place_factors
from weaksup.distill.linear.read_graph import LinearFile

__all__ = ["to_tensors", "write_tensors"]

_TYPES = {"<i2": "I16", "<i4": "I32", "<i8": "I64", "<f8": "F64"}


def to_tensors(file: LinearFile, about: Mapping[str, str]) -> bytes:
    """Write a student.

    characters, codes int32 [c]: code points and their codes; any other character is 2. place_factors int64 [64],
    keys int64 [v] ascending, weights int16 [v, k], squares int32 [v], step float64 [1], bias float64 [k]: see
    `LinearStudent` and `NGrams`. `about` goes into the metadata, beside the format, base and first_letter.
    """
    spelled = {ord(char): code for char, code in file.spellings.items() if char}
    tensors = {
        "keys": file.keys.astype("<i8"),
        "place_factors": place_factors().astype("<i8"),
        "step": np.array([file.step], "<f8"),
        "bias": file.bias.astype("<f8"),
        "characters": np.array(list(spelled), "<i4"),
        "codes": np.array(list(spelled.values()), "<i4"),
        "squares": file.squares.astype("<i4"),
        "weights": file.table.astype("<i2"),
    }
    own = {"format": FORMAT, "base": str(file.base), "first_letter": str(file.first_letter)}
    return write_tensors(tensors, {**about, **own})


def write_tensors(tensors: Mapping[str, NDArray[Any]], about: Mapping[str, str]) -> bytes:
    """Write the safetensors format: the size of a header as 8 bytes, the header as JSON, the bytes of the tensors.

    Tensors come in the order given: the widest first, so that each lies where its numbers may. The same input gives
    the same bytes.
    """
    header: dict[str, Any] = {"__metadata__": dict(sorted(about.items()))}
    at = 0
    for name, array in tensors.items():
        header[name] = {"dtype": _TYPES[array.dtype.str], "shape": list(array.shape)}
        header[name]["data_offsets"] = [at, at + array.nbytes]
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *(array.tobytes() for array in tensors.values())])
