"""From caps to rows: which chain of tiers each row goes through, so that the expected error falls most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from weaksup.routing.allocation import Allocation, Choices, allocate
from weaksup.routing.outlook import Floats, look_ahead, make_chains

__all__ = ["Assignment", "Bought", "Situation", "assign", "market"]

Ints = NDArray[np.int64]

_BANDS = (0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7)  # of doubt: within a band, rows are much alike
_ROUNDING = 1e-4  # of a row: what the solver leaves undecided
_MISSES = 3  # rows of a cell that nothing is left for, after which its others are not tried


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """What is known of n rows before t tiers are asked, cheapest first.

    `doubt` [n] is the chance that a row's label is wrong, `slice_of` [n] its slice; `open` [n, t] which tiers may still
    be asked about it; `likely` and `most` [u, n, t] what that uses, nothing where the answer is stored, `caps` [u] the
    most in all, `limits` [t] the most rows of each tier; `accuracy` [t] of each. With `climb`, a row goes to the first
    tier before any other.
    """

    doubt: Floats
    slice_of: Ints
    open: NDArray[np.bool_]
    likely: Floats
    most: Floats
    caps: Floats
    limits: Floats
    accuracy: tuple[float, ...]
    stop_at: float = 0.1
    climb: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """What is planned for n rows: `asks` [n, t] the chance that each tier is asked, `error` and `flips` [n] after it.

    `prices` [u] are the errors that one more unit of each cap would avoid.
    """

    asks: Floats
    error: Floats
    flips: Floats
    prices: Floats


@dataclass(frozen=True, slots=True)
class Bought:
    """What a budget buys: the drop in the number of wrong labels, labels changed, and micro-dollars spent."""

    errors: float
    flips: float
    spent: float


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """The rows in doubt, [r] positions, by cell, with what to expect of every row and chain.

    Rows of one `level` [r] are equally doubtful, to a thousandth: `asks` [l, c, t], `error` [l, c] and `flips` [l, c]
    are by level. `choices` has the means over the rows of each cell.
    """

    rows: Ints
    cell: Ints
    level: Ints
    asks: Floats
    error: Floats
    flips: Floats
    choices: Choices

    def mean(self, values: Floats) -> Floats:
        """Return the mean over the rows of each cell, [g, ...], of values by level, [l, ...]."""
        size = (len(self.choices.rows), len(values))
        counts = np.bincount(self.cell * size[1] + self.level, minlength=size[0] * size[1]).reshape(size)
        means: Floats = np.tensordot(counts / np.maximum(self.choices.rows, 1)[:, None], values, 1)
        return means


def assign(now: Situation) -> Assignment:
    """Choose a chain for every row: the program's shares of like rows, worst rows first, and no cap passed."""
    cells = _make_cells(now)
    found = allocate(cells.choices)
    given = _within_caps(now, cells, found, *_wishes(now, cells, found))
    kept, asks = given > 0, np.zeros((len(now.doubt), len(now.accuracy)))
    error, flips = now.doubt.copy(), np.zeros(len(now.doubt))
    rows, level, chain = cells.rows[kept], cells.level[kept], given[kept]
    asks[rows], flips[rows] = cells.asks[level, chain], cells.flips[level, chain]
    error[rows] = np.minimum(cells.error[level, chain], now.doubt[rows])
    return Assignment(asks, error, flips, found.prices[: len(now.caps)])


def market(now: Situation) -> Callable[[float], Bought]:
    """Return a function that says what another cap on micro-dollars would buy; the other caps stay."""
    cells = _make_cells(now)
    flips = cells.mean(cells.flips)

    def buy(micro: float) -> Bought:
        choices = replace(cells.choices, caps=np.concatenate([[micro], cells.choices.caps[1:]]))
        found = allocate(choices)
        return Bought(found.gain, float((found.rows * flips).sum()), float((found.rows * choices.use[0]).sum()))

    return buy


def _make_cells(now: Situation) -> _Cells:
    """Put rows together that are in one slice, about as doubtful, open to the same tiers, and stored for the same."""
    t = len(now.accuracy)
    chains = make_chains(t)
    rows = np.flatnonzero((now.doubt > now.stop_at) & now.open.any(axis=1))
    free = (now.likely[:, rows] == 0).all(axis=0)
    band = np.digitize(now.doubt[rows], _BANDS)
    key = np.column_stack([now.slice_of[rows], band, now.open[rows], free]).astype(np.int64)
    cell = np.unique(key, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    rounded = np.clip(np.round(now.doubt[rows], 3), min(now.stop_at + 1e-6, 1.0), 1.0)
    doubts, level = np.unique(rounded, return_inverse=True)
    ahead = [look_ahead(doubts, chain, now.accuracy, stop_at=now.stop_at) for chain in chains]
    asks, error, flips = (
        np.stack([getattr(one, what) for one in ahead], axis=1) for what in ("asks", "error", "flips")
    )
    count = np.bincount(cell).astype(np.float64)
    g, c, u = len(count), len(chains), len(now.caps)
    first = np.zeros(g, np.int64)
    first[cell] = rows
    allowed = np.stack([_may_go(now, now.open[first], chain) for chain in chains], axis=1)
    bare = Choices(count, np.zeros((g, c)), np.zeros((0, g, c)), np.zeros(0), allowed)
    cells = _Cells(rows, cell, level.reshape(-1).astype(np.int64), asks, error, flips, bare)
    asked = cells.mean(asks)
    unit = np.zeros((u, t, g))
    for what in range(u):
        for tier in range(t):
            unit[what, tier] = np.bincount(cell, now.likely[what, rows, tier], minlength=g) / np.maximum(count, 1)
    use = np.concatenate([np.einsum("gct,utg->ugc", asked, unit), asked.transpose(2, 0, 1)])
    gain = cells.mean(np.maximum(doubts[:, None] - error, 0))
    return replace(cells, choices=Choices(count, gain, use, np.concatenate([now.caps, now.limits]), allowed))


def _may_go(now: Situation, is_open: NDArray[np.bool_], chain: tuple[int, ...]) -> NDArray[np.bool_]:
    """Mark the cells [g] whose rows may go through a chain: all its tiers are open, and none before it is jumped.

    Rows climb from the first tier, as they do in `route`; where that was asked, or has no rows left, from any.
    """
    may = np.asarray(is_open[:, list(chain)].all(axis=1))
    if now.climb and 0 not in chain and len(now.limits) and now.limits[0] > 0:
        may &= ~is_open[:, 0]
    return may


def _wishes(now: Situation, cells: _Cells, found: Allocation) -> tuple[Ints, Floats]:
    """Return the chain that the program gives each row in doubt [r], 0 for none, and how well its price is spent."""
    choices = cells.choices
    charge = np.einsum("u,ugc->gc", found.prices, choices.use)
    worth = choices.gain / np.maximum(charge, 1e-12)
    whole = np.floor(found.rows + _ROUNDING).astype(np.int64)
    order = np.lexsort((np.arange(len(cells.rows)), -now.doubt[cells.rows], cells.cell))
    starts = np.concatenate([[0], np.cumsum(choices.rows)]).astype(np.int64)
    wanted = np.zeros(len(order), np.int64)
    for g in range(len(whole)):
        mine = order[starts[g] : starts[g + 1]]
        ways = np.argsort(-choices.gain[g], kind="stable")
        planned = np.repeat(ways, whole[g, ways])[: len(mine)]
        wanted[mine[: len(planned)]] = planned
    return wanted, worth[cells.cell, wanted]


def _within_caps(now: Situation, cells: _Cells, found: Allocation, wanted: Ints, value: Floats) -> Ints:
    """Return the chain [r] that each row in doubt gets: no cap is passed by what each row itself uses.

    Rows that the program left aside, as it speaks of parts of rows and of means, get what is left.
    """
    purse = _Purse(now, cells)
    given = wanted.copy()
    if not purse.take_all(wanted):
        for i in np.lexsort((np.arange(len(wanted)), -value)).tolist():
            given[i] = wanted[i] if wanted[i] and purse.take(i, int(wanted[i])) else 0
    _fill(now, cells, found, purse, given)
    return given


def _fill(now: Situation, cells: _Cells, found: Allocation, purse: _Purse, given: Ints) -> None:
    """Spend what is left of the caps on rows that have no chain, those that gain most beyond their price first."""
    choices = cells.choices
    over = choices.gain - np.einsum("u,ugc->gc", found.prices, choices.use)
    over[~choices.allowed | (choices.gain <= 0)] = -np.inf
    ways = [[c for c in order if np.isfinite(over[g, c])] for g, order in enumerate(np.argsort(-over, axis=1).tolist())]
    misses = np.zeros(len(over), np.int64)
    bare = np.flatnonzero(given == 0)
    best = over.max(axis=1, initial=-np.inf)[cells.cell[bare]]
    for i in bare[np.lexsort((-now.doubt[cells.rows[bare]], -best))].tolist():
        g = cells.cell[i]
        if misses[g] < _MISSES:
            given[i] = next((c for c in ways[g] if purse.take(i, c)), 0)
            misses[g] += not given[i]


class _Purse:
    """What is left of the caps. A call is sent only where the most that it may use is left, as in the ledger."""

    def __init__(self, now: Situation, cells: _Cells) -> None:
        self._cells = cells
        caps = np.concatenate([now.caps, now.limits]) * (1 + 1e-9) + 1e-9
        self._bound = np.isfinite(caps)
        self._left = caps[self._bound]
        tiers = np.eye(len(now.limits))[:, None, :].repeat(len(cells.rows), axis=1)  # a row of each tier's limit
        likely, most = (np.concatenate([use[:, cells.rows], tiers])[self._bound] for use in (now.likely, now.most))
        self._likely, self._room = likely, np.maximum(most - likely, 0)

    def take_all(self, wanted: Ints) -> bool:
        """Spend what all rows [r] want, if that is there: then the order does not matter."""
        asks = self._cells.asks[self._cells.level, wanted]
        use = np.einsum("rt,urt->u", asks, self._likely)
        room = (self._room * (asks > 0)).max(axis=(1, 2), initial=0.0)
        fits = bool((use + room <= self._left).all())
        if fits:
            self._left = self._left - use
        return fits

    def take(self, i: int, chain: int) -> bool:
        """Spend what a chain uses on row i of those in doubt, if it is there."""
        asks = self._cells.asks[self._cells.level[i], chain]
        use = self._likely[:, i] @ asks
        fits = bool((use + np.where(use > 0, self._room[:, i] @ (asks > 0), 0.0) <= self._left).all())
        if fits:
            self._left = self._left - use
        return fits
