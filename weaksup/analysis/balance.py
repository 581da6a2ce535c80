"""How the votes are spread over the labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weaksup.analysis.nouns import LabelBalance
from weaksup.analysis.tally import Tally
from weaksup.analysis.view import View
from weaksup.labels import ABSTAIN
from weaksup.patterns import Patterns

__all__ = ["label_balance"]

_CELLS = 1 << 22  # of the votes-per-label table at a time


def label_balance(view: View, counts: Tally) -> tuple[LabelBalance, ...]:
    """Return the balance of every label, in order."""
    majority = view.rows_per_class(_majority(view.patterns, view.k)).tolist()
    gold = view.rows_per_class(view.pattern_gold).tolist()
    return tuple(
        LabelBalance(
            label=name,
            votes=int(counts.votes[:, c].sum()),
            sources=int(np.count_nonzero(counts.votes[:, c])),
            majority=majority[c],
            gold=gold[c] if view.has_gold else None,
        )
        for c, name in enumerate(view.votes.labels.names)
    )


def _majority(patterns: Patterns, k: int) -> NDArray[np.int16]:
    """Return the class with the most votes of each pattern [p]; -1 for a tie, or no vote."""
    winner = np.full(len(patterns), ABSTAIN, np.int16)
    step = max(1, _CELLS // k)
    for start in range(0, len(patterns), step):
        values = patterns.values[start : start + step].astype(np.int64)
        row, source = np.nonzero(values != ABSTAIN)
        cells = np.bincount(row * k + values[row, source], minlength=len(values) * k).reshape(-1, k)
        most = cells.max(axis=1, keepdims=True)
        single = (most[:, 0] > 0) & ((cells == most).sum(axis=1) == 1)
        winner[start : start + step] = np.where(single, cells.argmax(axis=1), ABSTAIN)
    return winner
