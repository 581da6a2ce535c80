"""What the votes are worth: how many hand labels a student needs to be as good as the one that learned from votes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.distill.student import Student
from weaksup.distill.training import train
from weaksup.errors import UsageError
from weaksup.labels import LabelSpace
from weaksup.metrics import accuracy

__all__ = ["Worth", "measure_worth"]

Measure = Callable[[NDArray[Any], NDArray[Any]], float]
LEAST = 20  # hand labels of the first point
STEP = 2.0  # from point to point
ROUNDS = 400


@dataclass(frozen=True, slots=True)
class Worth:
    """The hand labels that the votes are worth.

    `labels` is where the learning curve of students on gold alone reaches the score of the student on votes, by linear
    interpolation over the logarithm; `interval` its 95 % interval over rows and draws (bootstrap). None is beyond the
    curve: above its end, or, with `below`, under its beginning. `curve` has the number of hand labels and the mean
    score; `score` is that of the student on votes, on the same `rows`.
    """

    labels: int | None
    interval: tuple[int | None, int | None]
    below: bool
    score: float
    rows: int
    curve: tuple[tuple[int, float], ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {**asdict(self), "interval": list(self.interval), "curve": [list(point) for point in self.curve]}


def measure_worth(
    texts: Sequence[str],
    gold: ArrayLike,
    proba: ArrayLike,
    labels: LabelSpace,
    *,
    scored: ArrayLike | None = None,
    measure: Measure = accuracy,
    draws: int = 3,
    folds: int = 5,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
) -> Worth:
    """Compare predictions [n, k] of the student on votes with students on gold alone, on the rows `scored` [n].

    `settings` are those of `train`, to make students of the same kind.

    `gold` [n], -1 where not known. By default all rows with gold are scored. Students learn from gold rows that are not
    scored, or, where those are fewer, from the gold rows of the other folds; never from a text that they are scored
    on. Each point is the mean of `draws` draws of rows. Cost: draws x points trainings, times `folds` where crossed.
    """
    known = np.asarray(gold)
    mask = known >= 0 if scored is None else np.asarray(scored, np.bool_) & (known >= 0)
    rows = np.flatnonzero(mask)
    seen = {texts[i] for i in rows.tolist()}
    spare = np.array([i for i in np.flatnonzero((known >= 0) & ~mask).tolist() if texts[i] not in seen], np.int64)
    if len(rows) < 2 or len(known) != len(texts):
        raise UsageError(f"worth of the votes: expected gold for at least 2 scored rows, got {len(rows)}")
    parts = (
        [(spare, rows)]
        if len(spare) >= len(rows)
        else _cross([texts[i] for i in rows.tolist()], rows, spare, folds, seed)
    )
    sizes = _sizes(min(len(learn) for learn, _ in parts))
    more = settings or {}
    said = np.empty((len(sizes), draws, len(known)), np.int64)
    rng = np.random.default_rng(seed)
    for learn, test in parts:
        shown = [texts[i] for i in test.tolist()]
        for draw in range(draws):
            order = rng.permutation(learn)
            for at, size in enumerate(sizes):
                student = _teach(texts, known, order[:size], labels, more)
                said[at, draw, test] = student.predict_proba(shown).argmax(axis=1)
    votes = np.asarray(proba).argmax(axis=1)[rows]
    return _compare(_Test(known[rows], votes, said[:, :, rows], measure), sizes, seed)


def _teach(
    texts: Sequence[str],
    gold: NDArray[Any],
    rows: NDArray[np.int64],
    labels: LabelSpace,
    settings: Mapping[str, Any],
) -> Student:
    one_hot = np.eye(len(labels))[gold[rows]]
    return train([texts[i] for i in rows.tolist()], one_hot, labels=labels, **settings)


def _sizes(most: int) -> list[int]:
    """Return the numbers of hand labels to try, ascending; the last is all there are."""
    found = [LEAST]
    while found[-1] * STEP < most:
        found.append(int(found[-1] * STEP))
    return [size for size in found if size < most] + [most]


def _cross(
    texts: Sequence[str], rows: NDArray[np.int64], spare: NDArray[np.int64], folds: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Split the rows into folds, equal texts together: (rows to learn from, rows to score on)."""
    _, text = np.unique(np.array(texts, dtype=object), return_inverse=True)
    fold = np.random.default_rng(seed).integers(0, folds, len(rows))[text]
    parts = [(np.append(rows[fold != f], spare), rows[fold == f]) for f in range(folds)]
    found = [part for part in parts if len(part[0]) and len(part[1])]
    if not found:
        raise UsageError("worth of the votes: expected gold rows of at least 2 distinct texts, got one")
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Test:
    """Gold [n], the classes that the student on votes says [n], and those on hand labels: [sizes, draws, n]."""

    gold: NDArray[Any]
    votes: NDArray[Any]
    said: NDArray[np.int64]
    measure: Measure

    def scores(self, rows: NDArray[np.int64], draws: NDArray[np.int64]) -> tuple[float, list[float]]:
        """Score the student on votes, and each size's students, on some rows and draws."""
        gold, taken = self.gold[rows], draws.tolist()
        curve = [float(np.mean([self.measure(gold, one[d, rows]) for d in taken])) for one in self.said]
        return self.measure(gold, self.votes[rows]), curve


def _compare(test: _Test, sizes: list[int], seed: int) -> Worth:
    """Find the crossing, and again over rows and draws taken with replacement."""
    rng, n, draws = np.random.default_rng(seed), len(test.gold), test.said.shape[1]
    score, curve = test.scores(np.arange(n), np.arange(draws))
    found = _crossing(score, curve, sizes)
    drawn = []
    for _ in range(ROUNDS):
        rows, some = rng.integers(0, n, (n,)), rng.integers(0, draws, (draws,))
        drawn.append(_crossing(*test.scores(rows, some), sizes))
    low, high = np.quantile(np.array(drawn), np.array([0.025, 0.975]), method="nearest").tolist()
    return Worth(
        labels=_shown(found),
        interval=(_shown(low), _shown(high)),
        below=found == 0,
        score=score,
        rows=n,
        curve=tuple(zip(sizes, curve, strict=True)),
    )


def _crossing(score: float, curve: list[float], sizes: list[int]) -> float:
    """Return where the rising hull of the curve reaches the score: 0 before its beginning, inf beyond its end."""
    rising = np.maximum.accumulate(curve)
    if score <= rising[0]:
        return 0.0
    if score > rising[-1]:
        return np.inf
    at = int(np.searchsorted(rising, score))
    share = (score - rising[at - 1]) / (rising[at] - rising[at - 1])
    low, high = np.log(sizes[at - 1]), np.log(sizes[at])
    return float(np.exp(low + share * (high - low)))


def _shown(value: float) -> int | None:
    return round(value) if 0 < value < np.inf else None
