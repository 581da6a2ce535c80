"""Label spaces, the abstain value, and probabilistic labels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weaksup.errors import UsageError, VoteError
from weaksup.files import read_table, write_table

__all__ = ["ABSTAIN", "LabelSpace", "SoftLabels", "encode_gold", "read_lineage"]

ABSTAIN = -1
"""The vote that is no vote. Defined here and nowhere else."""

_KEY = "weaksup.labels"  # of the JSON in a file of soft labels
_INVALID = -2  # what `encode` puts where a value is no label
_PLAIN = {str, int, type(None)}


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """Name the classes; the position of a name is its class index.

    With `multi=True` a row may have any number of the labels: a vote then says PRESENT, ABSENT or nothing of each.

    >>> space = LabelSpace({"HAM": "a message from a person", "SPAM": "an unwanted offer"})
    >>> space.index("SPAM"), space.index(None), len(space)
    (1, -1, 2)
    """

    names: tuple[str, ...]
    descriptions: tuple[str, ...] = ()
    guideline: str = ""
    version: str = "1"
    multi: bool = False
    _codes: dict[object, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __init__(
        self,
        names: Iterable[str] | Mapping[str, str],
        descriptions: Sequence[str] = (),
        *,
        guideline: str = "",
        version: str = "1",
        multi: bool = False,
    ) -> None:
        if isinstance(names, str):
            raise UsageError(f'label space: expected a list of names, got the string "{names}"; write ["{names}", ...]')
        texts = tuple(names.values()) if isinstance(names, Mapping) else tuple(descriptions)
        set_field = object.__setattr__
        set_field(self, "names", tuple(names))
        set_field(self, "descriptions", texts or ("",) * len(self.names))
        set_field(self, "guideline", guideline)
        set_field(self, "version", version)
        set_field(self, "multi", bool(multi))
        _check_names(self.names, self.descriptions, least=1 if multi else 2)
        codes: dict[object, int] = {None: ABSTAIN, ABSTAIN: ABSTAIN}
        codes.update({i: i for i in range(len(self.names))})
        codes.update({name: i for i, name in enumerate(self.names)})
        set_field(self, "_codes", codes)

    def __len__(self) -> int:
        return len(self.names)

    def index(self, value: object) -> int:
        """Return the class index of a name or an index, or -1 for `None` and -1; raise `VoteError` for all else."""
        code = self.encode_one(value)
        if code == _INVALID:
            raise VoteError(f"expected {self.expected}, got {_show(value)}")
        return code

    def encode(self, values: Sequence[object]) -> NDArray[np.int16]:
        """Turn raw votes into class indices [n]; a value that is no vote becomes -2 (see `first_invalid`).

        In a multi-label space the codes are [n, k], see `label_sets.encode_sets`.
        """
        if self.multi:
            from weaksup.label_sets import encode_sets  # it builds on this module

            return encode_sets(values, self)
        if set(map(type, values)) <= _PLAIN:
            codes = self._codes
            return np.fromiter((codes.get(v, _INVALID) for v in values), np.int16, len(values))
        return np.fromiter((self.encode_one(v) for v in values), np.int16, len(values))

    def encode_one(self, value: object) -> int:
        """Return the class index of a name or an index, -1 for `None` and -1, -2 for all else."""
        # True == 1 and 1.0 == 1 in a dict: a type check keeps them out.
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, (str, int, np.integer, type(None))):
            return _INVALID
        plain = str(value) if isinstance(value, str) else None if value is None else int(value)
        return self._codes.get(plain, _INVALID)

    def abstains(self, n: int) -> NDArray[np.int16]:
        """Return the codes of n votes that say nothing, [n], or [n, k] in a multi-label space."""
        return np.full((n, len(self)) if self.multi else n, ABSTAIN, np.int16)

    @staticmethod
    def invalid_rows(codes: NDArray[np.int16]) -> NDArray[np.int64]:
        """Return the positions of the values that are no vote."""
        return np.flatnonzero((codes if codes.ndim == 1 else codes[:, 0]) == _INVALID)

    @classmethod
    def first_invalid(cls, codes: NDArray[np.int16]) -> int | None:
        """Return the position of the first value that is no vote, or `None`."""
        where = cls.invalid_rows(codes)
        return int(where[0]) if where.size else None

    @property
    def expected(self) -> str:
        """Say what a vote may be, for error messages."""
        shown = ", ".join(self.names[:6]) + (", ..." if len(self.names) > 6 else "")
        if self.multi:
            one = f"one of {shown}, or an index 0 to {len(self.names) - 1}"
            return f"a label ({one}), a list of labels, {{label: True / False / None}}, or None / -1 to abstain"
        return f"one of {shown}, an index 0 to {len(self.names) - 1}, or None / -1 to abstain"

    def to_json(self) -> dict[str, Any]:
        """Return the label space as plain JSON."""
        return {
            "names": list(self.names),
            "descriptions": list(self.descriptions),
            "guideline": self.guideline,
            "version": self.version,
            **({"multi": True} if self.multi else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LabelSpace:
        """Read what `to_json` wrote."""
        about = {"guideline": data["guideline"], "version": data["version"], "multi": data.get("multi", False)}
        return cls(data["names"], data["descriptions"], **about)


def _check_names(names: tuple[str, ...], descriptions: tuple[str, ...], *, least: int) -> None:
    if len(names) < least:
        raise UsageError(f"label space: expected at least {least} label(s), got {len(names)}; name every class")
    for name in names:
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise UsageError(f"label space: expected printable, non-empty names, got {_show(name)}")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f'label space: the label "{twice}" is named twice; names must differ')
    if len(descriptions) != len(names):
        raise UsageError(f"label space: expected {len(names)} descriptions, got {len(descriptions)}")


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def encode_gold(values: Sequence[object], labels: LabelSpace, *, column: str = "gold") -> NDArray[np.int16]:
    """Turn a gold column into class indices [n]; empty, null and -1 mean "not known" and become -1.

    A column of strings such as "1" is read as class indices when no label has that name. In a multi-label space gold
    is [n, k], see `label_sets.gold_set`.
    """
    cleaned: list[object] = [None if v is None or v in ("", "-1") else v for v in values]
    if labels.multi:
        from weaksup.label_sets import gold_set

        cleaned = [gold_set(v, labels) for v in cleaned]
    codes = labels.encode(cleaned)
    if labels.first_invalid(codes) is not None:
        codes = labels.encode([_as_index(v) if v not in labels.names else v for v in cleaned])
    bad = labels.first_invalid(codes)
    if bad is not None:
        either = (
            f'the labels of a row as a list, its JSON, or names joined by "|", out of {", ".join(labels.names[:6])}'
        )
        expected = either if labels.multi else labels.expected
        raise VoteError(f'column "{column}", row {bad + 1}: expected {expected}, got {_show(values[bad])}')
    return codes


def _as_index(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


@dataclass(frozen=True, slots=True, eq=False)
class SoftLabels:
    """Probabilistic labels: for each row a distribution over the classes.

    `proba` is float64 [n, k] and its rows sum to 1; `covered` [n] is False where no source voted: there the row is
    only the prior, not a prediction.
    """

    ids: tuple[str, ...]
    proba: NDArray[np.float64]
    covered: NDArray[np.bool_]
    labels: LabelSpace

    def __post_init__(self) -> None:
        n, k = self.proba.shape
        if (len(self.ids), len(self.covered), len(self.labels)) != (n, n, k):
            raise UsageError(f"soft labels: expected {n} ids, {n} coverage marks and {k} labels for proba [{n}, {k}]")
        if n and not (np.isfinite(self.proba).all() and np.allclose(self.proba.sum(axis=1), 1.0, atol=1e-6)):
            raise UsageError("soft labels: every row of proba must be finite and sum to 1")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def confidence(self) -> NDArray[np.float64]:
        """The largest probability of each row, [n]."""
        confidence: NDArray[np.float64] = self.proba.max(axis=1)
        return confidence

    def hard(self) -> NDArray[np.int16]:
        """The most probable class of each row [n]; -1 where no source voted."""
        return np.where(self.covered, self.proba.argmax(axis=1), ABSTAIN).astype(np.int16)

    def take(self, rows: NDArray[np.integer[Any]]) -> SoftLabels:
        """Keep the rows at these positions, in that order."""
        ids = tuple(self.ids[i] for i in rows.tolist())
        return SoftLabels(ids, self.proba[rows], self.covered[rows], self.labels)

    def save(self, path: str, meta: Mapping[str, Any] | None = None) -> None:
        """Write Parquet: id, label (null where uncovered), confidence, covered, and p(<label>) per class."""
        names = self.labels.names
        hard = [names[c] if c >= 0 else None for c in self.hard().tolist()]
        columns = {
            "id": pa.array(self.ids, pa.string()),
            "label": pa.array(hard, pa.string()),
            "confidence": pa.array(self.confidence),
            "covered": pa.array(self.covered),
        }
        columns.update({f"p({name})": pa.array(self.proba[:, j]) for j, name in enumerate(names)})
        info = {"labels": self.labels.to_json(), **(meta or {})}
        table = pa.table(columns).replace_schema_metadata({_KEY: json.dumps(info)})
        write_table(table, path)

    @classmethod
    def load(cls, path: str) -> SoftLabels:
        """Read what `save` wrote."""
        table, info = read_table(path, _KEY, what="soft labels")
        labels = LabelSpace.from_json(info["labels"])
        if labels.multi:
            raise UsageError(
                f"expected one label a row, got multi-label soft labels in {path}; SoftLabelSets.load takes them"
            )
        proba = np.column_stack([table.column(f"p({name})").to_numpy() for name in labels.names])
        covered = table.column("covered").to_numpy().astype(bool)
        return cls(tuple(table.column("id").to_pylist()), proba, covered, labels)


def read_lineage(path: str) -> dict[str, Any]:
    """Return what stands beside the labels in a file of soft labels: the origin of the rows, the model, the sources."""
    info = read_table(path, _KEY, what="soft labels")[1]
    return {name: value for name, value in info.items() if name != "labels"}
