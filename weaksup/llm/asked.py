"""What came of asking: votes, what became of every row, and what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from weaksup.labels import ABSTAIN
from weaksup.llm.pricing.prices import show_dollars
from weaksup.protocols import PromptFunctionProtocol, Reply
from weaksup.votes import Source

__all__ = ["Asked", "Collected", "Outcomes", "Progress", "count_rows"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far asking has come: rows done of `total`, micro-dollars spent by this call."""

    done: int
    total: int
    spent: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of the rows; every row is counted once.

    `abstained` and `failed` count by reason; `not_asked` are the rows that the budget did not reach; `cached` are those
    of the answered and abstained rows whose answer was in the store already.
    """

    answered: int
    abstained: Mapping[str, int]
    failed: Mapping[str, int]
    not_asked: int
    cached: int

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return self.answered + sum(self.abstained.values()) + sum(self.failed.values()) + self.not_asked


def count_rows(votes: Mapping[str, int], reasons: Mapping[str, str], *, rows: int, cached: int) -> Outcomes:
    """Count the fates of `rows` rows: `votes` by id, `reasons` why a row abstained, or failed if it has no vote."""
    abstained = Counter(reasons[name] for name, code in votes.items() if code == ABSTAIN)
    failed = Counter(reason for name, reason in reasons.items() if name not in votes)
    return Outcomes(
        answered=len(votes) - sum(abstained.values()),
        abstained=dict(abstained.most_common()),
        failed=dict(failed.most_common()),
        not_asked=rows - len(votes) - sum(failed.values()),
        cached=cached,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """The answers of one tier to one prompt function, ready for `VoteMatrix.with_source`.

    `votes` maps ids to class indices, or to ABSTAIN where the answer was no clean label; rows that failed or were not
    asked are not in it. `reasons` says why a row abstained or failed. Money is in micro-dollars: `spent` by this call,
    `unknown` the part of it that went to calls without an answer, `run_spent` and `run_held` of the whole run.
    """

    source: Source
    votes: Mapping[str, int]
    confidence: Mapping[str, float]
    reasons: Mapping[str, str]
    outcomes: Outcomes
    spent: int
    unknown: int
    run_spent: int
    run_held: int
    stopped: Literal["", "budget", "provider"] = ""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the counts and the money as plain JSON; dollars as numbers."""
        return {
            "source": self.source.name,
            "kind": self.source.kind,
            "rows": self.outcomes.rows,
            "answered": self.outcomes.answered,
            "abstained": dict(self.outcomes.abstained),
            "failed": dict(self.outcomes.failed),
            "not_asked": self.outcomes.not_asked,
            "cached": self.outcomes.cached,
            "spent_usd": self.spent / 1e6,
            "unknown_usd": self.unknown / 1e6,
            "run_spent_usd": self.run_spent / 1e6,
            "stopped": self.stopped,
            "notes": list(self.notes),
        }

    @property
    def summary(self) -> str:
        """Say it in one line."""
        o = self.outcomes
        parts = [f"{o.answered:,} answered"]
        parts += [f"{sum(o.abstained.values()):,} abstained"] if o.abstained else []
        parts += [f"{sum(o.failed.values()):,} failed"] if o.failed else []
        parts += [f"{o.not_asked:,} not asked (budget)"] if o.not_asked else []
        cost = f"{show_dollars(self.spent)} spent now, {show_dollars(self.run_spent)} by the run so far"
        return f"{o.rows:,} rows: {', '.join(parts)}; {o.cached:,} from the store; {cost}"


@dataclass(slots=True)
class Collected:
    """The rows' fates while they are being found out."""

    prompt: PromptFunctionProtocol
    votes: dict[str, int] = field(default_factory=dict)
    confidence: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    abstained: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    cached: int = 0
    not_asked: int = 0
    _failed_rows: int = 0  # kept beside the reasons: each may be another, and progress is told after every row

    def read(self, ids: tuple[str, ...], reply: Reply) -> None:
        """Take the vote of a reply for the rows that it answers."""
        reading = self.prompt.read(reply.text)
        code = ABSTAIN if reply.fault else reading.code
        reason = reply.fault or reading.reason
        sure = reading.confidence if reading.confidence is not None else reply.confidence
        self.models[reply.model] += len(ids)
        for name in ids:
            self.votes[name] = code
            if code == ABSTAIN:
                self.reasons[name] = reason
                self.abstained[reason] += 1
            elif sure is not None:
                self.confidence[name] = sure

    def fail(self, ids: tuple[str, ...], reason: str) -> None:
        """Count rows that brought no answer."""
        self.failed[reason] += len(ids)
        self._failed_rows += len(ids)
        self.reasons.update(dict.fromkeys(ids, reason))

    @property
    def done(self) -> int:
        """How many rows have met their fate."""
        return len(self.votes) + self._failed_rows + self.not_asked

    def outcomes(self) -> Outcomes:
        """Return the counts."""
        return Outcomes(
            answered=len(self.votes) - sum(self.abstained.values()),
            abstained=dict(self.abstained.most_common()),
            failed=dict(self.failed.most_common()),
            not_asked=self.not_asked,
            cached=self.cached,
        )
