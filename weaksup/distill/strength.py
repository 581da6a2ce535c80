"""How strongly to regularise a student: what predicts rows kept out of training best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.softmax import Floats, Line, fit_softmax
from weaksup.distill.targets import Targets

__all__ = ["STRENGTHS", "Choice", "choose_strength"]

STRENGTHS = (3.0, 10.0, 30.0, 100.0)  # variances of the weights' prior
ENOUGH_GOLD = 50  # distinct texts with gold; fewer judge worse than all votes do
SAMPLE = 20_000  # texts are enough to choose
SPLITS = ((10_000, 3), (SAMPLE, 1))  # up to so many texts: so many folds of cross-validation; 1 is one split
ROUGHLY = 1e-5  # tolerance of the solver while choosing


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The model at the chosen strength, and how it was chosen: `losses` by strength, on `judged` rows."""

    line: Line
    strength: float
    losses: dict[str, float]
    judged: Literal["gold", "votes"]


def choose_strength(features: Any, targets: Targets, *, strengths: Sequence[float], seed: int) -> Choice:
    """Fit at the strength with the least cross-entropy on rows kept out, by gold where there is enough, else by votes.

    With one strength, or too few texts to keep any out, nothing is kept out, and the middle one is taken.
    """
    tried = sorted(strengths)
    judge = targets.is_gold if targets.is_gold.sum() >= ENOUGH_GOLD else np.ones(len(targets.texts), np.bool_)
    losses = np.zeros(len(tried))
    if len(tried) > 1 and len(targets.texts) >= ENOUGH_GOLD:
        for kept, held in _splits(len(targets.texts), seed):
            losses += _held_out(features, targets, kept, held[judge[held]], tried)
    best = int(losses.argmin()) if losses.any() else (len(tried) - 1) // 2
    line = fit_softmax(features, targets.proba, targets.weights, strength=tried[best])
    by_gold = bool(losses.any()) and targets.is_gold.sum() >= ENOUGH_GOLD
    found = {f"{s:g}": round(float(loss), 6) for s, loss in zip(tried, losses, strict=True)} if losses.any() else {}
    return Choice(line, tried[best], found, "gold" if by_gold else "votes")


def _splits(n: int, seed: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Give (kept, held out) positions; targets are sorted by text, so the seed alone decides."""
    order = np.random.default_rng(seed).permutation(n)[:SAMPLE]
    folds = next((folds for limit, folds in SPLITS if len(order) <= limit), 1)
    parts = np.array_split(order, max(folds, 5) if folds == 1 else folds)
    for part in parts[:folds]:
        yield np.sort(np.setdiff1d(order, part)), np.sort(part)


def _held_out(
    features: Any, targets: Targets, kept: NDArray[np.int64], held: NDArray[np.int64], strengths: Sequence[float]
) -> Floats:
    """Return the weighted cross-entropy on `held` of a model fitted to `kept`, by strength."""
    losses = np.zeros(len(strengths))
    line = None
    for i, strength in enumerate(strengths):
        line = fit_softmax(
            features[kept], targets.proba[kept], targets.weights[kept], strength=strength, start=line, tolerance=ROUGHLY
        )
        terms = targets.proba[held] * line.log_proba(features[held])
        losses[i] = -(targets.weights[held, None] * terms).sum()
    return losses
