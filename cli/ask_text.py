"""What `weaksup ask` says: the plan before anything is sent, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weaksup.llm import Asked, Estimate, Tier
    from weaksup.store import Store

__all__ = ["plan_json", "report", "show_plan", "show_unsettled"]


def plan_json(tier: Tier, planned: Estimate, kept: Store, cap: int | None) -> dict[str, Any]:
    """Return the plan as plain JSON; dollars as numbers."""
    return {
        "tier": tier.name,
        "model": tier.model,
        "price_source": tier.price.source,
        "rows": planned.rows,
        "calls": planned.calls,
        "cached": planned.cached,
        "likely_usd": planned.likely / 1e6,
        "at_most_usd": planned.most / 1e6,
        "budget_usd": None if cap is None else cap / 1e6,
        "unsettled_calls": kept.unsettled.calls,
        "unsettled_usd": kept.unsettled.cost / 1e6,
    }


def show_plan(tier: Tier, planned: Estimate, kept: Store, cap: int | None) -> None:
    """Say on stderr who will be asked what, and what it costs, before anything is sent."""
    from weaksup.cli import render
    from weaksup.llm import show_dollars

    where = getattr(tier.provider, "base_url", "")
    model = "" if tier.model == tier.name else f": {tier.model}"
    render.note(f"{tier.name}{model}{f' at {where}' if where else ''}; price from {tier.price.source}")
    stored = f", {planned.cached:,} answers are in the store" if planned.cached else ""
    cost = f"likely {show_dollars(planned.likely)}, at most {show_dollars(planned.most)} without retries"
    budget = "" if cap is None else f"; budget {show_dollars(cap)}"
    render.note(f"{planned.rows:,} rows to ask, {planned.calls:,} calls{stored}: {cost}{budget}")
    show_unsettled(kept)


def show_unsettled(kept: Store) -> None:
    """Say what a killed run left open, and that it is charged."""
    from weaksup.cli import render
    from weaksup.llm import show_dollars

    if kept.unsettled.calls:
        gone = f"{kept.unsettled.calls:,} calls of a run that was killed have no stored answer"
        render.note(f"{gone}; {show_dollars(kept.unsettled.cost)} charged in full, as they may have been billed")


def report(asked: Asked, output: str, budget: str, *, as_json: bool) -> None:
    """Tell what came of it; raise what makes the exit code other than 0."""
    from weaksup.cli import render
    from weaksup.errors import BudgetError, ProviderError, ShortfallError

    if as_json:
        render.emit_json({"votes": output, **asked.to_json()})
    else:
        render.line(f"{asked.source.name}: {asked.summary}")
        whys = [("abstained", r, n) for r, n in asked.outcomes.abstained.items()]
        whys += [("failed", r, n) for r, n in asked.outcomes.failed.items()]
        if whys:
            render.table("Rows without a vote", ["outcome", "reason", "rows"], whys)
        render.line(f"wrote {output}")
    for text in asked.notes:
        render.note(text)
    failed = sum(asked.outcomes.failed.values())
    if asked.stopped == "provider":
        raise ProviderError(f"the provider stopped answering; {failed:,} rows failed; run again when it is back")
    if asked.stopped == "budget":
        rest = asked.outcomes.not_asked
        raise BudgetError(f"the budget of ${budget} is reached; {rest:,} rows were not asked; raise it and run again")
    if failed:
        raise ShortfallError(f"{failed:,} of {asked.outcomes.rows:,} rows failed; run again to ask them again")
