"""Make probabilities mean what they say, by gold rows: a temperature, or isotonic curves where gold is plenty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.errors import UsageError
from weaksup.label_models.reading import read_gold
from weaksup.label_models.softmax import softmax

__all__ = [
    "MOST_TEMPERATURE",
    "Calibration",
    "Method",
    "calibrate",
    "cross_calibrated",
    "fit_temperature",
    "log_proba",
    "read_proba",
]

Method = Literal["auto", "temperature", "isotonic"]
Floats1d = NDArray[np.float64]
Floats2d = NDArray[np.float64]
Labels = NDArray[np.int64]

_FLOOR = 1e-3  # shared by the classes: what is left to those that a model rules out
_PRIOR_ROWS = 4.0
MOST_TEMPERATURE = 100.0
"""Temperatures lie between one through this and this."""

_ISOTONIC_ROWS = 50  # gold rows a class, from which on isotonic curves are tried
_WINS = 2.0  # standard errors


@dataclass(frozen=True, slots=True)
class Curve:
    """A function that never falls, by its corners; straight between them and level beyond."""

    at: tuple[float, ...]
    share: tuple[float, ...]

    def __call__(self, proba: Floats1d) -> Floats1d:
        return np.interp(proba, self.at, self.share)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Probabilities in, calibrated ones out: rows stay distributions, equal rows stay equal.

    "temperature" divides log-probabilities by `temperature`: above 1 it flattens, 1 returns its input as it is; no
    row's most probable class changes. "isotonic" maps each class by its curve in `curves` [k] and divides by the sum.
    """

    method: Literal["temperature", "isotonic"]
    temperature: float = 1.0
    curves: tuple[Curve, ...] = field(default=(), repr=False)

    def __call__(self, proba: ArrayLike) -> Floats2d:
        """Return the calibrated probabilities [n, k]."""
        p = read_proba(proba)
        if self.method == "temperature":
            return p if self.temperature == 1 else softmax(log_proba(p) / self.temperature)
        if p.shape[1] != len(self.curves):
            raise UsageError(f"calibration: expected proba of {len(self.curves)} classes, as in fit, got {p.shape[1]}")
        mapped = np.column_stack([curve(p[:, c]) for c, curve in enumerate(self.curves)])
        mapped /= mapped.sum(axis=1, keepdims=True)
        return mapped

    def to_json(self) -> dict[str, Any]:
        """Return the calibration as plain JSON; `from_json` gives it back to the last bit."""
        curves = [{"at": list(curve.at), "share": list(curve.share)} for curve in self.curves]
        return {"method": self.method, "temperature": self.temperature, "curves": curves}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Calibration:
        """Read what `to_json` wrote."""
        curves = tuple(Curve(tuple(curve["at"]), tuple(curve["share"])) for curve in data["curves"])
        return cls(data["method"], data["temperature"], curves)


def calibrate(proba: ArrayLike, gold: ArrayLike, *, method: Method = "auto", seed: int = 0) -> Calibration:
    """Learn from gold [n] (class indices, -1 where not known) what probabilities [n, k] of a model are worth.

    Give gold of rows with a vote: a row without one has the class balance, which is no opinion to correct. The model
    must not have seen this gold itself.

    - "temperature": one number (C. Guo et al., 2017) by maximum a posteriori. The prior counts as 4 gold rows that say
      1, so 5 gold rows cannot blow it up.
    - "isotonic": one curve a class, against the rest (B. Zadrozny and C. Elkan, 2002). Two half rows of either answer
      are added at both ends: without them a first block without a miss would promise 0 or 1, and one exception would
      cost infinitely much.
    - "auto": a temperature, unless there are 50 gold rows a class or more and the isotonic curves, each row judged by
      curves fitted without it (5 folds, drawn by `seed`), have a lower negative log-likelihood by more than two
      standard errors of the difference.

    Raises `UsageError` where no row has gold.
    """
    p, known, rows = _read(proba, gold, method)
    return _fit(p[rows], known[rows], method, seed)


def cross_calibrated(
    proba: ArrayLike, gold: ArrayLike, *, method: Method = "auto", folds: int = 5, seed: int = 0
) -> Floats2d:
    """Return calibrated probabilities [n, k] that can be scored on the same gold.

    Each row with gold is calibrated by the gold rows of the other folds alone, the rows without gold by all; "auto"
    chooses once, by all. With one gold row there are no others, so that row stays as it is.
    """
    p, known, rows = _read(proba, gold, method)
    if folds < 2:
        raise UsageError(f"calibration: expected at least 2 folds, got {folds}")
    p_gold, y = p[rows], known[rows]
    chosen = _choose(p_gold, y, seed) if method == "auto" else method
    calibrated = _fit(p_gold, y, chosen, seed)(p)
    calibrated[rows] = _cross_fit(p_gold, y, lambda p, y: _fit(p, y, chosen, seed), folds=folds, seed=seed)
    return calibrated


def _cross_fit(
    p: Floats2d, y: Labels, fit: Callable[[Floats2d, Labels], Calibration], *, folds: int, seed: int
) -> Floats2d:
    """Return p [n, k], each row calibrated by what was fitted on the other folds; all of `y` [n] are known."""
    fold = np.empty(len(y), np.int64)
    fold[np.random.default_rng(seed).permutation(len(y))] = np.arange(len(y)) % folds
    calibrated = np.empty_like(p)
    for f in range(min(folds, len(y))):
        out = fold == f
        calibrated[out] = fit(p[~out], y[~out])(p[out])
    return calibrated


def log_proba(p: Floats2d) -> Floats2d:
    """Return log-probabilities [n, k], finite: what a class is given counts as 0.001 / k at least."""
    floored: Floats2d = np.log(np.maximum(p, _FLOOR / p.shape[1]))
    return floored


def read_proba(proba: ArrayLike) -> Floats2d:
    """Return a copy of probabilities [n, k]; refuse rows that are no distributions."""
    p = np.array(proba, np.float64)
    if p.ndim != 2 or p.shape[1] < 2:
        raise UsageError(f"calibration: expected proba [n, k] of at least 2 classes, got {list(p.shape)}")
    if not ((p >= 0).all() and np.allclose(p.sum(axis=1), 1.0, atol=1e-6)):
        raise UsageError("calibration: expected rows of proba that are finite, at least 0 and sum to 1")
    return p


def _read(proba: ArrayLike, gold: ArrayLike, method: str) -> tuple[Floats2d, Labels, Labels]:
    if method not in get_args(Method):
        raise UsageError(f'calibration: expected the method "auto", "temperature" or "isotonic", got "{method}"')
    p = read_proba(proba)
    known = read_gold(gold, *p.shape)
    rows = np.flatnonzero(known >= 0)
    if not len(rows):
        raise UsageError(
            f"calibration: expected gold for at least one row, got none in {len(p)} rows; "
            "without gold, calibrate_by_agreement needs the votes alone"
        )
    return p, known, rows


def _fit(p: Floats2d, y: Labels, method: Method, seed: int) -> Calibration:
    if not len(y):
        return Calibration("temperature")
    if method == "auto":
        method = _choose(p, y, seed)
    return _isotonic(p, y) if method == "isotonic" else _temperature(p, y)


def _choose(p: Floats2d, y: Labels, seed: int) -> Method:
    if len(y) < _ISOTONIC_ROWS * p.shape[1]:
        return "temperature"
    plain, curved = (_cross_fit(p, y, fit, folds=5, seed=seed) for fit in (_temperature, _isotonic))
    at = np.arange(len(y))
    gain = np.log(curved[at, y] / plain[at, y])
    noise = gain.std(ddof=1) / np.sqrt(len(gain))
    return "isotonic" if gain.mean() > _WINS * noise else "temperature"


def fit_temperature(logs: Floats2d, target: Floats2d) -> float:
    """Return the temperature of log-probabilities [n, k] that `target` [n, k] suggests, in 1 / 100 .. 100.

    A row of `target` is a distribution times the weight of the row. Minimizes
    -sum target log softmax(b logs) + 4 (b - log b - 1), convex in b = 1 / temperature.
    """
    from scipy.optimize import brentq

    mass = target.sum(axis=1, keepdims=True)
    seen = (target * logs).sum()

    def slope(log_b: float) -> float:
        b = np.exp(log_b)
        return float((mass * softmax(b * logs) * logs).sum() - seen + _PRIOR_ROWS * (1 - 1 / b))

    end = np.log(MOST_TEMPERATURE)
    if slope(end) <= 0 or slope(-end) >= 0:
        return 1 / MOST_TEMPERATURE if slope(end) <= 0 else MOST_TEMPERATURE
    return float(np.exp(-brentq(slope, -end, end, xtol=1e-12)))


def _temperature(p: Floats2d, y: Labels) -> Calibration:
    return Calibration("temperature", fit_temperature(log_proba(p), np.eye(p.shape[1])[y]))


def _isotonic(p: Floats2d, y: Labels) -> Calibration:
    from sklearn.isotonic import IsotonicRegression

    curves = []
    for c in range(p.shape[1]):
        at = np.append(p[:, c], [p[:, c].min(), p[:, c].max()])
        right = np.append((y == c).astype(np.float64), [0.5, 0.5])
        fitted = IsotonicRegression().fit(at, right)
        curves.append(Curve(tuple(fitted.X_thresholds_.tolist()), tuple(fitted.y_thresholds_.tolist())))
    return Calibration("isotonic", 1.0, tuple(curves))
