"""What a student learns from: one row a distinct text, with a distribution over the classes and a weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import ne
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.distill.linear.softmax import Floats
from weaksup.errors import UsageError
from weaksup.labels import LabelSpace, SoftLabels

__all__ = ["NothingTaughtError", "Targets", "balance_classes", "certainty", "make_targets"]

LEAST, MOST = 1e-9, 1e9  # of a weight: sums of more, or less, are no numbers


class NothingTaughtError(UsageError):
    """No row says anything that could be learned."""

    def __init__(self) -> None:
        super().__init__("student: expected rows with a vote or gold that say something, got none; add sources or gold")


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Training rows, sorted by text, so that the order they came in does not matter; equal texts are one row.

    `proba` [n, k], rows sum to 1; `weights` [n] > 0; `is_gold` [n] where some of the equal texts have gold; `rows` and
    `gold_rows` count what they were made from.
    """

    labels: LabelSpace
    texts: tuple[str, ...]
    proba: Floats
    weights: Floats
    is_gold: NDArray[np.bool_]
    rows: int
    gold_rows: int

    def summary(self) -> dict[str, Any]:
        """Say what the rows are, as JSON."""
        return {"rows": self.rows, "distinct_texts": len(self.texts), "gold_rows": self.gold_rows}


def make_targets(
    texts: Sequence[str],
    soft: SoftLabels | ArrayLike,
    *,
    labels: LabelSpace | None = None,
    weights: ArrayLike | None = None,
    gold: ArrayLike | None = None,
    gold_weight: float = 4.0,
) -> Targets:
    """Check the training rows, clamp gold, and merge equal texts; see `student.train`."""
    space, proba, covered = _read_soft(soft, labels)
    n, k = proba.shape
    known = np.full(n, -1) if gold is None else np.asarray(gold)
    given = np.ones(n) if weights is None else np.asarray(weights, np.float64)
    _check(n, k, texts=len(texts), gold=known, weights=given, gold_weight=gold_weight)
    is_gold = known >= 0
    proba = np.where(is_gold[:, None], np.eye(k)[known], proba)
    weight = _weigh(given * certainty(proba) * (covered | is_gold), is_gold, gold_weight)
    used = np.flatnonzero(weight > 0)
    if not used.size:
        raise NothingTaughtError
    chosen = list(texts) if len(used) == n else [texts[i] for i in used.tolist()]
    merged = _merge(chosen, proba[used], weight[used], is_gold[used])
    return Targets(space, *merged, rows=len(used), gold_rows=int(is_gold[used].sum()))


def balance_classes(targets: Targets, power: float) -> Targets:
    """Raise the weight of rows of rare classes: by the inverse of the class's mass to `power`; the sum stays.

    0 changes nothing, 1 gives all classes the same mass. A row that may be of several classes gets the mean.
    """
    if not 0 <= power <= 1:
        raise UsageError(f"student: expected a balance of 0 to 1, got {power:g}")
    mass = targets.weights @ targets.proba
    raised = np.divide(mass.sum(), mass, out=np.zeros_like(mass), where=mass > 0) ** power
    weights = targets.weights * (targets.proba @ raised)
    weights *= targets.weights.sum() / weights.sum()
    return replace(targets, weights=weights.astype(np.float32).astype(np.float64))  # the last digits of sums vary


def certainty(proba: Floats) -> Floats:
    """Return 1 - entropy / log k of each row, [n]: 1 where one class is certain, 0 where all are equal."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(proba > 0, proba * np.log(proba), 0.0)
    found: Floats = np.clip(1 + terms.sum(axis=1) / np.log(proba.shape[1]), 0, 1)
    return np.where(found < 1e-9, 0.0, found)


def _weigh(weight: Floats, is_gold: NDArray[np.bool_], gold_weight: float) -> Floats:
    """Raise the weight of gold rows against the others; the sum over all rows stays, so the regularisation fits."""
    raised: Floats = np.where(is_gold, gold_weight * weight, weight)
    total = raised.sum()
    return raised * (weight.sum() / total) if total > 0 else raised


def _read_soft(soft: SoftLabels | ArrayLike, labels: LabelSpace | None) -> tuple[LabelSpace, Floats, NDArray[np.bool_]]:
    if isinstance(soft, SoftLabels):
        return soft.labels, soft.proba, soft.covered
    proba = np.asarray(soft, np.float64)
    if labels is None or proba.ndim != 2 or proba.shape[1] != len(labels):
        raise UsageError(
            f"student: expected SoftLabels, or probabilities [n, k] with k labels; got shape {list(proba.shape)} and "
            f"{'no labels' if labels is None else f'{len(labels)} labels'}"
        )
    checked = SoftLabels(tuple(map(str, range(len(proba)))), proba, np.ones(len(proba), np.bool_), labels)
    return labels, checked.proba, checked.covered


def _check(n: int, k: int, *, texts: int, gold: NDArray[Any], weights: Floats, gold_weight: float) -> None:
    if texts != n or gold.shape != (n,) or weights.shape != (n,):
        raise UsageError(
            f"student: expected a text, a gold class and a weight for each of {n} rows, got {texts} texts, gold "
            f"{list(gold.shape)} and weights {list(weights.shape)}"
        )
    if not np.issubdtype(gold.dtype, np.integer) or (n and not -1 <= gold.min() <= gold.max() < k):
        raise UsageError(f"student: expected gold classes 0 to {k - 1}, or -1 where not known")
    if not ((weights == 0) | ((weights >= LEAST) & (weights <= MOST))).all() or not LEAST <= gold_weight <= MOST:
        limits = f"{LEAST:g} to {MOST:g}"
        raise UsageError(
            f"student: expected finite weights of 0, or of {limits}, and a gold weight above 0, of {limits}"
        )


def _merge(
    texts: Sequence[str], proba: Floats, weight: Floats, is_gold: NDArray[np.bool_]
) -> tuple[tuple[str, ...], Floats, Floats, NDArray[np.bool_]]:
    """Sort by text and merge equal texts: weights add up, distributions are averaged by weight."""
    order, first = _sort(texts, proba, weight)
    total = np.add.reduceat(weight[order], first)
    mass = np.add.reduceat(weight[order, None] * proba[order], first)
    distinct = tuple([texts[i] for i in order[first].tolist()])
    return distinct, mass / total[:, None], total, np.logical_or.reduceat(is_gold[order], first)


def _sort(texts: Sequence[str], proba: Floats, weight: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the order of the texts, and where in it another text begins.

    Within equal texts too the order must not depend on how the rows came, for sums round.
    """
    order = np.array(sorted(range(len(texts)), key=texts.__getitem__), np.int64)
    ordered = [texts[i] for i in order.tolist()]
    first = np.flatnonzero([True, *map(ne, ordered[1:], ordered)])
    sizes = np.diff(first, append=len(order))
    group = np.repeat(np.arange(len(first)), sizes)
    again = np.flatnonzero(sizes[group] > 1)
    rows = order[again]
    order[again] = rows[np.lexsort((weight[rows], *proba[rows].T[::-1], group[again]))]
    return order, first
