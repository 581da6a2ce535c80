"""Fit many label models to the same votes and set them side by side."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.errors import UsageError
from weaksup.label_models.base import BaseLabelModel, Floats2d
from weaksup.label_models.calibration_report import LEAST
from weaksup.label_models.health import Finding, count_differences, health
from weaksup.label_models.majority import MajorityVote
from weaksup.label_models.reading import read_gold
from weaksup.label_models.registry import create, model_names
from weaksup.metrics import accuracy, brier, ece, macro_f1, nll, wilson
from weaksup.votes import VoteMatrix

__all__ = ["Compared", "Comparison", "Score", "compare"]

_SNORKEL_CELLS = 500  # sources times classes; its fit costs the square of it, half a minute at 1,000

Labels = NDArray[np.int64]  # [n], -1 where a row is uncovered or tied


@dataclass(frozen=True, slots=True)
class Score:
    """Scores of one model on the covered rows with gold: accuracy with its 95 % interval, ties broken by a draw.

    In `nll` a probability of 0 counts as 2e-16, so that it stays finite.
    """

    accuracy: float
    low: float
    high: float
    macro_f1: float
    brier: float
    nll: float
    ece: float


@dataclass(frozen=True, slots=True)
class Compared:
    """One model: seconds for fit and predict, and what its labels look like.

    `mean_confidence` is over covered rows, `None` where there are none; `shares` are those of each label among the
    rows labeled; `undecided` counts covered rows whose best labels tie; `differs_from_majority` counts rows.
    """

    name: str
    seconds: float
    mean_confidence: float | None
    shares: Mapping[str, float]
    undecided: int
    differs_from_majority: int
    health: tuple[Finding, ...]
    score: Score | None

    def to_json(self) -> dict[str, Any]:
        """Return the model as plain JSON; a number that JSON cannot hold is null."""
        score = None if self.score is None else {k: _finite(v) for k, v in asdict(self.score).items()}
        plain = {field: getattr(self, field) for field in self.__slots__}
        return plain | {"shares": dict(self.shares), "health": [f.to_json() for f in self.health], "score": score}


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Models side by side: the default first, then by accuracy where there is gold, else by agreement with the others.

    `agreement` [M, M] is the share of covered rows to which two models give the same label, a tie counting as a label
    of its own; `kappa` [M, M] is the same beyond chance (J. Cohen, 1960), NaN where both give the same one throughout.
    `refused` tells why a model is missing.
    """

    rows: int
    covered: int
    judged: int
    models: tuple[Compared, ...]
    refused: Mapping[str, str]
    agreement: Floats2d
    kappa: Floats2d

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON; matrices are by name."""
        names = [model.name for model in self.models]

        def by_name(matrix: Floats2d) -> dict[str, dict[str, float | None]]:
            rows = (dict(zip(names, map(_finite, row), strict=True)) for row in matrix.tolist())
            return dict(zip(names, rows, strict=True))

        return {
            "rows": self.rows,
            "covered": self.covered,
            "gold_rows": self.judged,
            "models": [model.to_json() for model in self.models],
            "refused": dict(self.refused),
            "agreement": by_name(self.agreement),
            "kappa": by_name(self.kappa),
        }


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    votes: VoteMatrix
    balance: Sequence[float] | Mapping[str, float] | None
    gold: Labels
    seed: int
    majority: Labels


def compare(
    votes: VoteMatrix | ArrayLike,
    names: Iterable[str] | None = None,
    *,
    class_balance: Sequence[float] | Mapping[str, float] | None = None,
    gold: ArrayLike | None = None,
    seed: int = 0,
    on_model: Callable[[str], None] | None = None,
) -> Comparison:
    """Fit the named models, or all of them, to the same votes, without gold; `gold` [n], -1 unknown, scores them.

    A model that refuses the votes, or fails, is listed with its reason and stops no other. `on_model` is called with
    each name before its fit. Fits are not cut short: those of this package cost O(votes x classes), seconds for 100,000
    rows. Snorkel's costs the square of sources times classes: beyond 500 of these it is left out unless it is named.
    """
    matrix = votes if isinstance(votes, VoteMatrix) else VoteMatrix.from_array(votes)
    n, k = len(matrix), len(matrix.labels)
    known = np.full(n, -1, np.int64) if gold is None else read_gold(gold, n, k)
    chosen = model_names() if names is None else tuple(dict.fromkeys(names))
    for name in set(chosen) - set(model_names()):
        create(name)  # refuses it
    majority = MajorityVote(k).fit(matrix, class_balance=class_balance).predict(matrix)
    task = _Task(matrix, class_balance, np.where(matrix.covered, known, -1), seed, majority)
    done: dict[str, tuple[Compared, Labels]] = {}
    refused: dict[str, str] = {}
    for name in chosen:
        if on_model is not None:
            on_model(name)
        if names is None and name == "snorkel" and len(matrix.sources) * k > _SNORKEL_CELLS:
            refused[name] = f"left out: slow on {len(matrix.sources)} sources x {k} labels; name it to fit it"
            continue
        try:
            done[name] = _measure(name, task)
        except UsageError as error:
            refused[name] = str(error)
        except Exception as error:  # noqa: BLE001  (one model's failure must not hide the others' results)
            refused[name] = " ".join(f"failed with {type(error).__name__}: {error}".split())
    return _side_by_side(task, done, refused)


def _measure(name: str, task: _Task) -> tuple[Compared, Labels]:
    votes = task.votes
    with suppress(Exception):  # whatever is wrong shows below; imports are not part of the seconds
        create(name, 2).fit([[0, 0, 1], [1, 1, -1]])
    start = time.perf_counter()
    model = create(name, seed=task.seed).fit(votes, class_balance=task.balance)
    proba = model.predict_proba(votes)
    seconds = time.perf_counter() - start
    labels = model.predict(votes)
    covered, judged = votes.covered, bool((task.gold >= 0).any())
    counts = np.bincount(labels[labels >= 0], minlength=model.k_)
    compared = Compared(
        name=name,
        seconds=seconds,
        mean_confidence=float(proba[covered].max(axis=1).mean()) if covered.any() else None,
        shares=dict(zip(votes.labels.names, (counts / max(1, counts.sum())).tolist(), strict=True)),
        undecided=int((covered & (labels < 0)).sum()),
        differs_from_majority=count_differences(labels, task.majority),
        health=tuple(health(model, votes, gold=task.gold if judged else None)),
        score=_score(model, proba, task) if judged else None,
    )
    return compared, labels


def _score(model: BaseLabelModel, proba: Floats2d, task: _Task) -> Score:
    gold, labels = task.gold, model.predict(task.votes, tie_break_policy="random")
    n, share = int((gold >= 0).sum()), accuracy(gold, labels)
    low, high = wilson(round(share * n), n)
    rest = (brier(gold, proba), nll(gold, np.maximum(proba, LEAST)), ece(gold, proba))
    return Score(share, low, high, macro_f1(gold, labels, model.k_), *rest)


def _side_by_side(task: _Task, done: Mapping[str, tuple[Compared, Labels]], refused: Mapping[str, str]) -> Comparison:
    covered, k = task.votes.covered, len(task.votes.labels)
    names, models = list(done), [compared for compared, _ in done.values()]
    same, kappa = _agreements([labels[covered] for _, labels in done.values()], k)
    merit = [m.score.accuracy if m.score else float(np.nansum(row)) for m, row in zip(models, same, strict=True)]
    order = sorted(range(len(names)), key=lambda i: (names[i] != "default", -merit[i], names[i]))
    return Comparison(
        rows=len(task.votes),
        covered=int(covered.sum()),
        judged=int((task.gold >= 0).sum()),
        models=tuple(models[i] for i in order),
        refused=refused,
        agreement=same[np.ix_(order, order)],
        kappa=kappa[np.ix_(order, order)],
    )


def _agreements(labels: Sequence[Labels], k: int) -> tuple[Floats2d, Floats2d]:
    """Return the share of equal labels and Cohen's kappa of every pair, [M, M]; -1 counts as a label."""
    size, rows = len(labels), len(labels[0]) if labels else 0
    equal = np.array([[(a == b).sum() for b in labels] for a in labels], np.float64).reshape(size, size)
    counts = np.array([np.bincount(a + 1, minlength=k + 1) for a in labels], np.float64).reshape(size, k + 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        same, shares = equal / rows, counts / rows
        chance = shares @ shares.T
        kappa: Floats2d = np.where(chance < 1 - 1e-12, (same - chance) / (1 - chance), np.nan)
    return same, kappa


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
