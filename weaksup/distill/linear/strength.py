"""How strongly to regularise a student: what predicts rows kept out of training best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

__all__ = ["DIGITS", "ENOUGH", "ENOUGH_GOLD", "STRENGTHS", "Choice", "choose_strength", "splits_of"]

STRENGTHS = (3.0, 10.0, 30.0, 100.0)  # variances of the weights' prior
MOST = 1e6
DIGITS = 4  # of a temperature: sums round as arrays happen to lie, and a seed must give the same bytes
ENOUGH = 50  # texts, to keep some out
ENOUGH_GOLD = 50  # texts with gold; fewer judge worse than all votes do
SEVERAL = 10_000  # up to so many texts: FOLDS folds; beyond, one fifth is kept out once, of SAMPLE texts
FOLDS = 3
SAMPLE = 12_000
Split = tuple[NDArray[np.int64], NDArray[np.int64]]  # positions kept, and held out

FINALLY = 1e-5  # tolerance of the solver
ROUGHLY = 1e-3  # the same while choosing, and with more texts than SEVERAL


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The model at the chosen strength, and how it was chosen: `losses` by strength, on `judged` rows.

    `temperature` is what the probabilities of the rows kept out should be flattened by, to mean what those rows say;
    1 where none were kept out.
    """

    line: Line
    strength: float
    losses: dict[str, float]
    judged: Literal["gold", "votes"]
    temperature: float


def choose_strength(features: Any, targets: Targets, *, strengths: Sequence[float], seed: int) -> Choice:
    """Fit at the strength with the least cross-entropy on rows kept out, by gold where there is enough, else by votes.

    Strengths are tried from the least, until one does worse than the one before. With one strength, or too few texts
    to keep any out, nothing is kept out, and the middle one is taken. Raises UsageError for what is no strength.
    """
    _check(strengths)
    tried, n = sorted(strengths), len(targets.texts)
    by_gold = int(targets.is_gold.sum()) >= ENOUGH_GOLD
    judge = targets.is_gold if by_gold else np.ones(n, np.bool_)
    losses: list[float] = []
    lines: list[list[Line]] = []
    splits = list(splits_of(n, seed)) if len(tried) > 1 and n >= ENOUGH else []
    # Two strengths, or a strength's folds, are fitted side by side.
    waves = [tried[i : i + 2] for i in range(0, len(tried), 2)] if len(splits) == 1 else [[s] for s in tried]
    for wave in waves if splits else []:
        starts = lines[-1] if lines else [None] * len(splits)
        for found, loss in _try_wave(features, targets, wave, splits=splits, starts=starts, judge=judge):
            lines.append(found)
            losses.append(loss)
        if _worsens(losses):
            break
    best = int(np.argmin(losses)) if losses else (len(tried) - 1) // 2
    start = lines[best][0] if lines else None
    tolerance = FINALLY if n <= SEVERAL else ROUGHLY
    line = fit_softmax(features, targets.proba, targets.weights, strength=tried[best], start=start, tolerance=tolerance)
    shown = {f"{s:g}": round(loss, 6) for s, loss in zip(tried, losses, strict=False)}
    temperature = _temperature(features, targets, splits, lines[best], judge) if losses else 1.0
    return Choice(line, tried[best], shown, "gold" if by_gold and losses else "votes", temperature)


def _try_wave(
    features: Any,
    targets: Targets,
    wave: Sequence[float],
    *,
    splits: Sequence[Split],
    starts: Sequence[Line | None],
    judge: NDArray[np.bool_],
) -> list[tuple[list[Line], float]]:
    """Return the models of each strength, one a split, and their loss on the rows held out."""

    def fit(job: tuple[float, int]) -> tuple[Line, float]:
        strength, at = job
        kept, held = splits[at]
        line = _fit_part(features, targets, kept, strength, start=starts[at])
        return line, _loss(features, targets, held[judge[held]], line)

    with one_thread():
        done = run_parts(fit, [(strength, at) for strength in wave for at in range(len(splits))])
    each = [done[i : i + len(splits)] for i in range(0, len(done), len(splits))]
    return [([line for line, _ in some], sum(loss for _, loss in some)) for some in each]


def _worsens(losses: Sequence[float]) -> bool:
    return any(after > before for before, after in pairwise(losses))


def _check(strengths: Any) -> None:
    known = isinstance(strengths, Sequence) and not isinstance(strengths, str) and len(strengths)
    if not known or not all(isinstance(s, (int, float)) and 0 < s <= MOST for s in strengths):
        raise UsageError(f"student: expected strengths above 0 and at most {MOST:g}, got {strengths!r:.60}")


def _temperature(
    features: Any, targets: Targets, splits: Sequence[Split], lines: Sequence[Line], judge: NDArray[np.bool_]
) -> float:
    held = [rows[judge[rows]] for _, rows in splits]
    logs = np.vstack([line.log_proba(features[rows]) for line, rows in zip(lines, held, strict=True)])
    rows = np.concatenate(held)
    found = fit_temperature(logs, targets.weights[rows, None] * targets.proba[rows])
    return round(found, DIGITS)


def splits_of(n: int, seed: int) -> Iterator[Split]:
    """Give (kept, held out) positions; targets are sorted by text, so the seed alone decides."""
    order = np.random.default_rng(seed).permutation(n)[:SAMPLE]
    folds = FOLDS if n <= SEVERAL else 1
    for part in np.array_split(order, max(folds, 5) if folds == 1 else folds)[:folds]:
        yield np.setdiff1d(order, part), np.sort(part)


def _fit_part(features: Any, targets: Targets, kept: NDArray[np.int64], strength: float, *, start: Line | None) -> Line:
    proba, weights = targets.proba[kept], targets.weights[kept]
    return fit_softmax(features[kept], proba, weights, strength=strength, start=start, tolerance=ROUGHLY)


def _loss(features: Any, targets: Targets, held: NDArray[np.int64], line: Line) -> float:
    """Return the weighted cross-entropy of a model on some rows."""
    terms = targets.proba[held] * line.log_proba(features[held])
    return -float((targets.weights[held, None] * terms).sum())
