"""How far tiers, the student and people agree with each other, and people with the labels in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from weaksup.errors import UsageError
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.metrics import Interval, wilson
from weaksup.routing.ladder import Rows
from weaksup.votes import VoteMatrix

__all__ = ["FINAL", "Agreement", "PairAgreement", "measure_agreement", "people_labels"]

FINAL = "final label"
"""The name of the labels in the end, where a person is compared with them."""

_KINDS = ("tier", "student", "person")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two answerers on the `rows` that both answered; `agreed` of them alike.

    `kappa` is the agreement beyond chance (J. Cohen, 1960), `None` where chance alone gives it all. `splits` are the
    pairs of labels they differ in most often: (label of `first`, label of `second`, rows).
    """

    first: str
    second: str
    kinds: tuple[str, str]
    rows: int
    agreed: int
    chance: float
    splits: tuple[tuple[str, str, int], ...]

    @property
    def share(self) -> float | None:
        """The share of rows with one label; `None` where there are no rows."""
        return self.agreed / self.rows if self.rows else None

    @property
    def interval(self) -> Interval:
        """Where the share lies, at 95 % (Wilson's)."""
        return wilson(self.agreed, self.rows)

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa, -1..1."""
        return self._beyond_chance(self.agreed / self.rows) if self.rows else None

    @property
    def kappa_interval(self) -> Interval | None:
        """Where kappa lies, at 95 %: the interval of the share, with chance as it is (as in Cohen's own error)."""
        low, high = map(self._beyond_chance, self.interval)
        return None if low is None or high is None or not self.rows else (max(-1.0, low), high)

    def to_json(self) -> dict[str, Any]:
        """Return the pair as plain JSON."""
        low, high = self.interval
        kappa_low, kappa_high = self.kappa_interval or (None, None)
        return {
            "first": self.first,
            "second": self.second,
            "kinds": list(self.kinds),
            "rows": self.rows,
            "agreed": self.agreed,
            "share": self.share,
            "low": low,
            "high": high,
            "kappa": self.kappa,
            "kappa_low": kappa_low,
            "kappa_high": kappa_high,
            "splits": [{"first": a, "second": b, "rows": rows} for a, b, rows in self.splits],
        }

    def _beyond_chance(self, share: float) -> float | None:
        return (share - self.chance) / (1 - self.chance) if self.chance < 1 - 1e-12 else None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of each pair of answerers, and of each person with the labels in the end."""

    pairs: tuple[PairAgreement, ...]
    final: tuple[PairAgreement, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {"pairs": [p.to_json() for p in self.pairs], "final": [p.to_json() for p in self.final]}


def measure_agreement(votes: VoteMatrix, final: Rows | None = None, *, kinds: Sequence[str] = _KINDS) -> Agreement:
    """Compare every two sources of these kinds on the rows that both answered; pairs without such a row are left out.

    `final` [n] are the labels in the end, ABSTAIN where there is none: people are compared with them. A label that
    follows the person agrees by itself; for how good labels are that nobody checked, see `audited_accuracy`.
    """
    if final is not None and len(final) != len(votes):
        raise UsageError(f"agreement: expected {len(votes)} final labels, got {len(final)}")
    said = [
        _Said(source.name, source.kind, votes.values[:, j].astype(np.int64))
        for j, source in enumerate(votes.sources)
        if source.kind in kinds
    ]
    pairs = [_compare(one, other, votes.labels) for one, other in combinations(said, 2)]
    end = None if final is None else _Said(FINAL, "final", np.asarray(final, np.int64))
    ends = [_compare(person, end, votes.labels) for person in said if end and person.kind == "person"]
    return Agreement(tuple(p for p in pairs if p.rows), tuple(p for p in ends if p.rows))


def people_labels(votes: VoteMatrix) -> Rows:
    """Return what most of the people say of each row, [n]; ABSTAIN where they are divided, or none answered."""
    columns = [j for j, source in enumerate(votes.sources) if source.kind == "person"]
    n, k = len(votes), len(votes.labels)
    tally = np.zeros((n, k), np.int64)
    for j in columns:
        rows = np.flatnonzero(votes.values[:, j] != ABSTAIN)
        tally[rows, votes.values[rows, j]] += 1
    most = tally.max(axis=1, initial=0)
    clear = (most > 0) & ((tally == most[:, None]).sum(axis=1) == 1)
    return np.where(clear, tally.argmax(axis=1), ABSTAIN).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    name: str
    kind: str
    label: Rows


def _compare(one: _Said, other: _Said, labels: LabelSpace) -> PairAgreement:
    both, k = (one.label != ABSTAIN) & (other.label != ABSTAIN), len(labels)
    counts = np.bincount(one.label[both] * k + other.label[both], minlength=k * k).reshape(k, k)
    rows = int(counts.sum())
    chance = float(counts.sum(axis=1) @ counts.sum(axis=0)) / max(rows, 1) ** 2
    apart = counts.copy()
    np.fill_diagonal(apart, 0)
    worst = np.argsort(-apart, axis=None, kind="stable")[:_SHOWN]
    cells = [divmod(int(cell), k) for cell in worst if apart.flat[cell]]
    splits = tuple((labels.names[a], labels.names[b], int(apart[a, b])) for a, b in cells)
    return PairAgreement(one.name, other.name, (one.kind, other.kind), rows, int(np.trace(counts)), chance, splits)
