"""The votes as patterns, with gold beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.errors import UsageError
from weaksup.labels import ABSTAIN
from weaksup.multi_votes import MultiVotes
from weaksup.patterns import Patterns, find_patterns
from weaksup.votes import VoteMatrix

__all__ = ["View", "make_view"]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Votes, their patterns, and gold per row [n] and per pattern [p], -1 where not known.

    Rows of one pattern have one gold label, so all counts come off the patterns; two patterns may hold equal votes.
    """

    votes: VoteMatrix
    patterns: Patterns
    gold: NDArray[np.int16]
    pattern_gold: NDArray[np.int16]
    has_gold: bool

    @property
    def k(self) -> int:
        """The number of classes."""
        return len(self.votes.labels)

    def rows_per_class(self, classes: NDArray[np.int16]) -> NDArray[np.int64]:
        """Count rows per class [k], given a class for each pattern [p]; -1 counts for none."""
        counted = np.bincount(classes + 1, weights=self.patterns.counts, minlength=self.k + 1)
        return counted[1:].astype(np.int64)


def make_view(votes: VoteMatrix | MultiVotes, gold: ArrayLike | None) -> View:
    """Group the rows by votes and gold."""
    if isinstance(votes, MultiVotes):
        raise UsageError("analyze: expected votes for one label a row, got multi-label ones; use analyze_multi")
    n, m = votes.values.shape
    truth = np.full(n, ABSTAIN, np.int16) if gold is None else np.asarray(gold)
    if truth.shape != (n,) or truth.dtype.kind not in "iu":
        raise UsageError(f"analyze: expected gold [{n}], one class index a row, got {list(truth.shape)} {truth.dtype}")
    if n and not ABSTAIN <= truth.min() <= truth.max() < len(votes.labels):
        raise UsageError(f"analyze: expected gold of -1 (not known) to {len(votes.labels) - 1}, got another number")
    truth = truth.astype(np.int16)
    joint = find_patterns(np.column_stack([votes.values, truth]))
    patterns = replace(joint, values=joint.values[:, :m])
    return View(votes, patterns, truth, joint.values[:, m], gold is not None)
