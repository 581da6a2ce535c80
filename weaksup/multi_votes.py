"""The vote matrix with a label axis: what every source said about every label of every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.errors import UsageError, VoteError
from weaksup.files import read_info, read_table
from weaksup.label_sets import PRESENT, SIDES
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.votes import KEY, Source, VoteMatrix, VoteWriter

__all__ = ["MultiVotes", "read_votes"]


@dataclass(frozen=True, slots=True, eq=False)
class MultiVotes:
    """Votes int8 [n, m, k]: PRESENT 1, ABSENT 0, ABSTAIN -1 for each row, source and label.

    `asked` [n, m] and `origin` as in `VoteMatrix`. Each label by itself is a `VoteMatrix`: see `for_label`.
    """

    values: NDArray[np.int8]
    ids: tuple[str, ...]
    sources: tuple[Source, ...]
    labels: LabelSpace
    asked: NDArray[np.bool_] | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.labels.multi:
            raise UsageError(
                "multi-label votes: expected LabelSpace([...], multi=True), got a space of one label a row"
            )
        shape = (len(self.ids), len(self.sources), len(self.labels))
        if self.values.shape != shape:
            raise UsageError(
                f"multi-label votes: expected shape {list(shape)} for the ids, sources and labels, "
                f"got {list(self.values.shape)}"
            )
        if self.asked is not None and self.asked.shape != shape[:2]:
            raise UsageError(f"multi-label votes: expected asked {list(shape[:2])}, got {list(self.asked.shape)}")
        twice = [name for i, name in enumerate(self.names) if name in self.names[:i]]
        if twice:
            raise UsageError(f'votes: two sources are named "{twice[0]}"; names must differ')
        if self.values.size and not ABSTAIN <= self.values.min() <= self.values.max() <= PRESENT:
            i, j, c = np.argwhere((self.values < ABSTAIN) | (self.values > PRESENT))[0].tolist()
            raise VoteError(
                f'source "{self.names[j]}", row "{self.ids[i]}", label "{self.labels.names[c]}": '
                f"expected 1 (present), 0 (absent) or -1 to abstain, got {self.values[i, j, c]}"
            )

    @classmethod
    def from_array(
        cls,
        values: ArrayLike,
        *,
        labels: LabelSpace | Sequence[str],
        ids: Sequence[str] | None = None,
        sources: Sequence[str] | None = None,
    ) -> MultiVotes:
        """Wrap an array [n, m, k] of 1 (present), 0 (absent) and -1 (abstain)."""
        array = np.asarray(values)
        if array.ndim != 3 or array.dtype.kind not in "iu":
            raise UsageError(f"multi-label votes: expected integers [n, m, k], got {array.dtype} {list(array.shape)}")
        n, m, _ = array.shape
        return cls(
            values=array.clip(-2, 2).astype(np.int8),  # what is out of range stays so
            ids=tuple(ids) if ids is not None else tuple(map(str, range(n))),
            sources=tuple(Source(name) for name in (sources or [f"source_{j}" for j in range(m)])),
            labels=labels if isinstance(labels, LabelSpace) else LabelSpace(labels, multi=True),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def names(self) -> tuple[str, ...]:
        """The sources' names, in order."""
        return tuple(s.name for s in self.sources)

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Where at least one source said anything of the label, [n, k]."""
        covered: NDArray[np.bool_] = (self.values != ABSTAIN).any(axis=1)
        return covered

    @property
    def speaking(self) -> NDArray[np.bool_]:
        """Which source ever says anything of which label, [m, k]."""
        speaking: NDArray[np.bool_] = (self.values != ABSTAIN).any(axis=0)
        return speaking

    def for_label(self, name: str, *, silent: bool = True) -> VoteMatrix:
        """Return the votes on one label, over ABSENT and PRESENT; `silent=False` leaves out sources that say nothing
        of it anywhere."""
        label = self._position(name)
        votes = np.ascontiguousarray(self.values[:, :, label]).astype(np.int16)
        kept = np.arange(len(self.sources)) if silent else np.flatnonzero((votes != ABSTAIN).any(axis=0))
        return VoteMatrix(
            values=votes[:, kept],
            ids=self.ids,
            sources=tuple(self.sources[j] for j in kept.tolist()),
            labels=SIDES,
            asked=None if self.asked is None else self.asked[:, kept],
            origin=self.origin,
        )

    def for_any_label(self) -> VoteMatrix:
        """Return which source says anything of any label: PRESENT where it does."""
        said = (self.values != ABSTAIN).any(axis=2)
        values = np.where(said, PRESENT, ABSTAIN).astype(np.int16)
        return VoteMatrix(values, self.ids, self.sources, SIDES, self.asked, origin=self.origin)

    def take(self, rows: NDArray[np.integer[Any]] | NDArray[np.bool_]) -> MultiVotes:
        """Keep the named rows (a mask or positions), in that order."""
        where = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return replace(
            self,
            values=self.values[where],
            ids=tuple(self.ids[i] for i in where.tolist()),
            asked=None if self.asked is None else self.asked[where],
        )

    def save(self, path: str | Path) -> None:
        """Write Parquet: id, then a column a source: a list of k (-1 = abstained), or null where it was not asked."""
        with VoteWriter(path, self.sources, self.labels, self.origin) as writer:
            writer.write(self.ids, self.values, self.asked)

    @classmethod
    def load(cls, path: str | Path) -> MultiVotes:
        """Read what `save` or `weaksup apply` wrote."""
        table, info = read_table(path, KEY, what="votes")
        labels = LabelSpace.from_json(info["labels"])
        if not labels.multi:
            raise UsageError(
                f"expected multi-label votes, got votes for one label a row in {path}; use VoteMatrix.load"
            )
        sources = tuple(Source(**s) for s in info["sources"])
        shape = (table.num_rows, len(sources), len(labels))
        values, asked = np.full(shape, ABSTAIN, np.int8), np.ones(shape[:2], np.bool_)
        for j, source in enumerate(sources):
            column = table.column(source.name).combine_chunks()
            asked[:, j] = column.is_valid().to_numpy(zero_copy_only=False)
            values[asked[:, j], j] = column.flatten().to_numpy().reshape(-1, shape[2])
        ids = tuple(table.column("id").to_pylist())
        return cls(values, ids, sources, labels, None if asked.all() else asked, info["origin"])

    def _position(self, name: str) -> int:
        if name not in self.labels.names:
            raise UsageError(f'expected one of the labels {", ".join(self.labels.names)}; got "{name}"')
        return self.labels.names.index(name)


def read_votes(path: str | Path) -> VoteMatrix | MultiVotes:
    """Read a file of votes of either kind."""
    info = read_info(path, KEY, what="votes")
    return MultiVotes.load(path) if info["labels"].get("multi", False) else VoteMatrix.load(path)
