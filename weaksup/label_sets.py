"""Rows with any number of labels: what a vote and what gold may look like there, and probabilistic label sets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.files import read_table, write_table
from weaksup.labels import ABSTAIN, LabelSpace

__all__ = ["ABSENT", "PRESENT", "SIDES", "SoftLabelSets", "encode_sets", "gold_set"]

ABSENT, PRESENT = 0, 1
SIDES = LabelSpace(("ABSENT", "PRESENT"))
"""The label space of one label by itself."""

_KEY = "weaksup.labels"  # as for single labels: each kind of file says what the other is
_INVALID = -2  # as in LabelSpace.encode
_MARKS = {True: PRESENT, False: ABSENT, None: ABSTAIN}


def encode_sets(values: Sequence[object], labels: LabelSpace) -> NDArray[np.int16]:
    """Turn raw votes into codes [n, k]: PRESENT 1, ABSENT 0, ABSTAIN -1; a row of -2 for a value that is no vote.

    A label, or a list, tuple or set of labels, is PRESENT there and abstains elsewhere, so an empty list says nothing;
    a mapping of labels to True, False or None says each; `None` and -1 abstain on all. Labels are names or indices.
    """
    codes = labels.abstains(len(values))
    for i, value in enumerate(values):
        if value is None:
            continue
        marks = _marks(value, labels)
        if marks is None:
            codes[i] = _INVALID
        else:
            codes[i, list(marks)] = list(marks.values())
    return codes


def _marks(value: object, labels: LabelSpace) -> dict[int, int] | None:
    """Return what a vote says, by label; `None` where it is no vote."""
    if isinstance(value, Mapping):
        said = list(value.items())
    elif isinstance(value, (list, tuple, Set)):
        said = [(label, True) for label in dict.fromkeys(map(_plain, value))]
    else:
        code = labels.encode_one(value)
        return None if code == _INVALID else {} if code == ABSTAIN else {code: PRESENT}
    marks = {labels.encode_one(label): _mark(mark) for label, mark in said}
    whole = len(marks) == len(said) and all(code >= 0 for code in marks) and _INVALID not in marks.values()
    return marks if whole else None


def _plain(label: object) -> object:
    return label if isinstance(label, (str, int, np.integer)) else None  # no label may be unhashable


def _mark(mark: object) -> int:
    known = mark is None or isinstance(mark, (bool, np.bool_))
    return _MARKS[None if mark is None else bool(mark)] if known else _INVALID


def gold_set(value: object, labels: LabelSpace) -> object:
    """Return one value of a gold column as a vote: a list names the labels PRESENT there, all others are ABSENT.

    A list is a list, its JSON, or the names joined by "|"; one label, a name or an index, is a list of one; `[]` has no
    label. A mapping, or its JSON, says each label, and leaves those that it does not name unknown. `None` and -1 are
    not known. Anything else is left to be refused.
    """
    if isinstance(value, str):
        value = _from_text(value)
    if isinstance(value, (str, int, np.integer)) and not isinstance(value, bool) and value != ABSTAIN:
        value = [value]
    if not isinstance(value, (list, tuple, Set)):
        return value
    absent = dict.fromkeys(range(len(labels)), False)
    return absent | {labels.encode_one(_plain(label)): True for label in value}


def _from_text(text: str) -> object:
    if text.lstrip()[:1] not in ("[", "{"):
        return [name.strip() for name in text.split("|")]
    try:
        return json.loads(text)
    except ValueError:
        return text


@dataclass(frozen=True, slots=True, eq=False)
class SoftLabelSets:
    """Probabilistic label sets: for each row and label the probability that the row has the label.

    `proba` is float64 [n, k], each label by itself: rows do not sum to 1. `covered` [n, k] is False where no source
    said anything of the label: there the probability is only the class balance, not a prediction.
    """

    ids: tuple[str, ...]
    proba: NDArray[np.float64]
    covered: NDArray[np.bool_]
    labels: LabelSpace

    def __post_init__(self) -> None:
        shape = (len(self.ids), len(self.labels))
        if not self.labels.multi or self.proba.shape != shape or self.covered.shape != shape:
            raise UsageError(
                f"soft label sets: expected a multi-label space, proba and covered {list(shape)}; "
                f"got {list(self.proba.shape)} and {list(self.covered.shape)}"
            )
        if self.proba.size and not ((self.proba >= 0) & (self.proba <= 1)).all():
            raise UsageError("soft label sets: every probability must be from 0 to 1")

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[np.int64]) -> SoftLabelSets:
        """Return these rows, by position."""
        ids = tuple(self.ids[i] for i in rows.tolist())
        return SoftLabelSets(ids, self.proba[rows], self.covered[rows], self.labels)

    def hard(self) -> NDArray[np.int8]:
        """PRESENT where p > 1/2, ABSENT where p < 1/2, [n, k]; -1 where nothing was said of the label, or p = 1/2."""
        side = np.where(self.proba > 0.5, PRESENT, ABSENT)
        return np.where(self.covered & (self.proba != 0.5), side, ABSTAIN).astype(np.int8)

    def save(self, path: str, meta: Mapping[str, Any] | None = None) -> None:
        """Write Parquet: id, labels (a list of those PRESENT), then p(<label>) and covered(<label>) for each label."""
        names = self.labels.names
        row, label = np.nonzero(self.hard() == PRESENT)
        starts = np.searchsorted(row, np.arange(len(self) + 1)).astype(np.int32)
        present = pa.array(names, pa.string()).take(pa.array(label))
        columns = {"id": pa.array(self.ids, pa.string()), "labels": pa.ListArray.from_arrays(starts, present)}
        for j, name in enumerate(names):
            columns[f"p({name})"] = pa.array(np.ascontiguousarray(self.proba[:, j]))
            columns[f"covered({name})"] = pa.array(np.ascontiguousarray(self.covered[:, j]))
        info = {"labels": self.labels.to_json(), **(meta or {})}
        write_table(pa.table(columns).replace_schema_metadata({_KEY: json.dumps(info)}), path)

    @classmethod
    def load(cls, path: str) -> SoftLabelSets:
        """Read what `save` wrote."""
        table, info = read_table(path, _KEY, what="soft labels")
        labels = LabelSpace.from_json(info["labels"])
        if not labels.multi:
            raise UsageError(f"expected multi-label soft labels, got {path} with one label a row; use SoftLabels.load")
        shape = (table.num_rows, len(labels))
        proba, covered = np.empty(shape), np.empty(shape, np.bool_)
        for j, name in enumerate(labels.names):
            proba[:, j] = table.column(f"p({name})").to_numpy()
            covered[:, j] = table.column(f"covered({name})").to_numpy()
        return cls(tuple(table.column("id").to_pylist()), proba, covered, labels)
