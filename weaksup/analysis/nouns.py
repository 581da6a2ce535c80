"""What an analysis holds. Every noun is plain data: `Analysis.to_json` is its JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from weaksup.metrics import wilson

__all__ = [
    "Analysis",
    "Example",
    "Fight",
    "Finding",
    "LabelBalance",
    "LabelScore",
    "Level",
    "Share",
    "SourceStats",
]

Level = Literal["problem", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `n`, with the 95 % Wilson interval; `share` is 0 and the interval (0, 1) when `n` is 0."""

    hits: int
    n: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, hits: int, n: int) -> Share:
        """Make a share of two counts."""
        return cls(hits, n, hits / n if n else 0.0, *wilson(hits, n))


@dataclass(frozen=True, slots=True)
class LabelScore:
    """What one source does for one label.

    `judged` of its `votes` for the label fall on rows with gold, `correct` of these are right; `support` gold rows
    have the label. Precision = correct / judged, recall = correct / support; `None` where that would divide by 0, and
    everywhere when there is no gold.
    """

    label: str
    votes: int
    judged: int | None = None
    correct: int | None = None
    support: int | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One row to look at: its text (`None` when no corpus was at hand; `left_out` characters were cut off its end),
    what each source said, and its gold label when known."""

    id: str
    text: str | None
    left_out: int
    votes: tuple[tuple[str, str], ...]
    gold: str | None = None


@dataclass(frozen=True, slots=True)
class SourceStats:
    """One source: how often it votes, meets others and differs, and how often it is right where gold is known.

    `asked`: rows it saw (a model tier sees few; a row on which an LF failed does not count). `labels`: the labels it
    votes for, in order. `examples`: rows it votes on, its mistakes first.
    """

    name: str
    kind: str
    asked: int
    coverage: Share
    overlaps: int
    conflicts: int
    labels: tuple[LabelScore, ...]
    accuracy: Share | None
    examples: tuple[Example, ...]

    @property
    def polarity(self) -> tuple[str, ...]:
        """The labels it votes for."""
        return tuple(score.label for score in self.labels)


@dataclass(frozen=True, slots=True)
class LabelBalance:
    """One label: votes for it, sources that vote for it, rows where it has the most votes, gold rows (if any gold).

    Rows where two labels tie for the most votes count for none; see `Analysis.tied`.
    """

    label: str
    votes: int
    sources: int
    majority: int
    gold: int | None


@dataclass(frozen=True, slots=True)
class Fight:
    """Two sources that vote differently on `rows` of the `both` rows where both vote.

    `sides`: which labels they give there, as (label of first, label of second, rows), most rows first.
    """

    first: str
    second: str
    rows: int
    both: int
    sides: tuple[tuple[str, str, int], ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: what is so, in words with numbers; the sources or labels it is about; what to do."""

    level: Level
    name: str
    subjects: tuple[str, ...]
    says: str
    advice: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """All there is to say about the votes.

    `covered`, `overlapped`, `conflicted`: rows with a vote, two votes, two that differ. `overlaps` and `conflicts`
    [m][m]: rows where both sources vote, and vote differently (the diagonal of `overlaps`: rows a source votes on).
    `gold`: rows with gold, `None` when there is no gold. `fights`: the pairs with most conflicts, worst first.
    `unlabeled`: some of the rows without a vote; like all examples a sample that does not depend on the row order.
    """

    rows: int
    labels: tuple[str, ...]
    covered: Share
    overlapped: Share
    conflicted: Share
    tied: int
    gold: int | None
    sources: tuple[SourceStats, ...]
    overlaps: tuple[tuple[int, ...], ...]
    conflicts: tuple[tuple[int, ...], ...]
    balance: tuple[LabelBalance, ...]
    fights: tuple[Fight, ...]
    unlabeled: tuple[Example, ...]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the analysis as plain JSON."""
        data: dict[str, Any] = asdict(self)
        return data
