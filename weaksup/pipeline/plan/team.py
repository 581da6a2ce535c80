"""The plan of a team: what a campaign would cost and change, and how many rows each tier gets where money is short."""

from __future__ import annotations

from weaksup.corpus import Corpus
from weaksup.labels import SoftLabels
from weaksup.pipeline.plan.making import make_plan
from weaksup.pipeline.team import Team
from weaksup.routing.plan import Plan
from weaksup.routing.policy import Policy
from weaksup.store import Caps, Limits, Store
from weaksup.votes import VoteMatrix

__all__ = ["plan_team", "tight_limits"]


def plan_team(
    votes: VoteMatrix,
    soft: SoftLabels,
    corpus: Corpus,
    team: Team,
    store: Store | None,
    *,
    run: str,
    budget: int | None,
    limits: Limits,
    policy: Policy,
) -> Plan:
    """Plan what a campaign would do within `budget`, in micro-dollars, and the other caps; nothing is sent.

    Without a store the plan is that of the first time, whatever was asked and spent since: the same every time.
    """
    most = limits.run
    return make_plan(
        votes,
        soft,
        corpus,
        team.prompt,
        tiers=[tier for tier in team.tiers if tier not in team.students],
        also=team.also,
        store=store,
        run=run,
        caps=Caps(budget, most.calls, most.tokens, most.seconds),
        day=limits.day,
        stop_at=1 - policy.accept,
    )


def tight_limits(plan: Plan, limits: Limits) -> dict[str, int]:
    """Return the most rows for each source where a cap binds, so that cheap answers leave something for dear ones.

    Nothing where none does: a campaign learns as it goes, and knows better than a plan.
    """
    tight = plan.next_dollar.buys or limits.run.calls is not None or limits.run.tokens is not None
    return plan.limits if tight else {}
