"""What asking would cost, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from weaksup.llm.grouped import group_rows
from weaksup.llm.jobs import make_jobs, make_request
from weaksup.llm.samples import sample_prompts
from weaksup.llm.tiers import Tier
from weaksup.protocols import PromptFunctionProtocol
from weaksup.store import Store

__all__ = ["Estimate", "estimate"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Rows, the calls that they need, and the micro-dollars that those cost: likely, and at most (without retries)."""

    rows: int
    calls: int
    cached: int
    likely: int
    most: int


def estimate(
    rows: Iterable[Any],
    prompt: PromptFunctionProtocol,
    tier: Tier,
    store: Store | None = None,
) -> Estimate:
    """Render every row and add up; answers that the store has cost nothing. No key is needed."""
    if tier.items > 1:
        jobs, groups, grouped = group_rows(rows, prompt, tier, items=tier.items)
        return replace(_add_up(groups, [grouped], tier, store), rows=jobs.rows)
    every = sample_prompts(prompt, tier, tier.samples) if tier.samples > 1 else [prompt]
    return _add_up(list(rows), every, tier, store)


def _add_up(
    rows: Sequence[Any], prompts: Sequence[PromptFunctionProtocol], tier: Tier, store: Store | None
) -> Estimate:
    calls = cached = likely = most = 0
    for prompt in map(tier.fitted, prompts):
        jobs = make_jobs(rows, prompt, tier.provider)
        stored = store.find(job.key for job in jobs.calls)[0] if store is not None else {}
        for job in jobs.calls:
            if job.key in stored:
                cached += 1
                continue
            _, request = make_request(job.row, prompt, tier.provider)
            calls += 1
            likely += tier.paid_price.charge(tier.provider.expect(request))
            most += tier.paid_price.charge(tier.provider.bound(request))
    return Estimate(len(rows), calls, cached, likely, most)
