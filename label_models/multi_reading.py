"""Read what callers hand to a multi-label model. Every refusal is one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.errors import UsageError
from weaksup.multi_votes import MultiVotes

__all__ = ["naming", "read_gold_sets", "read_shares", "read_votes"]


@contextmanager
def naming(label: str) -> Iterator[None]:
    """Say of which label a model's refusal is."""
    try:
        yield
    except UsageError as error:
        raise type(error)(f'label "{label}": {error}') from None


def read_votes(votes: MultiVotes) -> MultiVotes:
    """Return the votes; refuse those for one label a row, and bare arrays."""
    if not isinstance(votes, MultiVotes):
        raise UsageError(
            f"multi-label model: expected MultiVotes, got {type(votes).__name__}; see MultiVotes.from_array"
        )
    return votes


def read_shares(given: Mapping[str, float] | Sequence[float] | None, names: tuple[str, ...]) -> dict[str, float]:
    """Return the share of rows that have each label, of those that are given."""
    if given is None:
        return {}
    if not isinstance(given, Mapping) and len(given) != len(names):
        raise UsageError(f"class balance: expected {len(names)} shares of PRESENT, one a label, got {len(given)}")
    shares = dict(given) if isinstance(given, Mapping) else dict(zip(names, given, strict=True))
    for name, share in shares.items():
        if name not in names:
            raise UsageError(f'class balance: expected labels out of {", ".join(names)}; got "{name}"')
        if not isinstance(share, (float, int, np.floating)) or not 0 < share < 1:
            raise UsageError(f'class balance: expected for "{name}" a share of rows between 0 and 1, got {share!r}')
    return {name: float(share) for name, share in shares.items()}


def read_gold_sets(gold: ArrayLike | None, votes: MultiVotes) -> NDArray[np.int64] | None:
    """Return known labels [n, k]: 1 present, 0 absent, -1 not known."""
    if gold is None:
        return None
    known, shape = np.asarray(gold), (len(votes), len(votes.labels))
    if known.shape != shape or known.dtype.kind not in "iu" or not np.isin(known, (-1, 0, 1)).all():
        raise UsageError(
            f"gold: expected {list(shape)} of 1 (present), 0 (absent), -1 (not known); "
            f"got {known.dtype} {list(known.shape)}"
        )
    return known.astype(np.int64)
