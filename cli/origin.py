"""Find the rows that votes or labels came from again: their corpus, their texts, their gold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from weaksup.corpus import Corpus
    from weaksup.labels import LabelSpace

__all__ = ["find_corpus", "read_gold"]


def find_corpus(
    origin: Mapping[str, Any],
    path: str | None = None,
    *,
    text: str | None = None,
    id_column: str | None = None,
) -> Corpus:
    """Open `path`, or else the files that `origin` names; raise CorpusError where neither is there.

    The columns are those that `origin` names, unless they are given.
    """
    from weaksup.corpus import Corpus, open_corpus

    if path is None:
        return Corpus.from_origin(origin)
    return open_corpus(
        path,
        text=text or origin.get("text", "text"),
        id=id_column if id_column is not None else origin.get("id"),
        encoding=origin.get("encoding", "utf-8"),
    )


def read_gold(corpus: Corpus, column: str, ids: Sequence[str], labels: LabelSpace) -> NDArray[np.int16]:
    """Return the gold classes of these rows [n], -1 where not known; raise UsageError where no row has any."""
    from weaksup.errors import UsageError
    from weaksup.labels import encode_gold

    found = corpus.lookup(None, [column])
    if ids and found.keys().isdisjoint(ids):
        raise UsageError(
            f'gold: expected the corpus of these votes, got one without row "{ids[0]}" or any other of them'
        )
    gold = encode_gold([found[i][column] if i in found else None for i in ids], labels, column=column)
    if ids and not (gold >= 0).any():
        raise UsageError(f'gold: expected labels in the column "{column}", got none: it is empty for all rows')
    return gold
