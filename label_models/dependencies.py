"""Which sources depend on which, given the class: a forest of pairs that agree beyond chance and truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.agreement import count_pairs
from weaksup.label_models.cast import CastVotes

__all__ = ["find_dependencies"]

_BEYOND = 0.5  # share of the agreement that chance and truth leave open
_ROWS = 20  # on which both vote
_SPREADS = 4.0  # standard deviations beyond what is expected


def find_dependencies(votes: CastVotes, m: int) -> NDArray[np.int64]:
    """Return pairs [e, 2] of sources, a forest: of each circle of dependent pairs the weakest is left out.

    Expected agreement is c + (1 - c) r: chance c from the sources' shares of labels, and r what both owe to the truth,
    read off their agreement with third sources (`agreement`). A pair depends where both vote on 20 rows or more and
    agree on half or more of what that leaves open, at least 4 standard deviations beyond it. Sources that vote for one
    and the same label always agree by chance, so they never depend. Trees by C. K. Chow and C. N. Liu (1968).
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import minimum_spanning_tree

    if m < 2 or not len(votes.label):
        return np.zeros((0, 2), np.int64)
    pairs = count_pairs(votes, m)
    expected = np.clip(pairs.chance + (1 - pairs.chance) * pairs.owed_to_truth(), 0.0, 1.0)
    spread = np.sqrt(pairs.both * expected * (1 - expected))
    beyond = pairs.same - pairs.both * expected
    open_rows = pairs.both * (1 - expected)
    depends = (pairs.both >= _ROWS) & (open_rows > 1e-9 * pairs.both) & (beyond >= _SPREADS * spread)
    strength = np.divide(beyond, open_rows, out=np.zeros_like(beyond), where=depends)
    strength = np.triu(np.where(strength >= _BEYOND, strength, 0.0), 1)
    tree = minimum_spanning_tree(csr_matrix(-strength)).tocoo()
    found: NDArray[np.int64] = np.column_stack([tree.row, tree.col]).astype(np.int64)
    return found[np.lexsort((found[:, 1], found[:, 0]))]
