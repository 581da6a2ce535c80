"""Whether later texts are still like those that a student was trained on, and when to label again.

Each test asks whether a difference is more than chance (its p-value, corrected for there being several by S. Holm,
1979) and whether it is large enough to matter: among many rows, the smallest difference is more than chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from weaksup.corpus import Counts, Reject
from weaksup.distill.judging.reference import MEASURES, Look, Reference, VoteLook
from weaksup.distill.judging.shifts import Shift, compare_classes, compare_fall, compare_measure, looks_taught

__all__ = ["Drift", "Lost", "Right", "find_drift"]

FEW = 0.25  # where smaller shifts do not show, finding none says nothing


@dataclass(frozen=True, slots=True)
class Right:
    """Of `rows` with gold, `right` were predicted right."""

    rows: int
    right: int


@dataclass(frozen=True, slots=True)
class Lost:
    """What the corpus had that could not be read, as `Scan` tells it."""

    counts: Counts = field(default_factory=Counts)
    rejects: Sequence[Reject] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """What differs between `rows` and the `reference_rows` of training; `smallest` is the least shift they could show.

    `taught` says that the rows look like those that the student learned from: they cannot show what later ones are
    like. `missing` says what could not be compared, and why; `lost` which rows of the corpus were not read.
    """

    rows: int
    reference_rows: int
    shifts: tuple[Shift, ...]
    smallest: float
    missing: tuple[str, ...] = ()
    taught: bool = False
    lost: Lost = field(default_factory=Lost)

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

    @property
    def advice(self) -> str:
        """Say in words that a later corpus should be compared, where the rows look like those that taught; else ""."""
        if not self.taught:
            return ""
        was, now = next((s.was, s.now) for s in self.shifts if s.what == "unknown")
        why = f"{100 * now:.2g}% of their n-grams are unknown, of rows kept from it {100 * was:.2g}%"
        return f"these rows look like those that taught the student ({why}): compare a later corpus"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "rows": self.rows,
            "reference_rows": self.reference_rows,
            "label_again": bool(self.found),
            "verdict": self.verdict,
            "advice": self.advice,
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

    Unknown n-grams count where there are more, confidence and shares of votes, agreement and accuracy where they fell.
    A look without rows shows no drift.
    """
    seen, taught = reference.seen, looks_taught(reference.seen, look)
    shifts = [compare_measure(name, seen, look, reference.edges[name]) for name in MEASURES]
    shifts.append(compare_classes(seen, look, classes, taught=taught))
    missing = []
    was = reference.votes
    if votes is not None and was is None:
        missing.append("agreement with the votes: the student was packed without them; give `weaksup distill --votes`")
    elif votes is not None and was is not None:
        shifts.append(compare_fall("coverage", (was.covered, was.rows), (votes.covered, votes.rows)))
        shifts.append(compare_fall("agreement", (was.agreed, was.judged), (votes.agreed, votes.judged)))
    if right is not None:
        before, after = ((one.right, one.rows) for one in right)
        shifts.append(compare_fall("accuracy", before, after))
    n, m = seen.rows, look.rows
    smallest = 1.36 * np.sqrt((n + m) / (n * m)) if m else 1.0  # the 5 % point of Kolmogorov's distribution
    return Drift(m, n, _holm(shifts), min(1.0, float(smallest)), tuple(missing), taught)


def _holm(shifts: Sequence[Shift]) -> tuple[Shift, ...]:
    """Correct the p-values for there being several."""
    order = sorted(range(len(shifts)), key=lambda i: shifts[i].p)
    corrected, highest = list(shifts), 0.0
    for place, i in enumerate(order):
        highest = max(highest, min(1.0, shifts[i].p * (len(shifts) - place)))
        corrected[i] = replace(shifts[i], p=highest)
    return tuple(corrected)
