"""The vote matrix: what every source said about every row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from weaksup.errors import UsageError, VoteError
from weaksup.files import atomic_path, read_table
from weaksup.labels import ABSTAIN, LabelSpace

__all__ = ["KEY", "Source", "SourceKind", "VoteMatrix", "VoteWriter", "Votes"]

Votes = NDArray[np.int16]  # [n, m], class index or ABSTAIN
SourceKind = Literal["lf", "tier", "student", "person"]

KEY = "weaksup.votes"
"""Of the JSON in a file of votes."""


@dataclass(frozen=True, slots=True)
class Source:
    """One voter: a labeling function, a model tier, a student, a person.

    `group` names a shared cause (two prompts on one model, say); sources of one group are not independent.
    """

    name: str
    kind: SourceKind = "lf"
    group: str = ""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class VoteMatrix:
    """Votes [n, m] with row ids, sources and label space; `np.asarray(votes)` is the Snorkel label matrix.

    `values` cannot be written to: what is found out about a matrix stays true (`patterns.find_patterns`).
    `asked` [n, m] tells a source that abstained (True) from one that was never asked there, or failed (False);
    `None` means every source saw every row. A cell that was not asked holds ABSTAIN in `values`.
    `confidence` [n, m] is what a source said of its own vote, in 0..1, NaN where it said nothing.
    `origin` is JSON: where the rows came from, so that later steps find the texts again.
    """

    values: Votes
    ids: tuple[str, ...]
    sources: tuple[Source, ...]
    labels: LabelSpace
    asked: NDArray[np.bool_] | None = None
    confidence: NDArray[np.float32] | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", self.values.view())
        self.values.flags.writeable = False
        if self.values.ndim != 2 or self.values.shape != (len(self.ids), len(self.sources)):
            raise UsageError(
                f"votes: expected shape [{len(self.ids)}, {len(self.sources)}] for the ids and sources, "
                f"got {list(self.values.shape)}"
            )
        for extra in (self.asked, self.confidence):
            if extra is not None and extra.shape != self.values.shape:
                raise UsageError(f"votes: expected shape {list(self.values.shape)}, got {list(extra.shape)}")
        names = [s.name for s in self.sources]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise UsageError(f'votes: two sources are named "{twice}"; names must differ')
        if self.values.size and not -1 <= self.values.min() <= self.values.max() < len(self.labels):
            i, j = np.argwhere((self.values < -1) | (self.values >= len(self.labels)))[0].tolist()
            raise VoteError(
                f'source "{names[j]}", row "{self.ids[i]}": expected {self.labels.expected}, got {self.values[i, j]}'
            )

    @classmethod
    def from_array(
        cls,
        values: ArrayLike,
        *,
        labels: LabelSpace | None = None,
        cardinality: int | None = None,
        ids: Sequence[str] | None = None,
        sources: Sequence[str] | None = None,
    ) -> VoteMatrix:
        """Wrap a label matrix [n, m] with -1 = abstain, as Snorkel, wrench and crowd tools have it."""
        array = np.asarray(values)
        if array.ndim != 2:
            raise UsageError(f"votes: expected a matrix [n, m] with -1 for abstain, got {array.ndim} dimension(s)")
        if array.size and not (np.issubdtype(array.dtype, np.integer) or (array == np.floor(array)).all()):
            raise VoteError("votes: expected whole numbers (class indices, -1 for abstain), got fractions or NaN")
        if labels is None:
            k = cardinality or max(2, int(array.max(initial=1)) + 1)
            labels = LabelSpace([str(c) for c in range(k)])
        n, m = array.shape
        return cls(
            values=array.astype(np.int16),
            ids=tuple(ids) if ids is not None else tuple(map(str, range(n))),
            sources=tuple(Source(name) for name in (sources or [f"source_{j}" for j in range(m)])),
            labels=labels,
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def names(self) -> tuple[str, ...]:
        """The sources' names, in column order."""
        return tuple(s.name for s in self.sources)

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Where at least one source voted, [n]."""
        covered: NDArray[np.bool_] = (self.values != ABSTAIN).any(axis=1)
        return covered

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the label matrix [n, m]; the answer may not be written to."""
        wanted = self.values if dtype is None else self.values.astype(dtype, copy=False)
        return wanted.copy() if copy else wanted

    def take(self, rows: NDArray[np.integer[Any]] | NDArray[np.bool_]) -> VoteMatrix:
        """Keep the named rows (a mask or positions), in that order."""
        where = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return replace(
            self,
            values=self.values[where],
            ids=tuple(self.ids[i] for i in where.tolist()),
            asked=None if self.asked is None else self.asked[where],
            confidence=None if self.confidence is None else self.confidence[where],
        )

    def with_source(
        self,
        source: Source,
        votes: Mapping[str, int],
        *,
        confidence: Mapping[str, float] | None = None,
    ) -> VoteMatrix:
        """Add a source asked only on the ids in `votes` (id -> class index, or ABSTAIN); replace one of that name."""
        kept = [j for j, s in enumerate(self.sources) if s.name != source.name]
        n = len(self.ids)
        column = np.array([votes.get(i, ABSTAIN) for i in self.ids], np.int16).reshape(n, 1)
        asked = np.array([i in votes for i in self.ids], np.bool_).reshape(n, 1)
        before = np.ones((n, len(kept)), np.bool_) if self.asked is None else self.asked[:, kept]
        said = self._confidence_with(kept, confidence)
        return replace(
            self,
            values=np.hstack([self.values[:, kept], column]),
            sources=(*(self.sources[j] for j in kept), source),
            asked=np.hstack([before, asked]),
            confidence=said,
        )

    def _confidence_with(self, kept: list[int], new: Mapping[str, float] | None) -> NDArray[np.float32] | None:
        if self.confidence is None and not new:
            return None
        n = len(self.ids)
        before = np.full((n, len(kept)), np.nan, np.float32) if self.confidence is None else self.confidence[:, kept]
        column = np.array([(new or {}).get(i, np.nan) for i in self.ids], np.float32).reshape(n, 1)
        return np.hstack([before, column])

    def save(self, path: str | Path) -> None:
        """Write Parquet: id, then one int16 column a source (-1 = abstained, null = not asked)."""
        with VoteWriter(path, self.sources, self.labels, self.origin) as writer:
            writer.write(self.ids, self.values, self.asked, self.confidence)

    @classmethod
    def load(cls, path: str | Path) -> VoteMatrix:
        """Read what `save` or `weaksup apply` wrote."""
        table, info = read_table(path, KEY, what="votes")
        labels = LabelSpace.from_json(info["labels"])
        if labels.multi:
            raise UsageError(
                f"expected votes for one label a row, got multi-label votes in {path}; only `weaksup analyze` and "
                "`weaksup fit` take them yet"
            )
        sources = tuple(Source(**s) for s in info["sources"])
        n, m = table.num_rows, len(sources)
        values = np.full((n, m), ABSTAIN, np.int16)
        asked = np.ones((n, m), np.bool_)
        confidence = np.full((n, m), np.nan, np.float32)
        for j, source in enumerate(sources):
            column = table.column(source.name)
            asked[:, j] = column.is_valid().to_numpy()
            values[:, j] = column.fill_null(ABSTAIN).to_numpy()
            if f"confidence({source.name})" in table.column_names:
                said = table.column(f"confidence({source.name})").fill_null(float("nan"))
                confidence[:, j] = said.to_numpy()
        return cls(
            values=values,
            ids=tuple(table.column("id").to_pylist()),
            sources=sources,
            labels=labels,
            asked=None if asked.all() else asked,
            confidence=None if np.isnan(confidence).all() else confidence,
            origin=info["origin"],
        )


class VoteWriter:
    """Write votes batch by batch to one Parquet file that appears only when it is whole.

    Set `origin` before leaving the `with` block; it is stored with the file.
    """

    def __init__(
        self,
        path: str | Path,
        sources: Iterable[Source],
        labels: LabelSpace,
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = Path(path)
        self.sources = tuple(sources)
        self.labels = labels
        self.origin: Mapping[str, Any] = origin or {}
        taken = {"id", *(f"confidence({s.name})" for s in self.sources)}
        if clash := [s.name for s in self.sources if s.name in taken]:
            raise UsageError(f'votes: expected another name for the source "{clash[0]}", a column of the file')
        self._stack = ExitStack()
        self._part: Path | None = None
        self._file: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        self._part = self._stack.enter_context(atomic_path(self.path))
        return self

    def write(
        self,
        ids: Sequence[str],
        values: NDArray[Any],
        asked: NDArray[np.bool_] | None = None,
        confidence: NDArray[np.float32] | None = None,
    ) -> None:
        """Append rows: ids [n], values [n, m], or [n, m, k] of multi-label votes; the rest as in `VoteMatrix`."""
        columns: dict[str, pa.Array] = {"id": pa.array(ids, pa.string())}
        for j, source in enumerate(self.sources):
            mask = None if asked is None else ~asked[:, j]
            columns[source.name] = _column(values[:, j], mask)
        if confidence is not None:
            for j, source in enumerate(self.sources):
                said = np.ascontiguousarray(confidence[:, j])
                columns[f"confidence({source.name})"] = pa.array(said, pa.float32(), mask=np.isnan(said))
        table = pa.table(columns)
        if self._file is None:
            self._file = pq.ParquetWriter(self._part, table.schema, compression="zstd")
        self._file.write_table(table)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._file is None:  # no rows at all: still a valid file
            k = (len(self.labels),) if self.labels.multi else ()
            self.write([], np.empty((0, len(self.sources), *k), np.int16))
        if self._file is not None:
            info = {
                "labels": self.labels.to_json(),
                "sources": [{"name": s.name, "kind": s.kind, "group": s.group} for s in self.sources],
                "origin": dict(self.origin),
            }
            self._file.add_key_value_metadata({KEY: json.dumps(info)})
            self._file.close()
        self._stack.__exit__(kind, error, trace)


def _column(votes: NDArray[Any], mask: NDArray[np.bool_] | None) -> pa.Array:
    """Make a column of votes [n], or of lists [n, k]; null where the source was not asked."""
    if votes.ndim == 1:
        return pa.array(np.ascontiguousarray(votes), pa.int16(), mask=mask)
    flat = pa.array(votes.astype(np.int8).ravel())
    nulls = None if mask is None else pa.array(mask)
    return pa.FixedSizeListArray.from_arrays(flat, votes.shape[1], mask=nulls)
