"""Whether later texts are still like those that a student was trained on, and when to label again.

Each test asks whether a difference is more than chance (its p-value, corrected for there being several by S. Holm,
1979) and whether it is large enough to matter: among many rows, the smallest difference is more than chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.judging.reference import MEASURES, Look, Reference, VoteLook

__all__ = ["LARGE", "LEVEL", "Drift", "Right", "Shift", "find_drift"]

LEVEL = 0.05
ENOUGH = 5  # rows that a cell of the chi-square test should hold (W. G. Cochran, 1954)
FEW = 0.25  # where smaller shifts do not show, finding none says nothing
LARGE = {
    "length": 0.1,  # a tenth of the rows is elsewhere
    "unknown": 0.1,
    "confidence": 0.1,
    "classes": 0.1,
    "coverage": 0.1,  # labeling functions vote on so much less
    "agreement": 0.05,  # of what they say; where it falls, one of the two is wrong
    "accuracy": 0.03,
}
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
class Right:
    """Of `rows` with gold, `right` were predicted right."""

    rows: int
    right: int


@dataclass(frozen=True, slots=True)
class Shift:
    """One difference: `was` at training, is `now`; `effect` in 0..1, `p` corrected, `large` the effect that matters.

    Effects: the largest difference between two cumulative shares (Kolmogorov-Smirnov), half the sum of the differences
    of the label shares, or by how much a share fell.
    """

    what: str
    test: str
    was: float
    now: float
    effect: float
    large: float
    p: float
    says: str

    @property
    def title(self) -> str:
        """The name in words."""
        return _TITLES[self.what]

    @property
    def found(self) -> bool:
        """Whether it is more than chance, and large enough to matter."""
        return self.p < LEVEL and self.effect >= self.large

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {**asdict(self), "found": self.found}


@dataclass(frozen=True, slots=True)
class Drift:
    """What differs between `rows` and the `reference_rows` of training; `smallest` is the least shift they could show.

    `missing` says what could not be compared, and why.
    """

    rows: int
    reference_rows: int
    shifts: tuple[Shift, ...]
    smallest: float
    missing: tuple[str, ...] = ()

    @property
    def found(self) -> tuple[Shift, ...]:
        """The differences that call for new labels, worst first."""
        return tuple(sorted((s for s in self.shifts if s.found), key=lambda s: -s.effect / s.large))

    @property
    def verdict(self) -> str:
        """Say in words what to do, and why."""
        if self.found:
            return f"label again: {'; '.join(shift.says for shift in self.found)}"
        if self.smallest > FEW:
            return f"too few rows to tell: shifts below {self.smallest:.2f} do not show"
        return f"no drift found: these rows look like those of training (shifts below {self.smallest:.2f} do not show)"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "rows": self.rows,
            "reference_rows": self.reference_rows,
            "label_again": bool(self.found),
            "verdict": self.verdict,
            "smallest_shift_to_show": self.smallest,
            "shifts": [shift.to_json() for shift in self.shifts],
            "missing": list(self.missing),
        }


def find_drift(
    reference: Reference,
    look: Look,
    classes: Sequence[str],
    *,
    votes: VoteLook | None = None,
    right: tuple[Right, Right] | None = None,
) -> Drift:
    """Hold a `look` at new rows against that at training; with `votes` and gold (`right` then and now), these too.

    Shares of votes, agreement and accuracy count where they fell. A look without rows shows no drift.
    """
    shifts = [_moved(name, reference.seen, look) for name in MEASURES] + [_classes(reference.seen, look, classes)]
    missing = []
    was = reference.votes
    if votes is not None and was is None:
        missing.append("agreement with the votes: the student was packed without them; give `weaksup distill --votes`")
    elif votes is not None and was is not None:
        shifts.append(_fell("coverage", (was.covered, was.rows), (votes.covered, votes.rows)))
        shifts.append(_fell("agreement", (was.agreed, was.judged), (votes.agreed, votes.judged)))
    if right is not None:
        shifts.append(_fell("accuracy", *((one.right, one.rows) for one in right)))
    n, m = reference.seen.rows, look.rows
    smallest = 1.36 * np.sqrt((n + m) / (n * m)) if m else 1.0  # the 5 % point of Kolmogorov's distribution
    return Drift(m, n, _holm(shifts), min(1.0, float(smallest)), tuple(missing))


def _moved(name: str, was: Look, now: Look) -> Shift:
    """Compare two samples that are counted in bins: Kolmogorov-Smirnov, which bins make more careful."""
    from scipy.stats import kstwobign

    effect, p = 0.0, 1.0
    if was.rows and now.rows:
        shares = [np.cumsum(one.counts[name]) / one.rows for one in (was, now)]
        effect = float(np.abs(shares[0] - shares[1]).max())
        p = float(kstwobign.sf(effect * np.sqrt(was.rows * now.rows / (was.rows + now.rows))))
    before, after = was.mean(name), now.mean(name)
    shown = (f"{before:.0f}", f"{after:.0f} characters") if name == "length" else (f"{before:.2f}", f"{after:.2f}")
    says = f"{_TITLES[name]} went from {shown[0]} to {shown[1]} on average"
    return Shift(name, "Kolmogorov-Smirnov", before, after, effect, LARGE[name], p, says)


def _classes(was: Look, now: Look, classes: Sequence[str]) -> Shift:
    """Compare label shares by a chi-square test, rare labels as one; what is shown is the label that moved most."""
    from scipy.stats import chi2_contingency

    shares = [one.classes / max(one.rows, 1) for one in (was, now)]
    apart: NDArray[np.float64] = np.abs(shares[0] - shares[1])
    most, counts, p = int(apart.argmax()), _pool(np.stack([was.classes, now.classes])), 1.0
    if was.rows and now.rows and counts.shape[1] > 1:
        p = float(chi2_contingency(counts).pvalue)
    before, after = float(shares[0][most]), float(shares[1][most])
    says = f"{classes[most]} went from {100 * before:.0f}% to {100 * after:.0f}% of the predictions"
    return Shift("classes", "chi-square", before, after, float(apart.sum() / 2), LARGE["classes"], p, says)


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


def _fell(name: str, was: tuple[int, int], now: tuple[int, int]) -> Shift:
    """Compare two shares, each as (rows that count, rows): Fisher's exact test, one-sided."""
    from scipy.stats import fisher_exact

    before, after = (part / rows if rows else float("nan") for part, rows in (was, now))
    p = 1.0
    if was[1] and now[1]:
        table = [[now[0], now[1] - now[0]], [was[0], was[1] - was[0]]]
        p = float(fisher_exact(table, alternative="less").pvalue)
    fall = max(0.0, before - after) if was[1] and now[1] else 0.0
    says = f"{_TITLES[name]} fell from {100 * before:.0f}% to {100 * after:.0f}%"
    return Shift(name, "Fisher", before, after, fall, LARGE[name], p, says)


def _holm(shifts: Sequence[Shift]) -> tuple[Shift, ...]:
    """Correct the p-values for there being several."""
    order = sorted(range(len(shifts)), key=lambda i: shifts[i].p)
    corrected, highest = list(shifts), 0.0
    for place, i in enumerate(order):
        highest = max(highest, min(1.0, shifts[i].p * (len(shifts) - place)))
        corrected[i] = replace(shifts[i], p=highest)
    return tuple(corrected)
