"""The audit: rows that were left alone, drawn at random for people to check, and what they say of the others."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.metrics import Interval, wilson
from weaksup.routing.ladder import Floats, Rows

__all__ = ["AuditScore", "audited_accuracy", "draws"]


def draws(ids: Sequence[str], seed: int) -> Floats:
    """Return a number from 0 to 1 for each row, [n], that depends on nothing but its id and the seed.

    A row below the share of the audit is in it, whatever other rows there are, in every run.
    """
    salt = seed.to_bytes(16, "big")
    # A loop over rows: numpy has no hash of texts. A million take about a second.
    hashed = [hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8, salt=salt).digest() for name in ids]
    bits = np.frombuffer(b"".join(hashed), ">u8") >> np.uint64(11)
    return bits.astype(np.float64) * 2.0**-53


@dataclass(frozen=True, slots=True)
class AuditScore:
    """What people found in the audit: of `rows` checked, how many labels were `right`; `unanswered` wait for people.

    `by_label` has (checked, right) of the rows that were given each label.
    """

    rows: int
    right: int
    unanswered: int
    by_label: dict[str, tuple[int, int]]

    @property
    def accuracy(self) -> float | None:
        """The share of right labels; `None` where no row was checked."""
        return self.right / self.rows if self.rows else None

    @property
    def interval(self) -> Interval:
        """Where the accuracy of all labels left alone lies, at 95 % (Wilson's); (0, 1) where no row was checked."""
        return wilson(self.right, self.rows)

    def to_json(self) -> dict[str, Any]:
        """Return the score as plain JSON."""
        low, high = self.interval
        return {
            "rows": self.rows,
            "right": self.right,
            "unanswered": self.unanswered,
            "accuracy": self.accuracy,
            "low": low,
            "high": high,
            "by_label": {name: {"rows": rows, "right": right} for name, (rows, right) in self.by_label.items()},
        }


def audited_accuracy(label: Rows, people: Rows, audited: NDArray[np.bool_], *, labels: LabelSpace) -> AuditScore:
    """Estimate how many of the labels left alone are right, from the rows of the audit alone.

    Only these count: they were drawn at random, so they stand for all labels left alone. Rows that people saw for
    another reason, a rule or a doubt, are no sample of anything. `audited` [n] is what `audited_rows` returns. `label`
    [n] must be what stood before people saw it, judged without their answers; `people` [n] is what they say, ABSTAIN
    where they did not answer.
    """
    if not len(label) == len(people) == len(audited):
        raise UsageError(f"audit: expected arrays of one length, got {len(label)}, {len(people)} and {len(audited)}")
    checked = audited & (people != ABSTAIN)
    given, right = label[checked], (label == people)[checked]
    k = len(labels)
    rows, hits = np.bincount(given, minlength=k).tolist(), np.bincount(given[right], minlength=k).tolist()
    by_label = {name: (rows[c], hits[c]) for c, name in enumerate(labels.names)}
    return AuditScore(int(checked.sum()), int(right.sum()), int((audited & ~checked).sum()), by_label)
