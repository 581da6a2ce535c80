"""Label texts with a classifier of weaksup: Python and numpy alone, no weaksup, no onnxruntime.

    python predict.py texts.txt                      a text a line; label and probability come out; - is stdin
    python -c 'import predict; print(predict.load("model.safetensors").predict(["a text"]))'

A model that reads fields beside the text takes rows, too: predict([{"text": "a text", "sender": "Bob"}]).
This file may be copied anywhere. The n-grams of a text are numbers: those of 2 and 4 characters are written in the
digits that the characters have; words, and pairs of neighbouring words, are hashed. Each known one adds its weights.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Classifier", "load", "read_tensors"]

FORMAT = "weaksup linear 1"
MAX_CHARS = 10_000  # of a text are read
FIELD_CHARS = 1_000  # of a field are read
SPACE, OTHER = 1, 2  # codes of a space, and of a character that is not in the table
PRIME, PAIR = 2**31 - 1, 2**32
BATCH = 256
_TYPES = {"I16": "<i2", "I32": "<i4", "I64": "<i8", "F64": "<f8"}


@dataclass(frozen=True)
class Classifier:
    """`classes`: the labels, in the order of the probabilities; `tensors` as in the file.

    With `multi` a text has any number of labels, and each probability stands for itself.
    """

    classes: tuple[str, ...]
    multi: bool
    base: int
    first_letter: int
    tensors: dict[str, Any]
    codes: Any  # of every code point
    fields: tuple[tuple[str, Any], ...] = ()  # names, and the borders of the tenths of those that hold numbers

    def predict(self, texts: Sequence[Any]) -> list[Any]:
        """Return the most probable label of each text; with `multi` a tuple of those more likely than not."""
        proba = self.predict_proba(texts)
        if self.multi:
            return [tuple(name for name, p in zip(self.classes, row, strict=True) if p > 0.5) for row in proba.tolist()]
        return [self.classes[c] for c in proba.argmax(axis=1).tolist()]

    def predict_proba(self, texts: Sequence[Any]) -> Any:
        """Return probabilities, float32 [n, k], of texts or rows; without `multi` they sum to 1."""
        if isinstance(texts, (str, bytes, dict)):
            raise TypeError("predict: expected a list of texts, got a single one; write [text]")
        read = [text if isinstance(text, str) else self.read(text) for text in texts]
        parts = [self._classify(read[start : start + BATCH]) for start in range(0, len(read), BATCH)]
        return np.vstack([np.empty((0, len(self.classes)), np.float32), *parts])

    def read(self, row: Any) -> str:
        """Return a row as the text that is read: a line for each field that says something, then its text."""
        lines = [_line(name, borders, row.get(name)) for name, borders in self.fields]
        return "\n".join([*filter(None, lines), row["text"] or ""])

    def _classify(self, texts: Sequence[str]) -> Any:
        t = self.tensors
        rows, found = self._find([text[:MAX_CHARS] for text in texts])
        at = np.minimum(np.searchsorted(t["keys"], found), max(len(t["keys"]) - 1, 0))
        known = t["keys"][at] == found if len(t["keys"]) else np.zeros(len(found), bool)
        rows, at = rows[known], at[known]
        sums = np.zeros((len(texts), len(self.classes)), np.int64)
        np.add.at(sums, rows, t["weights"][at].astype(np.int64))
        squares = np.zeros(len(texts), np.int64)
        np.add.at(squares, rows, t["squares"][at].astype(np.int64))
        size = np.sqrt(np.maximum(squares, 1).astype(np.float64))[:, None]
        scores = sums.astype(np.float64) * (t["step"][0] * 8) / size + t["bias"]
        if self.multi:
            return ((1 + np.tanh(scores / 2)) / 2).astype(np.float32)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)

    def _find(self, texts: Sequence[str]) -> tuple[Any, Any]:
        """List the n-grams of the texts: the position of the text, and the number."""
        joined = "".join([" ", " ".join(texts), " "])
        letters = self.codes[np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)]
        sizes = np.array([len(text) + 1 for text in texts])
        row = np.append(np.repeat(np.arange(len(texts)), sizes), len(texts))
        found = [*self._characters(letters), *self._words(letters, row)]
        return row[np.concatenate([where for where, _ in found])], np.concatenate([number for _, number in found])

    def _characters(self, letters: Any) -> Iterator[tuple[Any, Any]]:
        """Give the n-grams of 2 and 4 characters: a space stands at an end, or nowhere."""
        space = letters == SPACE
        for order in (2, 4):
            n = max(len(letters) - order + 1, 0)
            number = np.zeros(n, np.int64)
            for i in range(order):
                number = number * self.base + letters[i : i + n]
            inside = space[:n] & space[1 : 1 + n] if order == 2 else np.zeros(n, bool)
            for i in range(1, order - 1):
                inside |= space[i : i + n]
            where = np.flatnonzero(~inside)
            yield where, number[where]

    def _words(self, letters: Any, row: Any) -> Iterator[tuple[Any, Any]]:
        """Give the words, and the pairs of neighbours in one text: below 0, and below -2**32."""
        gaps = np.flatnonzero(letters < self.first_letter)
        place = np.arange(len(letters)) - np.repeat(gaps, np.diff(gaps, append=len(letters)))
        factors = self.tensors["place_factors"]
        total = np.cumsum(letters * factors[place % len(factors)] % PRIME)
        word = np.flatnonzero(np.diff(gaps) > 1)
        number, where = np.diff(total[gaps])[word] % PRIME, gaps[word]
        yield where, -1 - number
        pair = np.flatnonzero(row[where[1:]] == row[where[:-1]])
        yield where[pair], -PAIR - (number[pair] * 2**31 + number[pair + 1])


def _line(name: str, borders: Any, value: Any) -> str:
    said = _words(value)
    if said and borders is not None and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, TypeError, OverflowError):
            number = math.nan
        said = f"tenth {1 + bisect_right(borders, number)}" if math.isfinite(number) else said
    return f"{name}: {said}" if said else ""


def _words(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " ".join(filter(None, map(_words, value)))
    none = value is None or (isinstance(value, float) and math.isnan(value))
    said = "" if none else " ".join(str(value)[:FIELD_CHARS].split())
    return said.removesuffix(".0") if re.fullmatch(r"-?\d+\.0", said) else said


def load(path: str | Path) -> Classifier:
    """Read a classifier; raise ValueError where the file is none."""
    about, tensors = read_tensors(Path(path).read_bytes())
    if about.get("format") != FORMAT:
        raise ValueError(f'expected the format "{FORMAT}", got {about.get("format")!r}')
    codes = np.full(0x110000, OTHER, np.int64)
    codes[tensors["characters"]] = tensors["codes"]
    codes[0xD800:0xE000] = codes[ord("?")]  # half a surrogate pair is no text
    labels = json.loads(about["labels"])
    base, first_letter = int(about["base"]), int(about["first_letter"])
    fields = tuple((one["name"], one["borders"]) for one in json.loads(about.get("fields", "[]")))
    return Classifier(tuple(labels["names"]), bool(labels.get("multi")), base, first_letter, tensors, codes, fields)


def read_tensors(data: bytes) -> tuple[dict[str, str], dict[str, Any]]:
    """Read a safetensors file: what it says of itself, and its tensors by name."""
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    about = header.pop("__metadata__", {})
    found = {}
    for name, one in header.items():
        begin, end = one["data_offsets"]
        found[name] = np.frombuffer(data[start + begin : start + end], _TYPES[one["dtype"]]).reshape(one["shape"])
    return about, found


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8-sig", "replace").removesuffix("\n").split("\n")


def write_cell(names: Sequence[str]) -> str:
    """Write the labels of a text as `weaksup predict` does in CSV: joined by "|", or as JSON; "[]" is none."""
    plain = all("|" not in name and name == name.strip() and name[0] not in "[{" and name != "-1" for name in names)
    return "|".join(names) if names and plain else json.dumps(names, ensure_ascii=False)


def main(arguments: Sequence[str]) -> None:
    """Label the lines of the files, or of stdin."""
    parser = argparse.ArgumentParser(
        description="Label texts. For each, a line: label, tab, probability (several labels: joined by |, [] is none; "
        "the probability is that of the least sure one)."
    )
    parser.add_argument("file", nargs="*", default=["-"], help="UTF-8, a text a line; - is stdin, as is no file")
    names = parser.parse_args(arguments).file
    try:
        model = load(Path(__file__).with_name("model.safetensors"))
        read = [sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes() for name in names]
    except OSError as error:
        parser.exit(2, f"error: cannot read {error.filename}: {error.strerror}\n")
    lines = [line for data in read if data for line in _lines(data)]
    for said, proba in zip(model.predict(lines), model.predict_proba(lines).tolist(), strict=True):
        labels = write_cell(said) if model.multi else said
        sure = min(max(p, 1 - p) for p in proba) if model.multi else max(proba)
        sys.stdout.write(f"{labels}\t{sure:.6f}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
