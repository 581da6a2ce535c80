"""Buying answers for a campaign: every round asks a few rows more, and what a tier brought is told as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from weaksup.corpus import Row
from weaksup.labeling_functions import PromptFunction
from weaksup.llm import Asked, Progress, Tier, ask
from weaksup.llm.asked import count_rows
from weaksup.llm.jobs import make_jobs, make_request
from weaksup.pipeline.asking import add_answers
from weaksup.store import Limits, Store
from weaksup.votes import VoteMatrix

__all__ = ["Purchases", "Purse", "likely_costs"]

_MEASURED = 1000  # rows whose calls are priced to learn how the price grows with the length of a text

Watch = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Purse:
    """Who pays: the store and its ledger, the run, its budget in dollars, and further caps."""

    store: Store
    run: str
    budget_usd: Decimal
    limits: Limits = field(default_factory=Limits)


@dataclass(slots=True, eq=False)
class Purchases:
    """Ask the sources that have a name, and remember what each of them brought.

    `fetch` returns the rows of the corpus at positions in the votes.
    """

    fetch: Callable[[Sequence[int]], list[Row]]
    shelf: Mapping[str, tuple[Tier, PromptFunction]]
    purse: Purse
    watch: Watch = lambda *_: None
    stopped: bool = False
    _bought: dict[str, list[Asked]] = field(default_factory=dict)
    _wanted: dict[str, set[str]] = field(default_factory=dict)

    def buy(self, votes: VoteMatrix, name: str, rows: NDArray[np.int64]) -> VoteMatrix:
        """Ask a source about rows at these positions; the same votes come back once a budget or a provider ended."""
        return votes if self.stopped else self.take(votes, name, rows)

    def take(self, votes: VoteMatrix, name: str, rows: NDArray[np.int64]) -> VoteMatrix:
        """Ask even where another source's budget or provider ended: for answers that people gave already."""
        if not len(rows):
            return votes
        tier, prompt = self.shelf[name]
        purse, wanted = self.purse, self.fetch(rows.tolist())

        def tell(progress: Progress) -> None:
            self.watch("ask", progress.done, progress.total)

        asked = ask(
            wanted,
            prompt,
            tier,
            purse.store,
            run=purse.run,
            budget_usd=purse.budget_usd,
            limits=purse.limits,
            on_answer=tell,
        )
        self._bought.setdefault(name, []).append(asked)
        self._wanted.setdefault(name, set()).update(str(row["id"]) for row in wanted)
        self.stopped = self.stopped or bool(asked.stopped)
        return add_answers(votes, asked)

    def asked(self) -> list[Asked]:
        """Return what each source brought, in the order in which they were first asked."""
        return [_together(parts, len(self._wanted[name])) for name, parts in self._bought.items()]


def _together(parts: Sequence[Asked], rows: int) -> Asked:
    """Make one result of several rounds; a row that failed in one and was answered in another was answered."""
    votes: dict[str, int] = {}
    confidence: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for part in parts:
        for name in part.votes:
            reasons.pop(name, None)
        votes.update(part.votes)
        confidence.update(part.confidence)
        reasons.update(part.reasons)
    return replace(
        parts[-1],
        votes=votes,
        confidence=confidence,
        reasons=reasons,
        outcomes=count_rows(votes, reasons, rows=rows, cached=sum(part.outcomes.cached for part in parts)),
        spent=sum(part.spent for part in parts),
        unknown=sum(part.unknown for part in parts),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def likely_costs(rows: Sequence[Row], prompt: PromptFunction, tier: Tier) -> NDArray[np.float64]:
    """Return what a call is likely to cost for each row, [n], in micro-dollars: a line through the lengths of texts."""
    length, known = np.array([len(str(row["text"])) for row in rows], np.float64), []
    jobs = make_jobs(
        _spread(rows), tier.fitted(prompt), tier.provider
    ).calls  # rows where the prompt fails are left out
    for job in jobs:
        request = make_request(job.row, tier.fitted(prompt), tier.provider)[1]
        known.append((len(str(job.row["text"])), tier.paid_price.charge(tier.provider.expect(request))))
    if not known:
        return np.zeros(len(rows))
    seen, costs = np.array(known, np.float64).T
    if np.ptp(seen) == 0:
        return np.full(len(rows), float(costs.mean()))
    slope, start = np.polyfit(seen, costs, 1)
    likely: NDArray[np.float64] = np.maximum(start + slope * length, costs.min())
    return likely


def _spread(rows: Sequence[Row]) -> list[Row]:
    """Return some of the rows, evenly spread."""
    if not rows:
        return []
    shown = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _MEASURED)).astype(np.int64))
    return [rows[i] for i in shown.tolist()]
