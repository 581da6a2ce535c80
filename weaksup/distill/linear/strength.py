"""How strongly to regularise a student: what predicts rows kept out of training best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.linear.softmax import Line, fit_softmax, one_thread
from weaksup.distill.side_by_side import run_parts
from weaksup.distill.targets import Targets
from weaksup.errors import UsageError
from weaksup.label_models.calibration import fit_temperature

__all__ = ["DIGITS", "ENOUGH_GOLD", "FOLDS", "STRENGTHS", "Choice", "Judged", "choose_strength", "splits_of"]

STRENGTHS = (3.0, 10.0, 30.0, 100.0)  # variances of the weights' prior
LEAST, MOST = 1e-6, 1e6
DIGITS = 4  # of a temperature: sums round as arrays happen to lie, and a seed must give the same bytes
ENOUGH = 50  # texts, to keep some out
ENOUGH_GOLD = 50  # texts with gold; fewer judge worse than all votes do
SEVERAL = 10_000  # up to so many texts: FOLDS folds; beyond, a fifth of SAMPLE texts is kept out once
FOLDS = 3
SAMPLE = 12_000
Split = tuple[NDArray[np.int64], NDArray[np.int64]]  # positions that teach, and positions that judge
Judged = Literal["gold", "votes"]

FINALLY = 1e-5  # tolerance of the solver
ROUGHLY = 1e-3  # the same while choosing
LARGELY = 2e-3  # and with more texts than SEVERAL: a log-loss as low, in fewer steps


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The model at the chosen strength, and how it was chosen: `losses` by strength, on `texts` judged by `judged`.

    `temperature` is what the probabilities of the rows kept out should be flattened by, to mean what those rows say;
    1 where none were kept out.
    """

    line: Line
    strength: float
    losses: dict[str, float]
    judged: Judged
    texts: int
    temperature: float

    @property
    def training(self) -> dict[str, Any]:
        """What a bundle says of it, as JSON."""
        told = {"held_out_loss": self.losses, "held_out_rows": self.judged, "held_out_texts": self.texts}
        chosen = {"strength": self.strength}
        return {**chosen, **told, "held_out_temperature": self.temperature} if self.losses else chosen


def choose_strength(features: Any, targets: Targets, *, strengths: Sequence[float], seed: int) -> Choice:
    """Fit at the strength with the least cross-entropy on rows kept out, by gold where there is enough, else by votes.

    Strengths are tried from the least, until one does worse than the one before. With one strength, or too few texts
    to keep any out, nothing is kept out, and the middle one is taken. Raises UsageError for what is no strength.
    """
    _check(strengths)
    tried, n = sorted(strengths), len(targets.texts)
    losses: list[float] = []
    lines: list[list[Line]] = []
    splits, judged = splits_of(targets, seed) if len(tried) > 1 else ([], "votes")
    # Two strengths, or a strength's folds, are fitted side by side.
    waves = [tried[i : i + 2] for i in range(0, len(tried), 2)] if len(splits) == 1 else [[s] for s in tried]
    for wave in waves if splits else []:
        starts = lines[-1] if lines else [None] * len(splits)
        for found, loss in _try_wave(features, targets, wave, splits=splits, starts=starts):
            lines.append(found)
            losses.append(loss)
        if _worsens(losses):
            break
    best = int(np.argmin(losses)) if losses else (len(tried) - 1) // 2
    start = lines[best][0] if lines else None
    tolerance = FINALLY if n <= SEVERAL else LARGELY
    line = fit_softmax(features, targets.proba, targets.weights, strength=tried[best], start=start, tolerance=tolerance)
    shown = {f"{s:g}": round(loss, 6) for s, loss in zip(tried, losses, strict=False)}
    temperature = _temperature(features, targets, splits, lines[best]) if losses else 1.0
    return Choice(line, tried[best], shown, judged, sum(len(held) for _, held in splits), temperature)


def _try_wave(
    features: Any,
    targets: Targets,
    wave: Sequence[float],
    *,
    splits: Sequence[Split],
    starts: Sequence[Line | None],
) -> list[tuple[list[Line], float]]:
    """Return the models of each strength, one a split, and their loss on the rows held out."""

    def fit(job: tuple[float, int]) -> tuple[Line, float]:
        strength, at = job
        kept, held = splits[at]
        line = _fit_part(features, targets, kept, strength, start=starts[at])
        return line, _loss(features, targets, held, line)

    with one_thread():
        done = run_parts(fit, [(strength, at) for strength in wave for at in range(len(splits))])
    each = [done[i : i + len(splits)] for i in range(0, len(done), len(splits))]
    return [([line for line, _ in some], sum(loss for _, loss in some)) for some in each]


def _worsens(losses: Sequence[float]) -> bool:
    return any(after > before for before, after in pairwise(losses))


def _check(strengths: Any) -> None:
    known = isinstance(strengths, Sequence) and not isinstance(strengths, str) and len(strengths)
    if not known or not all(type(s) in {int, float} and LEAST <= s <= MOST for s in strengths):
        raise UsageError(f"student: expected strengths of {LEAST:g} to {MOST:g}, got {strengths!r:.60}")


def _temperature(features: Any, targets: Targets, splits: Sequence[Split], lines: Sequence[Line]) -> float:
    logs = np.vstack([line.log_proba(features[held]) for line, (_, held) in zip(lines, splits, strict=True)])
    rows = np.concatenate([held for _, held in splits])
    found = fit_temperature(logs, targets.weights[rows, None] * targets.proba[rows])
    return round(found, DIGITS)


def splits_of(targets: Targets, seed: int, *, folds: int = FOLDS) -> tuple[list[Split], Judged]:
    """Give positions to learn from and to judge by: gold alone, where enough texts have it, else the votes.

    Targets are sorted by text, so the seed alone decides. With too few texts none are kept out. With one fold a third
    of the texts is kept out once; with more texts than SEVERAL, a fifth of SAMPLE.
    """
    n = len(targets.texts)
    if n < ENOUGH:
        return [], "votes"
    order = np.random.default_rng(seed).permutation(n)
    by_gold = int(targets.is_gold.sum()) >= ENOUGH_GOLD
    judge = targets.is_gold if by_gold else np.ones(n, np.bool_)
    return _split(order, judge, folds if n <= SEVERAL else 1), "gold" if by_gold else "votes"


def _split(order: NDArray[np.int64], judge: NDArray[np.bool_], folds: int) -> list[Split]:
    n = len(order)
    if folds > 1:
        parts = np.array_split(order, folds)
        return [(np.setdiff1d(order, part), np.sort(part[judge[part]])) for part in parts]
    most, size = (n, -(-n // FOLDS)) if n <= SEVERAL else (SAMPLE, SAMPLE // 5)
    held = order[judge[order]][:size]  # a part of all rows could be without gold
    kept = order[~np.isin(order, held)][: most - len(held)]
    return [(np.sort(kept), np.sort(held))]


def _fit_part(features: Any, targets: Targets, kept: NDArray[np.int64], strength: float, *, start: Line | None) -> Line:
    proba, weights = targets.proba[kept], targets.weights[kept]
    return fit_softmax(features[kept], proba, weights, strength=strength, start=start, tolerance=ROUGHLY)


def _loss(features: Any, targets: Targets, held: NDArray[np.int64], line: Line) -> float:
    """Return the weighted cross-entropy of a model on some rows."""
    terms = targets.proba[held] * line.log_proba(features[held])
    return -float((targets.weights[held, None] * terms).sum())
