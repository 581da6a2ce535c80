"""Rules that send a row to people whatever the models say: a label, a field, a slice."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.labels import LabelSpace
from weaksup.routing.ladder import Rows

__all__ = ["SLICE_KINDS", "AlwaysRule", "FieldRule", "LabelRule", "NamedRows", "SliceRule", "Test", "rows_caught"]

Test = Literal["equals", "one_of", "above", "at_least", "contains"]
Fields = Mapping[str, Sequence[Any]]

SLICE_KINDS = ("conflict", "single", "agreed", "uncovered")
"""What a slice rule may name beside the name of one slice."""

_REST = "rest"  # the kind of the slice that holds what was cut off
_SHOWN = 3


class NamedRows(Protocol):
    """A slice, as `weaksup.slices.find_slices` makes them."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def rows(self) -> Rows: ...


@dataclass(frozen=True, slots=True)
class LabelRule:
    """Rows whose label is this one."""

    label: str

    def __str__(self) -> str:
        return f"label {self.label}"

    def to_json(self) -> dict[str, Any]:
        """Return the rule as a table of weaksup.toml."""
        return {"label": self.label}


@dataclass(frozen=True, slots=True)
class SliceRule:
    """Rows of the slices of this kind, or of the slice of this name."""

    slice: str

    def __str__(self) -> str:
        return f"slice {self.slice}"

    def to_json(self) -> dict[str, Any]:
        """Return the rule as a table of weaksup.toml."""
        return {"slice": self.slice}


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Rows whose field passes a test against `value`; a row without a value is not caught.

    "equals" and "one_of" take a number or true and false for their text in a file as well. "above" and "at_least" read
    numbers; a value that is none is caught, as it cannot be ruled out. "contains" looks for a text, in any case, or for
    an item of a list.
    """

    field: str
    test: Test
    value: Any

    def __str__(self) -> str:
        if self.test == "contains":
            return f'{self.field} contains "{self.value}"'
        if self.test == "one_of":
            more = len(self.value) - _SHOWN
            shown = ", ".join(map(str, self.value[:_SHOWN])) + (f" and {more} more" if more > 0 else "")
            return f"{self.field} one of {shown}"
        whole = isinstance(self.value, float) and self.value.is_integer()
        return f"{self.field} {self.test.replace('_', ' ')} {int(self.value) if whole else self.value}"

    def to_json(self) -> dict[str, Any]:
        """Return the rule as a table of weaksup.toml."""
        value = list(self.value) if self.test == "one_of" else self.value
        return {"field": self.field, self.test: value}

    def caught(self, values: Sequence[Any]) -> NDArray[np.bool_]:
        """Mark the values [n] that pass the test."""
        if self.test in {"above", "at_least"}:
            return self._measured(values)
        if self.test == "contains":
            passes: Callable[[Any], bool] = _contains(str(self.value).casefold())
        else:
            wanted = self.value if self.test == "one_of" else (self.value,)
            passes = _equals(wanted)
        # A loop over rows: values of a field may be of any type.
        return np.fromiter((not _missing(v) and passes(v) for v in values), np.bool_, len(values))

    def _measured(self, values: Sequence[Any]) -> NDArray[np.bool_]:
        there = np.fromiter((not _missing(v) for v in values), np.bool_, len(values))
        numbers = np.fromiter(map(_number, values), np.float64, len(values))
        unread = there & np.isnan(numbers)
        if there.any() and (unread == there).all():
            got = next(v for v in values if not _missing(v))
            raise UsageError(f'always: expected numbers in the field "{self.field}", got {str(got)[:60]!r}')
        over = numbers > self.value if self.test == "above" else numbers >= self.value
        caught: NDArray[np.bool_] = over | unread
        return caught


AlwaysRule = LabelRule | FieldRule | SliceRule


def rows_caught(
    rule: AlwaysRule, *, label: Rows, labels: LabelSpace, fields: Fields, slices: Sequence[NamedRows]
) -> NDArray[np.bool_]:
    """Mark the rows [n] that a rule sends to people; `label` [n] is what is believed, `fields` are columns [n]."""
    if isinstance(rule, LabelRule):
        if rule.label not in labels.names:
            raise UsageError(f'always: expected a label out of {", ".join(labels.names)}, got "{rule.label}"')
        same: NDArray[np.bool_] = label == labels.index(rule.label)
        return same
    if isinstance(rule, SliceRule):
        return _in_slices(rule.slice, slices, len(label))
    if rule.field not in fields:
        there = ", ".join(fields) or "none"
        raise UsageError(f'always: expected the field "{rule.field}" of the rows, got these fields: {there}')
    if len(fields[rule.field]) != len(label):
        got = len(fields[rule.field])
        raise UsageError(f'always: expected {len(label)} values of the field "{rule.field}", got {got}')
    return rule.caught(fields[rule.field])


def _in_slices(wanted: str, slices: Sequence[NamedRows], n: int) -> NDArray[np.bool_]:
    if any(s.kind == _REST for s in slices):
        raise UsageError("always: expected all slices, got some put together in one; find them with max_slices=10**9")
    found = np.zeros(n, np.bool_)
    for part in slices:
        if wanted in (part.kind, part.name):
            found[part.rows] = True
    return found


def _missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _number(value: Any) -> float:
    """Read a number; NaN where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _contains(wanted: str) -> Callable[[Any], bool]:
    def passes(value: Any) -> bool:
        if isinstance(value, (list, tuple)):
            return any(str(item).casefold() == wanted for item in value)
        return wanted in str(value).casefold()

    return passes


def _equals(wanted: Sequence[Any]) -> Callable[[Any], bool]:
    texts = {_text(value) for value in wanted}
    numbers = {float(value) for value in wanted if isinstance(value, (int, float)) and not isinstance(value, bool)}

    def passes(value: Any) -> bool:
        return _text(value) in texts or (bool(numbers) and not isinstance(value, bool) and _number(value) in numbers)

    return passes


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, (bool, np.bool_)) else str(value)
