"""Run Snorkel's own LabelingFunction objects unchanged, with their preprocessors, resources and memo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from weaksup.corpus.rows import Chunk, Row
from weaksup.labeling_functions.base import vote_rows
from weaksup.labeling_functions.one_row import as_row, thaw
from weaksup.labels import LabelSpace
from weaksup.protocols import ChunkVotes

__all__ = ["Point", "SnorkelLF", "is_snorkel_lf"]


class Point(SimpleNamespace):
    """A data point as Snorkel's functions expect it: `x.text`, `x["text"]`, `x.get("text")`; it may be written to."""

    def __getitem__(self, name: str) -> Any:
        return self.__dict__[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def get(self, name: str, default: Any = None) -> Any:
        """Return the field, or `default` where there is none."""
        return self.__dict__.get(name, default)


def is_snorkel_lf(thing: object) -> bool:
    """Recognise a Snorkel labeling function by its class, without importing Snorkel."""
    return any(
        kind.__name__ == "LabelingFunction" and kind.__module__.partition(".")[0] == "snorkel"
        for kind in type(thing).__mro__
    )


@dataclass(frozen=True, slots=True, eq=False)
class SnorkelLF:
    """A voter around a Snorkel labeling function; each call sees a fresh point, so it changes nothing for others."""

    lf: Any

    @property
    def name(self) -> str:
        """The name that Snorkel knows."""
        return str(self.lf.name)

    def __call__(self, row: Any) -> Any:
        """Return the raw vote on one row."""
        return self._call(as_row(row))

    def vote(self, chunk: Chunk, labels: LabelSpace) -> ChunkVotes:
        """Vote on every row of the chunk."""
        # Snorkel's memo keeps every row it has seen for ever: here it lives as long as the chunk.
        for mapper in _mappers(self.lf._pre):
            if mapper.memoize and ("snorkel", id(mapper)) not in chunk.memo:
                mapper.reset_cache()
                chunk.memo["snorkel", id(mapper)] = mapper
        return vote_rows(self._call, chunk.rows, labels)

    def _call(self, row: Row) -> Any:
        return self.lf(Point(**{name: thaw(value) for name, value in row.as_dict().items()}))

    def __repr__(self) -> str:
        return f"SnorkelLF {self.name}"


def _mappers(mappers: Iterable[Any]) -> Iterator[Any]:
    for mapper in mappers:
        yield mapper
        yield from _mappers(mapper._pre)
