"""Read a plan off an assignment: by tier, by slice, in all, and what another budget would buy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from weaksup.pipeline.plan.call_costs import CallCosts
from weaksup.routing.assignment import Assignment, Bought, Situation, assign, market
from weaksup.routing.plan import BudgetPoint, NextDollar, PlannedSlice, PlannedTier, Range
from weaksup.slices import Slice

__all__ = ["add_up", "choose", "compare_budgets", "next_dollar", "notes", "plan_slice", "plan_tier"]

_DOLLAR = 1e6  # micro-dollars
_SURE = 1 - 1e-9
_CURVE = (0.0, 0.5, 0.8, 0.95, 1.0)  # of the errors that asking can take away
_HALVINGS = 9  # of the range of budgets: to about 3 %


def plan_tier(
    now: Situation,
    done: Assignment,
    t: int,
    one: CallCosts,
    *,
    source: str,
    told: tuple[float, str],
    attempts: int,
) -> PlannedTier:
    """Say what tier t is to do; a call may be charged in full `attempts` times, as it may fail and nobody know."""
    chance = done.asks[:, t]
    requests, row = np.unique(one.same, return_index=True)  # a request that answers several rows is paid once
    of_request = np.zeros(len(requests))
    np.maximum.at(of_request, one.same, chance)
    cost, calls, tokens, seconds = (one.likely[:, row] * of_request).sum(axis=1).tolist()
    limit = int(min(np.ceil(chance.sum() - 1e-6), now.limits[t]))
    could = np.zeros(len(requests), np.bool_)
    could[one.same[now.open[:, t]]] = True
    dearest = np.sort(one.most[0, row][could])[::-1][:limit]
    low = one.low(row[of_request >= _SURE])
    attempts = 1 if one.exact else attempts  # what has a price of its own is paid when it is there
    high = attempts * (float(dearest.sum()) + (one.more if limit else 0.0))
    return PlannedTier(
        source=source,
        tier=one.tier.name,
        model=one.tier.model,
        price_source=one.tier.paid_price.source,
        limit=limit,
        rows=float(chance.sum()),
        cached=float(chance[one.cached].sum()),
        calls=calls,
        tokens=tokens,
        seconds=seconds,
        cost=Range(min(low, cost), cost, max(cost, high)),
        accuracy=told[0],
        basis=one.basis,
        accuracy_basis=told[1],
    )


def plan_slice(part: Slice, now: Situation, done: Assignment, sources: Sequence[str]) -> PlannedSlice:
    """Say what happens to a slice."""
    asks = done.asks[part.rows]
    return PlannedSlice(
        name=part.name,
        kind=part.kind,
        rows=part.size,
        asked={source: float(asks[:, t].sum()) for t, source in enumerate(sources)},
        likely=float((asks * now.likely[0, part.rows]).sum()),
        errors_before=float(now.doubt[part.rows].sum()),
        errors_after=float(done.error[part.rows].sum()),
        flips=float(done.flips[part.rows].sum()),
    )


def add_up(each: Sequence[Range], budget: int | None) -> Range:
    """Add up; what is left of the budget holds whatever the calls could cost."""
    top = np.inf if budget is None else float(budget)
    low, likely, high = (sum(getattr(one, name) for one in each) for name in ("low", "likely", "high"))
    return Range(min(low, top), min(likely, top), min(high, top))


def next_dollar(now: Situation, done: Assignment, budget: int | None) -> NextDollar:
    """Say what one dollar more than the budget would buy."""
    if budget is None:
        return NextDollar()
    caps = np.concatenate([[budget + _DOLLAR], now.caps[1:]])
    there = assign(replace(now, caps=caps))
    spent = np.tensordot(there.asks - done.asks, now.likely[0], 2)
    errors, flips = (
        float((one - other).sum()) for one, other in ((done.error, there.error), (there.flips, done.flips))
    )
    return NextDollar(max(0.0, errors), flips, max(0.0, float(spent)), float(done.prices[0]) * _DOLLAR)


def compare_budgets(now: Situation, before: float) -> Iterator[BudgetPoint]:
    """Say what it costs to come half the way, and further, to what asking all that gains anything would bring."""
    buy = market(now)
    everything = buy(np.inf)
    if not everything.spent:
        return
    for share in _CURVE:
        budget = everything.spent if share == 1 else _cheapest(buy, share * everything.errors, everything.spent)
        bought = buy(budget)
        yield BudgetPoint(budget, before - bought.errors, bought.flips)


def _cheapest(buy: Callable[[float], Bought], errors: float, most: float) -> float:
    """Return about the smallest budget that lowers the errors so far; halving steps in its logarithm."""
    if not errors or buy(0.0).errors >= errors:
        return 0.0
    low, high = 0.0, float(np.log(most))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if buy(float(np.exp(middle))).errors >= errors else (middle, high)
    return float(np.exp(high))


def choose(now: Situation, done: Assignment, ids: Sequence[str], sources: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the ids of the rows that each source may be asked about, the most doubtful first."""
    order = np.argsort(-now.doubt, kind="stable")
    found = {}
    for t, source in enumerate(sources):
        rows = order[done.asks[order, t] > 0]
        found[source] = tuple(ids[i] for i in rows.tolist())
    return found


def notes(now: Situation, costs: Sequence[CallCosts]) -> Iterator[str]:
    """Say what the reader of a plan should know."""
    for one in costs:
        if one.broken.any():
            yield f"{one.tier.name}: the prompt function failed on {int(one.broken.sum()):,} rows; they are not asked"
    if not (now.doubt > now.stop_at).any():
        yield f"no row is in doubt by more than {now.stop_at:g}: nobody is asked"
    if len(costs) > 6:
        yield f"{len(costs)} tiers: a row goes through three of them at most"
