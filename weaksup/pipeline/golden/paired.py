"""Two labelings of the same rows: where one is right and the other is not, and what that can be put down to chance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.metrics import Interval

__all__ = ["Paired", "compare_right"]


@dataclass(frozen=True, slots=True)
class Paired:
    """Counts of rows: right with `both`, with the one `before` alone, with the one `now` alone, with `neither`."""

    both: int
    before_only: int
    now_only: int
    neither: int

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.both + self.before_only + self.now_only + self.neither

    @property
    def before(self) -> int:
        """How many rows were right before."""
        return self.both + self.before_only

    @property
    def now(self) -> int:
        """How many rows are right now."""
        return self.both + self.now_only

    @property
    def difference(self) -> float:
        """The accuracy now less the accuracy before, from -1 to 1."""
        return (self.now_only - self.before_only) / self.rows

    @property
    def interval(self) -> Interval:
        """Where the difference lies, at 95 %: Wald's interval, a row added to each side (Bonett and Price, 2012)."""
        n = self.rows + 2
        gained, lost = (self.now_only + 1) / n, (self.before_only + 1) / n
        half = NormalDist().inv_cdf(0.975) * sqrt((gained + lost - (gained - lost) ** 2) / n)
        return max(-1.0, gained - lost - half), min(1.0, gained - lost + half)

    @property
    def p(self) -> float:
        """How likely a difference at least as large is if neither is better: the exact test of McNemar (1947)."""
        from scipy.stats import binomtest

        changed = self.before_only + self.now_only
        return float(binomtest(self.now_only, changed).pvalue) if changed else 1.0

    def to_json(self) -> dict[str, Any]:
        """Return the counts and what follows from them as plain JSON."""
        more = {"rows": self.rows, "right_before": self.before, "right_now": self.now, "difference": self.difference}
        return {**more, **asdict(self), "interval": list(self.interval), "p": self.p}


def compare_right(before: NDArray[np.bool_], now: NDArray[np.bool_]) -> Paired:
    """Compare two marks [n] of the same rows: True where the label was right."""
    if before.shape != now.shape or before.ndim != 1 or not len(now):
        raise UsageError(f"paired: expected two marks of the same rows, got {list(before.shape)}, {list(now.shape)}")
    cells = [before & now, before & ~now, ~before & now, ~before & ~now]
    return Paired(*(int(cell.sum()) for cell in cells))
