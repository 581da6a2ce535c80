"""Who may be asked: tiers in the order of their price, and what is taken for the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.labels import ABSTAIN
from weaksup.votes import VoteMatrix

__all__ = ["Answers", "Floats", "Ladder", "Rows", "answers_of", "answers_taken_for_truth"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ladder:
    """Names of the sources that answer for money.

    `rungs` are the tiers that machines answer, cheapest first; the last one teaches: its answers are taken for the
    truth. `signals` are other opinions bought together with the first rung: another prompt, another model. `people`, if
    any, are asked after all rungs, and overrule them.
    """

    rungs: tuple[str, ...]
    signals: tuple[str, ...] = ()
    people: str | None = None

    def __post_init__(self) -> None:
        if len(self.rungs) < 2:
            raise UsageError(f"routing: expected at least two tiers to route between, got {len(self.rungs)}")
        names = [*self.rungs, *self.signals, *([self.people] if self.people else [])]
        if len(set(names)) < len(names):
            raise UsageError(f"routing: expected different tiers, got {', '.join(names)}; name each once")

    @property
    def first(self) -> str:
        """The cheapest tier."""
        return self.rungs[0]

    @property
    def middle(self) -> tuple[str, ...]:
        """The tiers between the first and the teacher."""
        return self.rungs[1:-1]

    @property
    def teacher(self) -> str:
        """The dearest machine."""
        return self.rungs[-1]

    @property
    def bought_first(self) -> tuple[str, ...]:
        """The first rung and its signals: asked about the same rows."""
        return (self.first, *self.signals)

    @property
    def witnesses(self) -> tuple[str, ...]:
        """The sources whose answers are evidence, not truth."""
        return (self.first, *self.middle, *self.signals)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What one source said: `label` int64 [n], ABSTAIN where it did not; `asked` [n]; `confidence` [n] or NaN."""

    label: Rows
    asked: NDArray[np.bool_]
    confidence: Floats

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where there is an answer that can be used, [n]."""
        known: NDArray[np.bool_] = self.label != ABSTAIN
        return known

    def overruled_by(self, other: Answers) -> Answers:
        """Return these answers, and the other's where it has one; confidences where nothing was overruled."""
        return Answers(
            np.where(other.known, other.label, self.label),
            self.asked | other.asked,
            np.where(other.known, other.confidence, self.confidence),
        )


def answers_of(votes: VoteMatrix, name: str | None) -> Answers:
    """Read one source of the votes; one that is not there was never asked."""
    n = len(votes)
    if name is None or name not in votes.names:
        return Answers(np.full(n, ABSTAIN, np.int64), np.zeros(n, np.bool_), np.full(n, np.nan))
    j = votes.names.index(name)
    asked = np.ones(n, np.bool_) if votes.asked is None else votes.asked[:, j]
    said = np.full(n, np.nan) if votes.confidence is None else votes.confidence[:, j].astype(np.float64)
    return Answers(votes.values[:, j].astype(np.int64), asked, said)


def answers_taken_for_truth(votes: VoteMatrix, ladder: Ladder, gold: Rows | None = None) -> Answers:
    """Return the teacher's answers; where people answered, theirs; where gold [n] is not ABSTAIN, gold."""
    told = answers_of(votes, ladder.teacher)
    people = answers_of(votes, ladder.people)
    told = told.overruled_by(Answers(people.label, people.known, people.confidence))
    if gold is not None:
        told = told.overruled_by(Answers(gold.astype(np.int64), gold != ABSTAIN, np.full(len(gold), np.nan)))
    return told
