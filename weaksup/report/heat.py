"""The heat map: one square, overlaps above its diagonal, conflicts below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weaksup.report.scale import level

if TYPE_CHECKING:
    from weaksup.analysis import Analysis

__all__ = ["Cell", "HeatMap", "heat_map"]

_SOURCES = 60  # wide and heavy enough; more sources show those that conflict most
_NUMBERED = 20  # up to so many sources there is room for a number in each cell


@dataclass(frozen=True, slots=True)
class Cell:
    """Rows of one pair: `kind` is overlap, conflict or self; `fight` is the pair's place in the list of fights."""

    kind: str
    rows: int
    both: int
    level: int
    other: str
    fight: int | None


@dataclass(frozen=True, slots=True)
class HeatMap:
    """`sources`: positions shown, in order; `lines` [s][s]; `left_out`: how many sources are not shown."""

    sources: tuple[int, ...]
    lines: tuple[tuple[Cell, ...], ...]
    left_out: int
    numbered: bool


def heat_map(analysis: Analysis, fights: Mapping[frozenset[str], int]) -> HeatMap:
    """Lay out the pairs of sources; of more than 60, those with most conflicts (then overlaps)."""
    m = len(analysis.sources)
    weight = [(-sum(analysis.conflicts[i]), -sum(analysis.overlaps[i]), i) for i in range(m)]
    shown = sorted(i for *_, i in sorted(weight)[:_SOURCES])
    pairs = [(i, j) for i in shown for j in shown if i != j]
    most = (
        max((analysis.overlaps[i][j] for i, j in pairs), default=0),
        max((analysis.conflicts[i][j] for i, j in pairs), default=0),
    )
    lines = tuple(tuple(_cell(analysis, fights, most, i, j) for j in shown) for i in shown)
    return HeatMap(tuple(shown), lines, m - len(shown), len(shown) <= _NUMBERED)


def _cell(analysis: Analysis, fights: Mapping[frozenset[str], int], most: tuple[int, int], i: int, j: int) -> Cell:
    both, other = analysis.overlaps[i][j], analysis.sources[j].name
    if i == j:
        return Cell("self", both, both, 0, other, None)
    if i < j:
        return Cell("overlap", both, both, level(both, most[0]), other, None)
    rows = analysis.conflicts[i][j]
    fight = fights.get(frozenset((analysis.sources[i].name, other)))
    return Cell("conflict", rows, both, level(rows, most[1]), other, fight)
