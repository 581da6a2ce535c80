"""A campaign: machines are asked where the votes leave a row in doubt, tier by tier, then people where those do too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.corpus import Corpus, Row
from weaksup.distill.judging.cleaning import deny
from weaksup.distill.linear.out_of_fold import OutOfFold
from weaksup.distill.targets import certainty
from weaksup.labels import ABSTAIN, SoftLabels
from weaksup.llm import Asked, Tier, source_of
from weaksup.pipeline.asking import read_rows, worst_rows
from weaksup.pipeline.people_step import Desk, answered_before, without_people
from weaksup.pipeline.purchases import Purchases, Purse, likely_costs
from weaksup.pipeline.team import Team, default_shares
from weaksup.routing import Belief, Buy, Routed, Rules, Terms, estimate, route
from weaksup.routing.agreement import Agreement, measure_agreement, people_labels
from weaksup.routing.audit import AuditScore
from weaksup.routing.earlier import earlier_students
from weaksup.routing.people_queue import Queue
from weaksup.routing.policy import Policy
from weaksup.votes import VoteMatrix

__all__ = ["Campaign", "Outcome"]

_EVEN = 1e-3  # classes closer than this are alike

Watch = Callable[[str, int, int | None], None]
Fit = Callable[[VoteMatrix, NDArray[np.int64] | None], SoftLabels]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What came of a campaign: votes with all answers, labels, what each tier brought, whom people still have."""

    votes: VoteMatrix
    labels: SoftLabels
    asked: tuple[Asked, ...]
    agreement: Agreement
    queue: Queue | None = None
    audit: AuditScore | None = None
    in_doubt: int = 0  # rows whose label is less likely than the policy accepts

    def to_json(self) -> dict[str, Any]:
        """Return the counts as plain JSON."""
        return {
            "tiers": [one.to_json() for one in self.asked],
            "agreement": self.agreement.to_json(),
            "queue": None if self.queue is None else self.queue.to_json(),
            "audit": None if self.audit is None else self.audit.to_json(),
            "in_doubt": self.in_doubt,
        }


@dataclass(eq=False)
class Campaign:
    """Ask a team about the rows of some votes.

    With two machine tiers or more, routing decides whom to ask about which row, and what the labels are in the end;
    students of earlier corpora may have answered every row before (see `Team`). With one, it is asked about the rows
    that the label model leaves most in doubt, and the label model has the last word. `limits` are rows at most, by
    source, until the others have had their part of the money. `gold` [n] are true labels, ABSTAIN where not known: none
    is needed.
    """

    votes: VoteMatrix
    corpus: Corpus
    team: Team
    purse: Purse
    fit: Fit
    policy: Policy = field(default_factory=Policy)
    limits: dict[str, int] = field(default_factory=dict)
    gold: NDArray[np.int64] | None = None
    watch: Watch = lambda *_: None
    seed: int = 0
    _earlier: NDArray[np.float64] | None = field(default=None, init=False)

    def run(self) -> Outcome:
        """Ask machines, then people; the same call again, after an interruption too, pays for no answer twice."""
        purchases = Purchases(self._fetch, self.team.shelf, self.purse, self.watch)
        votes, belief = self._ask_machines(self.votes, purchases.buy)
        queue = audit = None
        if self.team.people is not None:
            votes, belief, queue, audit = self._ask_people(self.team.people, votes, belief, purchases)
        labels = self._labels(votes, belief)
        final = np.where(labels.covered, belief.label, ABSTAIN)
        asked = tuple(purchases.asked())
        doubtful = int((1 - belief.doubt < self.policy.accepts(votes.labels)[belief.label]).sum()) if len(votes) else 0
        return Outcome(votes, labels, asked, measure_agreement(votes, final), queue, audit, doubtful)

    def label_by_machines(self, buy: Buy) -> SoftLabels:
        """Label the rows with the answers of machines that `buy` brings, in place of those that a run would pay for."""
        return self._labels(*self._ask_machines(self.votes, buy))

    @cached_property
    def _rows(self) -> list[Row]:
        return read_rows(self.corpus, self.votes.ids)

    @cached_property
    def _opinion(self) -> OutOfFold:
        texts = [str(row["text"]) for row in self._rows]
        return OutOfFold(texts, classes=len(self.votes.labels), seed=self.seed, before=self._earlier)

    @property
    def _routed(self) -> bool:
        return len(self.team.rungs) > 1

    def _fetch(self, positions: Sequence[int]) -> list[Row]:
        if self._routed or self.team.people is not None:
            return [self._rows[i] for i in positions]
        return read_rows(self.corpus, [self.votes.ids[i] for i in positions])

    def _ask_people(
        self, tier: Tier, votes: VoteMatrix, machines: Belief, purchases: Purchases
    ) -> tuple[VoteMatrix, Belief, Queue, AuditScore | None]:
        """Read what people answered, and ask them what is in doubt still.

        After the machines, though people overrule them: what people say in the meantime must not send machines to
        other rows than before, for money, past their shares, away from answers that are paid for.
        """
        name, desk = source_of(tier, self.team.prompt).name, Desk(tier, self.policy, self.purse, self.corpus)
        answered = answered_before(tier, self.team.prompt, self._rows)
        said = purchases.take(votes, name, answered)
        belief = machines if said is votes else self._believe(said, self.gold, machines)
        queue = desk.queue(said, belief, answered, denied=self._denied(belief))
        audit = desk.audit(said, self._alone(votes, machines))
        told = purchases.buy(said, name, queue.rows)
        if not np.array_equal(people_labels(told), people_labels(said)):  # filled in meanwhile
            belief = self._believe(told, self.gold, machines)
        return told, belief, queue, audit

    def _denied(self, belief: Belief) -> NDArray[np.bool_]:
        """Mark the rows whose label a student is sure is wrong that did not learn from them."""
        return deny(self._opinion(belief.proba, certainty(belief.proba)), belief.label)

    def _alone(self, votes: VoteMatrix, machines: Belief) -> Belief:
        """Return what machines alone believe: without gold, and without people who voted before the campaign."""
        if self.gold is None and (people_labels(votes) == ABSTAIN).all():
            return machines
        return self._believe(without_people(votes), None, None)

    def _ask_machines(self, votes: VoteMatrix, buy: Buy) -> tuple[VoteMatrix, Belief]:
        for tier in self.team.students:  # for nothing, so about every row, and first
            votes = buy(votes, source_of(tier, self.team.prompt).name, np.arange(len(votes)))
        self._earlier = earlier_students(votes)
        if self._routed:
            routed = self._route(votes, buy, self.limits)
            if self.limits:  # what the plan set aside and nobody needed is free for all
                routed = self._route(routed.votes, buy, {})
            return routed.votes, routed.belief
        for tier in self.team.rungs:
            name = source_of(tier, self.team.prompt).name
            limit = self.limits.get(name, len(votes))
            rows = worst_rows(votes, self.fit(votes, _known(votes, self.gold)), share=tier.share_alone, source=name)
            votes = buy(votes, name, rows[:limit])
        return votes, self._believe(votes, self.gold, None)

    def _route(self, votes: VoteMatrix, buy: Buy, limits: Mapping[str, int]) -> Routed:
        rules = Rules(doubt=1 - self.policy.accept, seed=self.seed)
        ladder, terms = self.team.ladder, self._terms(limits)
        return route(votes, ladder, buy, terms=terms, opinion=self._opinion, gold=self.gold, rules=rules)

    def _terms(self, most: Mapping[str, int]) -> Terms:
        """Return how many rows each rung may be asked about, for how much, and below which probability."""
        n, ladder, machines = len(self.votes), self.team.ladder, self.team.rungs
        shares = default_shares(machines)
        limits = {
            name: min(int(shares[tier.name] * n + 1e-9), most.get(name, n))
            for name, tier in zip(ladder.rungs, machines, strict=True)
        }
        costs = {
            name: likely_costs(self._rows, self.team.prompt, tier)
            for name, tier in zip(ladder.rungs, machines, strict=True)
        }
        below = self.policy.thresholds([tier.given_name for tier in machines], self.votes.labels)
        return Terms(limits, costs, dict(zip(ladder.rungs, below, strict=True)))

    def _believe(self, votes: VoteMatrix, gold: NDArray[np.int64] | None, before: Belief | None) -> Belief:
        """Judge the rows by all votes, and gold; `before` is what was believed until now."""
        if self._routed:
            ladder = self.team.ladder
            return estimate(votes, ladder, opinion=self._opinion, before=before, gold=gold, seed=self.seed)
        proba = self.fit(votes, _known(votes, gold)).proba
        known = people_labels(votes) != ABSTAIN
        return Belief(proba, proba.argmax(axis=1), np.where(known, 0.0, 1 - proba.max(axis=1)))

    def _labels(self, votes: VoteMatrix, belief: Belief) -> SoftLabels:
        voted = (votes.values != ABSTAIN).any(axis=1)
        # Where nobody says anything of a row, the label model's prior is still a little off an even chance.
        judged = np.ptp(belief.proba, axis=1) > _EVEN
        return SoftLabels(votes.ids, belief.proba, voted | (judged & self._routed), votes.labels)


def _known(votes: VoteMatrix, gold: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
    """Return what is known for sure, [n]: gold, and what people said."""
    known = people_labels(votes)
    if gold is not None:
        known = np.where(gold != ABSTAIN, gold, known)
    return known if (known != ABSTAIN).any() else None
