"""Single differences between rows of training and later ones, each with a test, and an effect that matters.

Rows that taught a student have fewer unknown n-grams, and it is surer of them, so only more of the one and less of the
other count against a corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.judging.reference import Look

__all__ = ["LARGE", "LEVEL", "Shift", "compare_classes", "compare_fall", "compare_measure", "looks_taught"]

LEVEL = 0.05
ENOUGH = 5  # rows that a cell of the chi-square test should hold (W. G. Cochran, 1954)
LARGE = {
    "length": 0.1,  # a tenth of the rows is elsewhere
    "unknown": 0.1,
    "confidence": 0.1,
    "classes": 0.1,
    "coverage": 0.1,  # labeling functions vote on so much less
    "agreement": 0.05,  # of what they say; where it falls, one of the two is wrong
    "accuracy": 0.03,
}
TAUGHT = 2.0  # of rows that taught it, a student says what it was taught: label shares count from twice the effect on
_WORSE = {"unknown": 1, "confidence": -1}  # whether more is worse or less; where both are, it is not in here
_LEAST = {"unknown": 0.01, "confidence": 0.02}  # by how much the average must get worse
_TITLES = {
    "length": "length of the texts",
    "unknown": "unknown n-grams",
    "confidence": "the student's confidence",
    "classes": "shares of the labels",
    "coverage": "rows with a vote",
    "agreement": "agreement with the votes",
    "accuracy": "accuracy on gold",
}


@dataclass(frozen=True, slots=True)
class Shift:
    """One difference: `was` at training, is `now`; `effect` in 0..1, `p` corrected, `large` the effect that matters.

    Effects: the largest difference between two cumulative shares (Kolmogorov-Smirnov; for n-grams and confidence the
    largest for the worse), half the sum of the differences of the label shares, or by how much a share fell. `worse`
    says whether the average, too, got worse by what matters.
    """

    what: str
    test: str
    was: float
    now: float
    effect: float
    large: float
    p: float
    says: str
    worse: bool = True

    @property
    def title(self) -> str:
        """The name in words."""
        return _TITLES[self.what]

    @property
    def found(self) -> bool:
        """Whether it is more than chance, and large enough to matter."""
        return self.p < LEVEL and self.effect >= self.large and self.worse

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {**asdict(self), "found": self.found}


@dataclass(frozen=True, slots=True)
class _Gap:
    """The largest difference of two cumulative shares: `was` and `now` of the rows are in the first `bins` bins."""

    effect: float
    p: float
    was: float
    now: float
    bins: int


def compare_measure(name: str, was: Look, now: Look, edges: NDArray[np.float64]) -> Shift:
    """Compare two samples that are counted in bins: Kolmogorov-Smirnov, which bins make more careful."""
    sign = _WORSE.get(name, 0)
    gap, before, after = _find_gap(name, was, now, sign), was.mean(name), now.mean(name)
    worse = not sign or sign * (after - before) >= _LEAST[name]
    says = f"{_rows_of(name, gap, edges)} (on average {_show(name, before)}, now {_show(name, after)})"
    return Shift(name, "Kolmogorov-Smirnov", before, after, gap.effect, LARGE[name], gap.p, says, worse)


def looks_taught(was: Look, now: Look) -> bool:
    """Say whether rows have so few unknown n-grams as those that taught the student have, and later ones do not."""
    gap = _find_gap("unknown", was, now, -_WORSE["unknown"])
    return gap.p < LEVEL and gap.effect >= LARGE["unknown"]


def compare_classes(was: Look, now: Look, classes: Sequence[str], *, taught: bool = False) -> Shift:
    """Compare label shares by a chi-square test, rare labels as one; what is shown is the label that moved most.

    `taught` says that `now` looks like rows that the student learned from.
    """
    from scipy.stats import chi2_contingency

    shares = [one.classes / max(one.rows, 1) for one in (was, now)]
    apart: NDArray[np.float64] = np.abs(shares[0] - shares[1])
    most, counts, p = int(apart.argmax()), _pool(np.stack([was.classes, now.classes])), 1.0
    if was.rows and now.rows and counts.shape[1] > 1:
        p = float(chi2_contingency(counts).pvalue)
    before, after = float(shares[0][most]), float(shares[1][most])
    says = f"{classes[most]} went from {_percent(before)} to {_percent(after)} of the predictions"
    large = LARGE["classes"] * (TAUGHT if taught else 1)
    return Shift("classes", "chi-square", before, after, float(apart.sum() / 2), large, p, says)


def compare_fall(name: str, was: tuple[int, int], now: tuple[int, int]) -> Shift:
    """Compare two shares, each as (rows that count, rows): Fisher's exact test, one-sided."""
    from scipy.stats import fisher_exact

    before, after = (part / rows if rows else float("nan") for part, rows in (was, now))
    p = 1.0
    if was[1] and now[1]:
        table = [[now[0], now[1] - now[0]], [was[0], was[1] - was[0]]]
        p = float(fisher_exact(table, alternative="less").pvalue)
    fall = max(0.0, before - after) if was[1] and now[1] else 0.0
    says = f"{_TITLES[name]} fell from {_percent(before)} to {_percent(after)}"
    return Shift(name, "Fisher", before, after, fall, LARGE[name], p, says)


def _find_gap(name: str, was: Look, now: Look, sign: int) -> _Gap:
    """Find where two samples are furthest apart: either way (`sign` 0), or where `now` has more (1) or less (-1).

    p is that of Kolmogorov's distribution, one way that of N. V. Smirnov (1944).
    """
    from scipy.stats import kstwobign

    if not (was.rows and now.rows):
        return _Gap(0.0, 1.0, float("nan"), float("nan"), 0)
    before, after = (np.cumsum(one.counts[name]) / one.rows for one in (was, now))
    apart = np.abs(before - after) if not sign else sign * (before - after)
    most = int(apart.argmax())
    effect = max(0.0, float(apart[most]))
    scaled = effect * np.sqrt(was.rows * now.rows / (was.rows + now.rows))
    p = float(np.exp(-2 * scaled**2)) if sign else float(kstwobign.sf(scaled))
    return _Gap(effect, p, float(before[most]), float(after[most]), most)


def _rows_of(name: str, gap: _Gap, edges: NDArray[np.float64]) -> str:
    """Say which rows became more: those on one side of where the samples are furthest apart."""
    if gap.bins >= len(edges):  # all values in one bin: nowhere apart
        return _TITLES[name]
    edge = float(edges[gap.bins])
    below, was, now = gap.now >= gap.was, gap.was, gap.now
    if not below:
        was, now = 1 - was, 1 - now
    kind = {
        "length": f"texts of {f'fewer than {edge:.0f} characters' if below else f'{edge:.0f} characters or more'}",
        "unknown": f"rows with {'less than' if below else 'at least'} {100 * edge:.3g}% unknown n-grams",
        "confidence": f"rows where the student's confidence is {'below' if below else 'at least'} {edge:.3g}",
    }[name]
    return f"{kind} went from {_percent(was)} to {_percent(now)}"


def _show(name: str, mean: float) -> str:
    return {"length": f"{mean:.0f}", "unknown": f"{100 * mean:.3g}%"}.get(name, f"{mean:.2f}")


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _pool(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add up the labels of which either sample should hold fewer than ENOUGH rows: the test needs so many in a cell."""
    expected = counts.sum(axis=1).min() * counts.sum(axis=0) / max(counts.sum(), 1)
    order = np.argsort(-expected, kind="stable")
    common = int((expected >= ENOUGH).sum())
    rare = counts[:, order[common:]].sum(axis=1, keepdims=True)
    if (
        expected[order[common:]].sum() < ENOUGH and common
    ):  # too few even together: they go with the rarest of the others
        common, rare = common - 1, rare + counts[:, order[common - 1 : common]]
    return np.hstack([counts[:, order[:common]], rare])
