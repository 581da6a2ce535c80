"""Read what callers hand to a label model: votes, class balance, gold. Every refusal is one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.errors import UsageError, VoteError
from weaksup.multi_votes import MultiVotes
from weaksup.patterns import Patterns
from weaksup.votes import VoteMatrix

__all__ = ["count_gold", "read_balance", "read_gold", "read_values", "read_weights"]


def read_values(votes: VoteMatrix | ArrayLike) -> NDArray[Any]:
    """Return the votes [n, m], whole numbers of any type; arrays are not copied."""
    if isinstance(votes, VoteMatrix):
        return votes.values
    if isinstance(votes, MultiVotes):
        raise UsageError("label model: expected votes for one label a row, got multi-label votes; use MultiLabelModel")
    try:
        array = np.asarray(votes)
    except ValueError:
        raise UsageError("votes: expected a matrix [n, m] with -1 for abstain, got rows of unequal length") from None
    if array.ndim != 2:
        raise UsageError(f"votes: expected a matrix [n, m] with -1 for abstain, got {array.ndim} dimension(s)")
    whole = array.dtype.kind in "iu" or (array.dtype.kind == "f" and bool((array == np.floor(array)).all()))
    if array.size and not whole:
        raise VoteError(f"votes: expected whole numbers (class indices, -1 for abstain), got {array.dtype} values")
    return array


def read_balance(
    given: Sequence[float] | Mapping[str, float] | None, k: int, names: tuple[str, ...] | None
) -> NDArray[np.float64] | None:
    """Return the class balance [k], all above 0 and summing to 1, from shares in class order or by name."""
    if given is None:
        return None
    shares = _read_classes(given, k, names, what="class balance")
    if not (shares > 0).all() or abs(shares.sum() - 1) > 1e-6:
        raise UsageError(f"class balance: expected {k} shares above 0 that sum to 1, got {shares.tolist()}")
    balance: NDArray[np.float64] = shares / shares.sum()
    return balance


def read_weights(
    given: Sequence[float] | Mapping[str, float] | None, k: int, names: tuple[str, ...] | None
) -> NDArray[np.float64] | None:
    """Return class weights [k], finite and above 0, from numbers in class order or by name."""
    if given is None:
        return None
    weights = _read_classes(given, k, names, what="class weights")
    if not ((weights > 0) & np.isfinite(weights)).all():
        raise UsageError(f"class weights: expected {k} numbers above 0, got {weights.tolist()}")
    return weights


def read_gold(gold: ArrayLike, n: int, k: int) -> NDArray[np.int64]:
    """Return known labels [n], class indices, -1 where not known."""
    known = np.asarray(gold)
    if known.shape != (n,) or (n and not (np.issubdtype(known.dtype, np.integer) and known.min() >= -1)):
        raise UsageError(f"gold: expected {n} class indices, -1 where not known; got {known.dtype} {list(known.shape)}")
    if known.max(initial=-1) >= k:
        raise UsageError(f"gold: expected class indices below {k}, got {known.max()}")
    return known.astype(np.int64)


def count_gold(gold: ArrayLike | None, patterns: Patterns, k: int) -> NDArray[np.float64] | None:
    """Count known labels by pattern, [p, k]; `gold` [n] holds class indices, -1 where not known."""
    if gold is None:
        return None
    known = read_gold(gold, len(patterns.index), k)
    rows = np.flatnonzero(known >= 0)
    cells = patterns.index[rows] * k + known[rows]
    return np.bincount(cells, minlength=len(patterns) * k).reshape(-1, k).astype(np.float64)


def _read_classes(
    given: Sequence[float] | Mapping[str, float], k: int, names: tuple[str, ...] | None, *, what: str
) -> NDArray[np.float64]:
    """Return one number a class, [k]."""
    one, several = ("share", "numbers that sum to 1") if what == "class balance" else ("number", "numbers")
    if isinstance(given, Mapping):
        names = names or tuple(map(str, range(k)))
        if set(given) != set(names):
            raise UsageError(f"{what}: expected a {one} for each of {', '.join(names)}; got {', '.join(given)}")
        given = [given[name] for name in names]
    try:
        numbers = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"{what}: expected {k} {several}, got {given!r}") from None
    if numbers.shape != (k,):
        raise UsageError(f"{what}: expected {k} {one}s, got {list(given)}")
    return numbers
