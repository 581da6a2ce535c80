"""Plan before a cent is spent: which rows to ask whom under all caps, what it costs, what it changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.corpus import Corpus
from weaksup.errors import UsageError
from weaksup.labels import SoftLabels
from weaksup.llm import Retries, Tier, source_of
from weaksup.llm.providers.provider import row_field
from weaksup.pipeline.plan.call_costs import CallCosts, add_costs, measure_rows
from weaksup.pipeline.plan.parts import add_up, choose, compare_budgets, next_dollar, notes, plan_slice, plan_tier
from weaksup.pipeline.plan.tier_accuracy import tier_accuracies
from weaksup.pipeline.team import default_shares
from weaksup.protocols import PromptFunctionProtocol
from weaksup.routing.assignment import Situation, assign
from weaksup.routing.plan import Plan
from weaksup.slices import find_slices
from weaksup.store import Account, Caps, Store
from weaksup.votes import VoteMatrix

__all__ = ["make_plan"]

Floats = NDArray[np.float64]


def make_plan(
    votes: VoteMatrix,
    soft: SoftLabels,
    rows: Corpus | Iterable[Any],
    prompt: PromptFunctionProtocol,
    *,
    tiers: Sequence[Tier],
    also: Sequence[PromptFunctionProtocol] = (),
    store: Store | None = None,
    run: str = "ask",
    caps: Caps | None = None,
    day: Caps | None = None,
    shares: Mapping[str, float] | None = None,
    accuracy: Mapping[str, float] | None = None,
    retries: Retries | None = None,
    stop_at: float = 0.1,
) -> Plan:
    """Return the plan with the largest expected drop in error under all caps. Nothing is sent, no key is needed.

    `tiers` are in the order in which a row would be asked, cheapest first; a row goes on to the next one while the
    chance that its label is wrong is above `stop_at`. `also` are prompts that the first of several tiers is asked too.
    `caps` hold for all that `run` uses, before and now, `day` for
    what all runs of the store use today. `shares` and `accuracy` are by the tier's name: of the rows at most, instead
    of the tier's own; how often it is right, instead of what is measured or assumed. Wrong use raises UsageError.
    """
    if votes.labels.multi:
        raise UsageError("plan: expected votes for one label a row, got multi-label votes; these cannot be planned yet")
    slices = find_slices(votes, soft)  # which checks that both are of the same rows
    sources = [source_of(tier, prompt).name for tier in tiers]
    told = tier_accuracies(votes, soft, tiers, sources, given=accuracy or {})
    shelf = [(tier, prompt) for tier in tiers] + [(tiers[0], other) for other in also]
    costs = _measure(votes, rows, shelf, store)
    costs = [add_costs([costs[0], *costs[len(tiers) :]]), *costs[1 : len(tiers)]] if also else costs
    left = _what_is_left(caps or Caps(), day or Caps(), store, run)
    now = Situation(
        doubt=np.clip(1 - soft.proba.max(axis=1), 0.0, 1.0),
        slice_of=_positions([part.rows for part in slices], len(votes)),
        **_what_is_open(votes, costs, sources, shares or {}),
        likely=_stack([_shared(one, one.likely) for one in costs], len(votes)),
        most=_stack([_shared(one, one.most) for one in costs], len(votes)),
        caps=np.array([np.inf if cap is None else float(cap) for cap in left]),
        accuracy=tuple(right for right, _ in told),
        stop_at=stop_at,
    )
    done = assign(now)
    retries = retries or Retries()
    attempts = min(retries.attempts, retries.ambiguous)
    planned = [
        plan_tier(now, done, t, one, source=sources[t], told=told[t], attempts=attempts) for t, one in enumerate(costs)
    ]
    before, budget = float(now.doubt.sum()), left[0]
    return Plan(
        rows=len(votes),
        tiers=tuple(planned),
        slices=tuple(plan_slice(part, now, done, sources) for part in slices),
        cost=add_up([tier.cost for tier in planned], budget),
        errors_before=before,
        errors_after=float(done.error.sum()),
        flips=float(done.flips.sum()),
        budget=budget,
        next_dollar=next_dollar(now, done, budget),
        curve=tuple(compare_budgets(now, before)) if budget is None else (),
        notes=tuple(notes(now, costs)),
        chosen=choose(now, done, votes.ids, sources),
    )


def _measure(
    votes: VoteMatrix,
    rows: Corpus | Iterable[Any],
    shelf: Sequence[tuple[Tier, PromptFunctionProtocol]],
    store: Store | None,
) -> list[CallCosts]:
    """Return what each tier's answers use, [n] in the order of the votes."""
    place = {name: i for i, name in enumerate(votes.ids)}
    at: list[int] = []

    def chunks() -> Iterator[list[Any]]:
        for chunk in (c.rows for c in rows.scan()) if isinstance(rows, Corpus) else (rows,):
            kept = [(place[name], row) for row in chunk if (name := str(row_field(row, "id"))) in place]
            at.extend(i for i, _ in kept)
            yield [row for _, row in kept]

    costs = measure_rows(chunks(), shelf, store)
    lost = set(range(len(votes))) - set(at)
    if lost or len(at) != len(votes):
        what = f'without row "{votes.ids[min(lost)]}"' if lost else "with an id twice"
        raise UsageError(f"plan: expected the corpus of these votes, got one {what}; name the right CORPUS")
    order = np.argsort(np.array(at, np.int64))
    return [
        replace(
            one,
            likely=one.likely[:, order],
            most=one.most[:, order],
            cached=one.cached[order],
            same=one.same[order],
            broken=one.broken[order],
        )
        for one in costs
    ]


def _what_is_left(caps: Caps, day: Caps, store: Store | None, run: str) -> list[int | None]:
    """Return what is left of each cap, in the order of `Caps`; None where there is none."""
    accounts = (store.account(run), store.day_account()) if store is not None else (Account(run), Account("today"))
    left: list[int | None] = [None, None, None, None]
    for account, most in zip(accounts, (caps, day), strict=True):
        used = (account.spent + account.held, account.calls, account.tokens, account.seconds)
        for what, cap in enumerate((most.cost, most.calls, most.tokens, most.seconds)):
            had = left[what]
            if cap is not None:
                spare = max(0, cap - used[what])
                left[what] = spare if had is None else min(had, spare)
    return left


def _positions(parts: Sequence[NDArray[np.int64]], n: int) -> NDArray[np.int64]:
    """Return the number of the part that each row [n] is in."""
    found = np.zeros(n, np.int64)
    for number, part in enumerate(parts):
        found[part] = number
    return found


def _what_is_open(
    votes: VoteMatrix, costs: Sequence[CallCosts], sources: Sequence[str], shares: Mapping[str, float]
) -> dict[str, Any]:
    """Return which tiers may still be asked about each row, `open` [n, t], and about how many, `limits` [t]."""
    n = len(votes)
    asked = np.zeros((n, len(costs)), np.bool_)
    for t, source in enumerate(sources):
        if source in votes.names:
            asked[:, t] = True if votes.asked is None else votes.asked[:, votes.names.index(source)]
    names = [one.tier.name for one in costs]
    if odd := sorted(set(shares) - set(names)):
        raise UsageError(f'plan: expected shares of {", ".join(names)}, got one of "{odd[0]}"; name the tiers so')
    default = default_shares([one.tier for one in costs])
    share = np.array([{**default, **shares}[name] for name in names])
    broken = np.column_stack([np.zeros((n, 0), np.bool_), *(one.broken for one in costs)])
    limits = np.maximum(0, np.floor(share * n + 1e-9) - asked.sum(axis=0))
    return {"open": ~asked & ~broken, "limits": limits}


def _stack(each: Sequence[Floats], n: int) -> Floats:
    return np.stack(each, axis=2) if each else np.zeros((4, n, 0))


def _shared(one: CallCosts, use: Floats) -> Floats:
    """Share what one request uses among the rows that it answers."""
    shared: Floats = use / np.bincount(one.same)[one.same]
    return shared
