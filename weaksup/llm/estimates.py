"""What asking would cost, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from weaksup.llm.jobs import make_jobs, make_request
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


def estimate(rows: Iterable[Any], prompt: PromptFunctionProtocol, tier: Tier, store: Store | None = None) -> Estimate:
    """Render every row and add up; answers that the store has cost nothing. No key is needed."""
    jobs = make_jobs(rows, prompt, tier.provider)
    stored = store.find(job.key for job in jobs.calls)[0] if store is not None else {}
    left = [job for job in jobs.calls if job.key not in stored]
    likely = most = 0
    for job in left:
        _, request = make_request(job.row, prompt, tier.provider)
        likely += tier.price.charge(tier.provider.expect(request))
        most += tier.price.charge(tier.provider.bound(request))
    return Estimate(jobs.rows, len(left), len(jobs.calls) - len(left), likely, most)
