"""Which single source the labels hang on: fit again without it and count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from numpy.typing import ArrayLike

from weaksup.errors import UsageError
from weaksup.label_models.base import BaseLabelModel
from weaksup.label_models.what_if import name_votes, read_rows, refit, without_source
from weaksup.labels import ABSTAIN
from weaksup.votes import VoteMatrix

__all__ = ["SourceInfluence", "influence"]


@dataclass(frozen=True, slots=True)
class SourceInfluence:
    """What happens to the labels without one source.

    `votes` it gave; `changed` rows that get another label; `undecided` rows whose label becomes a tie; `decided` ties
    that get a label; `uncovered` rows that nobody else votes on.
    """

    source: str
    votes: int
    changed: int
    undecided: int
    decided: int
    uncovered: int

    def to_json(self) -> dict[str, Any]:
        """Return the influence as plain JSON."""
        return asdict(self)


def influence(
    model: BaseLabelModel, votes: VoteMatrix | ArrayLike, *, sources: Sequence[str] | None = None
) -> list[SourceInfluence]:
    """Fit the model again without each source, and count the labels of `votes` that change; most influential first.

    Cost: one fit and one prediction a source; for a model that takes seconds to fit, name the `sources` to look at. It
    is fitted on what it was fitted on, gold and class balance included. A source without votes changes nothing, and is
    not fitted without.
    """
    matrix = name_votes(model, votes)
    columns = [_column(matrix, name) for name in (matrix.names if sources is None else sources)]
    rows = read_rows(model, matrix)
    counts, before = rows.counts, rows.labels(model)
    spoke = (model._seen.patterns.values != ABSTAIN).any(axis=0)
    found = []
    for j in columns:
        voted, quiet = rows.values[:, j] != ABSTAIN, rows.without(j)
        after = quiet.labels(refit(model, without_source(model._seen, j)) if spoke[j] else model)
        lost = voted & (quiet.values == ABSTAIN).all(axis=1)
        had, has = before != ABSTAIN, after != ABSTAIN
        cases = (voted, had & has & (before != after), had & ~has & ~lost, ~had & has, lost)
        found.append(SourceInfluence(matrix.names[j], *(int(counts[case].sum()) for case in cases)))
    return sorted(found, key=lambda s: (-s.changed, -s.undecided - s.uncovered, s.source))


def _column(votes: VoteMatrix, name: str) -> int:
    if name not in votes.names:
        raise UsageError(f'influence: expected sources out of {", ".join(votes.names[:6])}, ...; got "{name}"')
    return votes.names.index(name)
