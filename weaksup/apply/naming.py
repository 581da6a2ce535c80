"""Find the label space of votes that come without one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from weaksup.apply.ballot import Ballot
from weaksup.errors import ConfigError, UsageError, VoteError
from weaksup.labeling_functions.open_labels import OpenLabels
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.protocols import Voter
from weaksup.votes import Votes

__all__ = ["Naming", "declared_labels"]


def declared_labels(lfs: Iterable[Voter]) -> LabelSpace | None:
    """Return the label space that the labeling functions declare; raise `UsageError` if they declare two."""
    found: LabelSpace | None = None
    for lf in lfs:
        space = getattr(lf, "labels", None)
        if not isinstance(space, LabelSpace):
            continue
        if found is not None and space != found:
            first, second = ", ".join(found.names[:4]), ", ".join(space.names[:4])
            raise UsageError(f"expected one label space, the labeling functions declare ({first}) and ({second})")
        found = space
    return found


class Naming:
    """Number the names of all chunks alike, whichever process saw them first; at the end, sort them."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._top = ABSTAIN
        self._open = True

    def know(self, space: OpenLabels) -> None:
        """Take in the labels that declarative functions name before any row is read."""
        self._take(space.seen, space.top)

    def indices_only(self) -> None:
        """Refuse names: without a label space the codes of a file must be final as they are written."""
        self._open = False

    def renumber(self, ballot: Ballot) -> Votes:
        """Return the codes of a ballot in this numbering."""
        return _renumber(ballot.codes, self._take(ballot.names, ballot.top))

    def _take(self, names: Sequence[str], top: int) -> list[int]:
        numbers = [self._numbers.setdefault(name, len(self._numbers)) for name in names]
        self._top = max(self._top, top)
        if names and not self._open:
            raise ConfigError(
                f'the vote "{names[0]}" has no label space; write LABELS = LabelSpace(["{names[0]}", ...]) beside the '
                "labeling functions"
            )
        if self._numbers and self._top >= 0:
            raise VoteError(
                f'votes mix label names ("{next(iter(self._numbers))}") and class indices (up to {self._top}): give '
                "labels=LabelSpace([...]), so that both have one meaning"
            )
        return numbers if names else list(range(self._top + 1))

    def settle(self, rows: int) -> tuple[LabelSpace, list[int]]:
        """Return the label space, names sorted or "0" .. "k-1", and where each number goes in it."""
        if not self._numbers or (rows == 0 and len(self._numbers) < 2):
            k = max(2, self._top + 1)
            return LabelSpace([str(c) for c in range(k)]), list(range(k))
        names = sorted(self._numbers)
        if len(names) == 1:
            raise VoteError(
                f'the only label voted is "{names[0]}": give labels=LabelSpace(["{names[0]}", ...]) with every class'
            )
        return LabelSpace(names), [names.index(name) for name in self._numbers]

    def final(self, values: Votes, places: Sequence[int]) -> Votes:
        """Put votes [n, m] in the numbering of the settled label space."""
        return _renumber(values, places)


def _renumber(codes: Votes, places: Sequence[int]) -> Votes:
    table = np.append(np.array(places, np.int16), np.int16(ABSTAIN))  # -1 is the last place
    renumbered: Votes = table[codes]
    return renumbered
