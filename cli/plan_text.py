"""What `weaksup plan` says: rows by slice and tier, costs, what changes, what the next dollar buys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weaksup.routing.plan import Plan, PlannedSlice

__all__ = ["show_plan"]

_SHOWN = 12  # slices


def show_plan(plan: Plan) -> None:
    """Print a plan as tables and a few lines."""
    from weaksup.cli import render

    _show_slices(plan)
    _show_tiers(plan)
    for line in _summary(plan):
        render.line(line)
    if plan.curve:
        rows = [
            (
                _dollars(p.budget),
                f"{p.errors:,.1f}",
                render.percent(1 - p.errors / max(1, plan.rows)),
                f"{p.flips:,.1f}",
            )
            for p in plan.curve
        ]
        render.table("What a budget buys", ["budget", "errors", "accuracy", "flips"], rows)
    for text in plan.notes:
        render.note(text)


def _show_slices(plan: Plan) -> None:
    from weaksup.cli import render

    asked = [part for part in plan.slices if any(part.asked.values())]
    columns = ["slice", "rows", *(f"to {name}" for name in _names(plan)), "likely", "errors", "after", "flips"]
    rows = [_slice_row(part) for part in asked[:_SHOWN]]
    if rows:
        render.table("Rows to ask, by slice", columns, rows)
    if more := asked[_SHOWN:]:
        likely = _dollars(sum(part.likely for part in more))
        render.line(f"{render.counted(len(more), 'more slice')}: {likely} (--json lists all)")


def _names(plan: Plan) -> list[str]:
    return [tier.tier for tier in plan.tiers]


def _slice_row(part: PlannedSlice) -> tuple[Any, ...]:
    numbers = [f"{rows:,.0f}" for rows in part.asked.values()]
    errors = [f"{part.errors_before:,.1f}", f"{part.errors_after:,.1f}", f"{part.flips:,.1f}"]
    return (part.name, part.rows, *numbers, _dollars(part.likely), *errors)


def _show_tiers(plan: Plan) -> None:
    from weaksup.cli import render

    columns = ["tier", "rows", "stored", "calls", "tokens", "low", "likely", "high", "right", "right is", "tokens are"]
    rows: list[tuple[Any, ...]] = [
        (
            tier.tier,
            f"{tier.rows:,.0f}",
            f"{tier.cached:,.0f}",
            f"{tier.calls:,.0f}",
            f"{tier.tokens:,.0f}",
            *(_dollars(value) for value in (tier.cost.low, tier.cost.likely, tier.cost.high)),
            render.percent(tier.accuracy, 0),
            tier.accuracy_basis,
            tier.basis,
        )
        for tier in plan.tiers
    ]
    render.table("Who is asked", columns, rows)


def _summary(plan: Plan) -> list[str]:
    from weaksup.cli import render

    cost, (before, after) = plan.cost, plan.accuracy
    budget = "" if plan.budget is None else f"; {_dollars(plan.budget)} left of the budget"
    people = f", {plan.people_minutes:,.0f} minutes of people's time" if plan.people_minutes else ""
    lines = [
        "",
        f"cost      likely {_dollars(cost.likely)}, at least {_dollars(cost.low)}, "
        f"at most {_dollars(cost.high)}{budget}",
        f"calls     {plan.calls:,.0f}, {plan.tokens:,.0f} tokens{people}; "
        f"{plan.cached:,.0f} answers are stored and free",
        f"labels    {plan.flips:,.1f} flip; expected accuracy {render.percent(before)} -> {render.percent(after)} "
        f"({plan.errors_before:,.1f} -> {plan.errors_after:,.1f} errors in {plan.rows:,} rows)",
    ]
    if plan.budget is not None:
        lines.append(f"next      {_next_dollar(plan)}")
    return lines


def _next_dollar(plan: Plan) -> str:
    following = plan.next_dollar
    if not following.buys:
        return "another dollar buys nothing: what would gain by it is asked, or another cap or share holds"
    some = "" if following.spent > 0.99e6 else f" for {_dollars(following.spent)} of it"
    return f"the next dollar buys {max(0.0, following.flips):,.1f} flips and {following.errors:,.1f} fewer errors{some}"


def _dollars(micro: float) -> str:
    from weaksup.llm import show_dollars

    if micro >= 1e6:
        return show_dollars(round(micro))
    return show_dollars(round(float(f"{micro:.3g}")))
