"""What asking several tiers says at the end, and its exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weaksup.llm import Asked
    from weaksup.pipeline.campaign import Outcome
    from weaksup.routing.plan import Plan

__all__ = ["check_ended", "note_plan", "tell"]


def note_plan(plan: Plan) -> None:
    """Say on stderr what asking is likely to cost, before anything is sent; `weaksup plan` says the rest."""
    from weaksup.cli import render
    from weaksup.llm import show_dollars

    for tier in plan.tiers:
        rows = f"at most {tier.limit:,} rows planned, {tier.cached:,.0f} answers stored"
        render.note(f"{tier.tier}: {rows}; price from {tier.price_source}")
    likely, high = (show_dollars(round(value)) for value in (plan.cost.likely, plan.cost.high))
    budget = "" if plan.budget is None else f"; {show_dollars(plan.budget)} left of the budget"
    render.note(f"likely {likely}, less where the first answers settle more than planned; at most {high}{budget}")


def tell(outcome: Outcome) -> None:
    """Say what each tier brought, how they agree, and what people still have to do."""
    from weaksup.cli import render
    from weaksup.cli.policy_text import agreement_table, audit_lines, queue_lines, queue_table

    for asked in outcome.asked:
        render.line(f"{asked.source.name}: {asked.summary}")
    whys = [
        (asked.source.name, what, reason, n)
        for asked in outcome.asked
        for what, counts in (("abstained", asked.outcomes.abstained), ("failed", asked.outcomes.failed))
        for reason, n in counts.items()
    ]
    if whys:
        render.table("Rows without a vote", ["source", "outcome", "reason", "rows"], whys)
    if outcome.agreement.pairs:
        render.table(*agreement_table(outcome.agreement))
    if outcome.queue is not None and len(outcome.queue):
        render.table(*queue_table(outcome.queue))
    lines = queue_lines(outcome.queue) if outcome.queue is not None else []
    lines += audit_lines(outcome.audit) if outcome.audit is not None else []
    for text in lines:
        render.line(text)
    for note in dict.fromkeys(note for asked in outcome.asked for note in asked.notes):
        render.note(note)


def check_ended(tiers: Sequence[Asked]) -> None:
    """Raise what makes the exit code other than 0: a provider down, a cap reached, rows failed or waiting."""
    from weaksup.errors import BudgetError, ProviderError, ShortfallError

    stopped = {asked.stopped: asked for asked in tiers}
    failed = sum(sum(asked.outcomes.failed.values()) for asked in tiers if asked.source.kind != "person")
    if "provider" in stopped:
        who = stopped["provider"].source.name
        raise ProviderError(f"{who}: the provider stopped answering; {failed:,} rows failed; run again when it is back")
    if "budget" in stopped:
        one = stopped["budget"]
        cap = next((note for note in one.notes if note.startswith("the cap")), "the budget is reached")
        rest = one.outcomes.not_asked
        raise BudgetError(f"{one.source.name}: {cap}; {rest:,} rows were not asked; raise it and run again")
    if failed:
        raise ShortfallError(f"{failed:,} rows failed; run again to ask them again")
    waiting = sum(sum(asked.outcomes.failed.values()) for asked in tiers if asked.source.kind == "person")
    if waiting:
        raise ShortfallError(f"{waiting:,} rows wait for people; fill in their table and run again")
