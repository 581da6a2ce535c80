"""Rows with other fields than text: how a row becomes the text that a student reads.

Each field is a line before the text, "sender: Bob"; a field of numbers says which tenth of the training rows it falls
into, "amount: tenth 3". So every kind of student, and a plain ONNX runtime, reads fields as words.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from weaksup.errors import UsageError

__all__ = ["FIELDS", "Fields", "as_number", "learn_fields"]

FIELDS = "fields.json"  # in a bundle
TENTHS = 10
LONGEST = 1_000  # characters of a field that are read
_WHOLE = re.compile(r"-?\d+\.0")  # what one file has as 1, another has as 1.0
_SAMPLE = 100_000  # rows that borders are learned from

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fields:
    """The `names` of the fields that are read beside "text", in order; `borders` [9] of those that hold numbers."""

    names: tuple[str, ...] = ()
    borders: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if "text" in self.names or len(set(self.names)) < len(self.names):
            raise UsageError(f"fields: expected different names, without text, got {', '.join(self.names)}")

    def read(self, row: Any) -> str:
        """Return what a student reads of a row: a mapping with "text" and the fields, or a bare text.

        Fields that are missing, null, empty or not a number (NaN) say nothing. Raises UsageError for anything else.
        """
        if isinstance(row, str):
            return row
        if not hasattr(row, "get"):
            raise UsageError(f"expected a text, or a row with text{self._more}, got {type(row).__name__}")
        text = row.get("text")
        if text is None and isinstance(row, Mapping) and "text" not in row:
            raise UsageError(f'expected the field "text", got {", ".join(map(str, row))[:60] or "no field"}')
        if not isinstance(text, str | None):
            raise UsageError(f'expected a string in the field "text", got {type(text).__name__}')
        lines = (self._line(name, row.get(name)) for name in self.names)
        return "\n".join([*filter(None, lines), text or ""])

    def check_columns(self, columns: Iterable[str]) -> None:
        """Raise UsageError where a corpus with these columns lacks one of the fields."""
        there = list(columns)
        missing = next((name for name in self.names if name not in there), None)
        if missing is None:
            return
        near = next((name for name in there if name.casefold().strip() == missing.casefold().strip()), None)
        advice = f'rename "{near}"' if near else "add it, empty where there is no value"
        raise UsageError(
            f'expected the column "{missing}", which this student reads, got a corpus with {", ".join(there)[:200]}; '
            f"{advice}"
        )

    @property
    def _more(self) -> str:
        return "".join(f", {name}" for name in self.names)

    def _line(self, name: str, value: object) -> str:
        shown = _said(name, value)
        if not shown:
            return ""
        number = as_number(value) if name in self.borders else None
        if number is not None:
            shown = f"tenth {1 + bisect_right(self.borders[name], number)}"
        return f"{name}: {shown}"

    def to_json(self) -> Json:
        """Return plain JSON."""
        return {"fields": [{"name": name, "borders": self._borders_of(name)} for name in self.names]}

    def _borders_of(self, name: str) -> list[float] | None:
        return list(self.borders[name]) if name in self.borders else None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; raise ValueError for anything else."""
        try:
            listed = [(one["name"], one["borders"]) for one in data["fields"]]
            borders = {name: tuple(map(float, own)) for name, own in listed if own is not None}
            names = tuple(name for name, _ in listed)
        except (KeyError, TypeError) as error:
            raise ValueError(str(error)) from None
        sorted_all = all(list(own) == sorted(own) and all(map(math.isfinite, own)) for own in borders.values())
        if not all(isinstance(name, str) for name in names) or not sorted_all:
            raise ValueError("expected names and ascending borders")
        return cls(names, borders)


def learn_fields(rows: Sequence[Mapping[str, Any]], names: Iterable[str]) -> Fields:
    """Find out which fields hold numbers, and where their tenths lie.

    Numbers are what is a number in every row that has a value, in at least 3 different ones. Raises UsageError for a
    name that no row has.
    """
    chosen, borders = tuple(names), {}
    some = rows if len(rows) <= _SAMPLE else rows[:: -(-len(rows) // _SAMPLE)]
    for name in chosen:
        values = [value for row in some if _said(name, value := row.get(name))]
        if rows and not values:
            raise UsageError(f'fields: expected values in the field "{name}", got none in {len(rows):,} rows')
        numbers = [as_number(value) for value in values]
        found = sorted(number for number in numbers if number is not None)
        if len(found) == len(values) and len(set(found)) >= 3:
            borders[name] = tuple(found[len(found) * i // TENTHS] for i in range(1, TENTHS))
    return Fields(chosen, borders)


def as_number(value: object) -> float | None:
    """Return a finite number, or the one that a string spells; `None` for anything else, truth values too."""
    if isinstance(value, bool) or (not hasattr(value, "__float__") and not isinstance(value, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError, TypeError):
        return None
    return found if math.isfinite(found) else None


def _is_nan(value: object) -> bool:
    """Tell whether a value is what numpy, pandas or decimal write for none: it does not equal itself."""
    if isinstance(value, (str, bool, int)):
        return False
    try:
        return not bool(value == value)  # noqa: PLR0124
    except (TypeError, ValueError):  # pandas.NA, arrays
        return not hasattr(value, "__len__")


def _said(name: str, value: object) -> str:
    """Return what a field says."""
    try:
        return _plain(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        raise UsageError(
            f'expected a value in the field "{name}" that can be written, got a number of thousands of digits'
        ) from None


def _plain(value: object) -> str:
    """Return a value as one line of text."""
    if value is None or _is_nan(value):
        return ""
    if isinstance(value, (list, tuple, set, frozenset)):
        return " ".join(filter(None, map(_plain, value)))
    said = " ".join(str(value)[:LONGEST].split())
    return said.removesuffix(".0") if _WHOLE.fullmatch(said) else said
