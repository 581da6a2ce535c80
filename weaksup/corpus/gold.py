"""Gold in a corpus: a column of true labels, for some rows or all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from weaksup.corpus.corpus import Corpus
from weaksup.errors import UsageError
from weaksup.labels import LabelSpace, encode_gold

__all__ = ["read_gold"]


def read_gold(corpus: Corpus, column: str, ids: Sequence[str], labels: LabelSpace) -> NDArray[np.int16]:
    """Return the gold classes of these rows [n], -1 where not known; raise UsageError where no row has any."""
    found = corpus.lookup(None, [column])
    if ids and found.keys().isdisjoint(ids):
        raise UsageError(
            f'gold: expected the corpus of these votes, got one without row "{ids[0]}" or any other of them'
        )
    gold = encode_gold([found[i][column] if i in found else None for i in ids], labels, column=column)
    if ids and not (gold >= 0).any():
        raise UsageError(f'gold: expected labels in the column "{column}", got none: it is empty for all rows')
    return gold
