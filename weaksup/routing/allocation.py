"""Which rows to spend on: a linear program over cells of like rows and chains of tiers, under all caps at once.

The greedy way, by the concave hull of each cell's choices, is the optimum too where one cap binds (the fractional
multiple-choice knapsack: Sinha & Zoltners, 1979); it is here to check the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError, WeaksupError

__all__ = ["Allocation", "Choices", "allocate", "allocate_greedily"]

Floats = NDArray[np.float64]

_THRIFT = 1e-6  # of two ways that gain the same, the one that uses less


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """What may be done with the rows of g cells, by one of c chains each; a row that gets no chain is not asked.

    `rows` [g] counts them; `gain` [g, c] is the drop in error and `use` [u, g, c] what is used, of each row; `caps` [u]
    the most of each use in all, inf where there is none; `allowed` [g, c].
    """

    rows: Floats
    gain: Floats
    use: Floats
    caps: Floats
    allowed: NDArray[np.bool_]

    def __post_init__(self) -> None:
        g, c = self.gain.shape
        u = len(self.caps)
        if self.rows.shape != (g,) or self.use.shape != (u, g, c) or self.allowed.shape != (g, c):
            raise UsageError(f"allocation: expected rows [{g}], use [{u}, {g}, {c}] and allowed [{g}, {c}]")
        for values, top in ((self.rows, np.inf), (self.gain, np.inf), (self.use, np.inf), (self.caps, None)):
            if not (values >= 0).all() or (top is not None and not (values < top).all()):
                raise UsageError("allocation: expected finite rows, gains and uses of 0 or more, and caps of 0 or more")

    def worth(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the cells and chains [v] that gain anything, and use nothing of which there is none."""
        none = (self.use[self.caps == 0] > 0).any(axis=0)
        cell, chain = np.nonzero(self.allowed & (self.gain > 0) & (self.rows > 0)[:, None] & ~none)
        return cell, chain


@dataclass(frozen=True, slots=True, eq=False)
class Allocation:
    """How many rows of each cell go each way.

    `rows` [g, c], fractions of rows too; `gain` is the drop in error in all; `prices` [u] the errors that one more unit
    of each cap would avoid, 0 where the cap does not bind.
    """

    rows: Floats
    gain: float
    prices: Floats


def allocate(choices: Choices) -> Allocation:
    """Return the allocation with the largest drop in error under all caps (linear program, solved by Clarabel)."""
    cell, chain = choices.worth()
    nothing = Allocation(np.zeros(choices.gain.shape), 0.0, np.zeros(len(choices.caps)))
    if not len(cell):
        return nothing
    size = choices.rows[cell]
    gain = choices.gain[cell, chain] * size
    use = choices.use[:, cell, chain] * size
    bound = np.isfinite(choices.caps) & (use.max(axis=1) > 0)
    scale = np.where(bound, use.max(axis=1), 1.0)
    shares, duals = _solve(gain / gain.max(), (use / scale[:, None])[bound], (choices.caps / scale)[bound], cell)
    prices = nothing.prices.copy()
    prices[bound] = np.maximum(duals, 0.0) * gain.max() / scale[bound]
    rows = nothing.rows.copy()
    rows[cell, chain] = shares * size
    return Allocation(rows, float(gain @ shares), prices)


def _solve(gain: Floats, use: Floats, caps: Floats, cell: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the share [v] of its cell's rows that each way gets, and the price [u] of each cap; all is scaled to 1."""
    import cvxpy as cp
    from scipy.sparse import csr_matrix

    ways = np.arange(len(cell))
    member = csr_matrix((np.ones(len(cell)), (np.unique(cell, return_inverse=True)[1], ways)))
    share: Any = cp.Variable(len(cell), nonneg=True)
    limits: list[Any] = [member @ share <= 1]
    if len(caps):
        limits.append(use @ share <= caps)
    thrift = _THRIFT * use.sum(axis=0) / max(float(use.sum(axis=0).max(initial=0.0)), 1.0)
    problem = cp.Problem(cp.Maximize((gain - np.minimum(thrift, gain / 2)) @ share), limits)
    problem.solve(solver="CLARABEL")
    if problem.status not in ("optimal", "optimal_inaccurate"):
        raise WeaksupError(f"plan: the solver ended with {problem.status}, though asking nobody is always possible")
    found = np.clip(np.asarray(share.value, np.float64), 0.0, 1.0)
    return found, np.asarray(limits[-1].dual_value, np.float64) if len(caps) else np.empty(0)


def allocate_greedily(choices: Choices, *, by: int = 0) -> Allocation:
    """Return the allocation that spends where the next unit of use `by` gains most; other caps are not looked at.

    Each cell goes up the concave hull of its chains, and the last step is a fraction: the optimum where `by` alone
    binds.
    """
    cell, chain = choices.worth()
    steps = [step for g in np.unique(cell).tolist() for step in _hull(choices, g, chain[cell == g], by)]
    steps.sort(key=lambda step: -step[0])
    rows = np.zeros(choices.gain.shape)
    left, price = float(choices.caps[by]), 0.0
    for slope, g, before, after in steps:
        most = float(choices.rows[g])
        more = float(choices.use[by, g, after] - (0.0 if before < 0 else choices.use[by, g, before]))
        moved = most if more * most <= left else left / more
        left -= moved * more
        rows[g, after] += moved
        if before >= 0:
            rows[g, before] -= moved
        if moved < most:
            price = slope
            break
    prices = np.zeros(len(choices.caps))
    prices[by] = price
    return Allocation(rows, float((rows * choices.gain).sum()), prices)


def _hull(choices: Choices, g: int, chains: NDArray[np.int64], by: int) -> list[tuple[float, int, int, int]]:
    """Return the steps up one cell's concave hull as (gain a unit, cell, chain before or -1, chain after)."""
    use, gain = choices.use[by, g], choices.gain[g]
    steps: list[tuple[float, int, int, int]] = []
    at, used, gained = -1, 0.0, 0.0
    while True:
        better = [c for c in chains.tolist() if gain[c] > gained and use[c] >= used]
        if not better:
            return steps
        slopes = {c: (gain[c] - gained) / (use[c] - used) if use[c] > used else np.inf for c in better}
        best = max(better, key=lambda c: (slopes[c], gain[c]))
        steps.append((float(slopes[best]), g, at, best))
        at, used, gained = best, float(use[best]), float(gain[best])
