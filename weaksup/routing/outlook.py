"""What asking a chain of tiers would do to rows, by arithmetic alone: nothing is asked.

A row is its doubt d, the chance that its label is wrong; against the label stands its strongest rival. A tier of
accuracy a names the right one of the two with probability a (one coin: Dawid & Skene, 1979, with one parameter). Its
answer agrees with the label with probability (1 - d) a + d (1 - a), and Bayes' rule gives the doubt that is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.errors import UsageError

__all__ = ["Outlook", "look_ahead", "make_chains"]

Floats = NDArray[np.float64]

_ALL_CHAINS = 6  # tiers up to which every chain is looked at
_LONGEST = 3  # tiers in a chain, where there are more
_SUREST = 1 - 1e-12  # a tier that is never wrong would leave nothing to divide by
_NOISE = 1e-9  # smaller differences are rounding


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What is to be expected of r rows after a chain of tiers.

    `asks` [r, t] is the chance that each tier is asked, `error` [r] the chance that the label is then wrong, `flips`
    [r] the chance that it is then another label.
    """

    asks: Floats
    error: Floats
    flips: Floats


def make_chains(tiers: int) -> tuple[tuple[int, ...], ...]:
    """Return the chains to choose from, as positions in the ladder, cheapest first; the first chain asks nobody.

    These are all subsets of up to 6 tiers; of more, all with at most 3 tiers, which is 130 for 9.
    """
    most = tiers if tiers <= _ALL_CHAINS else _LONGEST
    return tuple(chain for size in range(most + 1) for chain in combinations(range(tiers), size))


def look_ahead(doubt: ArrayLike, chain: Iterable[int], accuracy: Sequence[float], *, stop_at: float = 0.1) -> Outlook:
    """Ask the tiers of a chain, in its order, about rows of some doubt [r], each while more than `stop_at` is left.

    `accuracy` [t] is of every tier in the ladder; one that is no better than chance, .5, changes nothing. A doubt above
    .5 is shared by several rivals: one of them stands for all, so answers are worth a little less than they are.
    """
    given = _checked(doubt, "doubt")
    coin = np.clip(_checked(accuracy, "accuracy"), 0.5, _SUREST)
    rival = np.minimum(given, 0.5)
    with np.errstate(divide="ignore"):
        leaves = [(np.ones(len(given)), np.log1p(-rival) - np.log(rival))]
    asks = np.zeros((len(given), len(coin)))
    for tier in chain:
        asks[:, tier] = sum(chance * _goes_on(odds, given, stop_at) for chance, odds in leaves)
        leaves = [leaf for one in leaves for leaf in _answer(*one, given, float(coin[tier]), stop_at)]
    asked = asks.sum(axis=1) > 0
    error = sum((chance * _doubt(np.abs(odds)) for chance, odds in leaves), np.zeros(len(given)))
    flips = sum((chance * (odds < -_NOISE) for chance, odds in leaves), np.zeros(len(given)))
    several = np.divide(given, rival, out=np.ones(len(given)), where=rival > 0)
    return Outlook(asks, np.where(asked, error, given), flips * several)


def _checked(values: ArrayLike, what: str) -> Floats:
    found: Floats = np.asarray(values, np.float64)
    if found.ndim != 1 or not ((found >= 0) & (found <= 1)).all():
        raise UsageError(f"outlook: expected {what} as numbers from 0 to 1, got {values!r}"[:200])
    return found


def _doubt(odds: Floats) -> Floats:
    """Return the chance of the side that log-odds speak against."""
    with np.errstate(over="ignore"):
        doubt: Floats = 1 / (1 + np.exp(odds))
    return doubt


def _goes_on(odds: Floats, given: Floats, stop_at: float) -> NDArray[np.bool_]:
    """Mark the rows [r] still in doubt; a row whose doubt is shared by several rivals starts with all of it."""
    left = np.where(np.abs(odds) <= _NOISE, np.maximum(given, 0.5), _doubt(np.abs(odds)))
    on: NDArray[np.bool_] = left > stop_at + _NOISE
    return on


def _answer(chance: Floats, odds: Floats, given: Floats, coin: float, stop_at: float) -> list[tuple[Floats, Floats]]:
    """Split one leaf, a chance [r] and log-odds [r] for the label, by what the next tier says."""
    on, wrong = _goes_on(odds, given, stop_at), _doubt(odds)
    agrees = np.where(on, (1 - wrong) * coin + wrong * (1 - coin), 1.0)
    step = np.where(on, np.log(coin) - np.log1p(-coin), 0.0)
    return [(chance * agrees, odds + step), (chance * (1 - agrees), odds - step)]
