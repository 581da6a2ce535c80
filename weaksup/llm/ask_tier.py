"""Ask a tier in the way that it is set: a call a row, several rows a call, several answers a row, or a batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from weaksup.llm.ask_calls import asker_of
from weaksup.llm.ask_student import ask_student
from weaksup.llm.asked import Asked, Progress
from weaksup.llm.failures import Retries
from weaksup.llm.grouped import ask_items
from weaksup.llm.providers.student import StudentProvider
from weaksup.llm.samples import ask_samples
from weaksup.llm.tiers import Tier
from weaksup.protocols import PromptFunctionProtocol
from weaksup.store import Limits, Store

__all__ = ["ask"]


def ask(
    rows: Iterable[Any],
    prompt: PromptFunctionProtocol,
    tier: Tier,
    store: Store,
    *,
    run: str,
    budget_usd: float | Decimal,
    limits: Limits | None = None,
    on_answer: Callable[[Progress], None] | None = None,
    retries: Retries | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Asked:
    """Ask a tier one prompt about every row (each with an `id`), in order, until done or out of budget.

    The budget is the cap, in dollars, on everything that `run` spends, in this call and before; `limits` holds further
    caps, and rates beside the tier's own. Answers that the store has are used first and cost nothing; equal requests
    are sent once. (A student is free and answers at once: nothing of it is stored.) Ctrl-C lets the calls in flight
    settle and raises KeyboardInterrupt; the same call again goes on where it stopped. A wrong key, an unknown model or
    an empty account raises `UsageError` or `ProviderError` at once; other failures are outcomes of their rows.
    """
    how: dict[str, Any] = {
        "run": run,
        "budget_usd": budget_usd,
        "limits": _with_rates(limits or Limits(), tier),
        "on_answer": on_answer,
        "retries": retries,
        "clock": clock,
        "sleep": sleep,
    }
    if tier.kind == StudentProvider.kind:
        return ask_student(rows, prompt, tier, store, **how)
    if tier.items > 1:
        return ask_items(rows, prompt, tier, store, items=tier.items, **how)
    if tier.samples > 1:
        return ask_samples(rows, prompt, tier, store, samples=tier.samples, **how)
    return asker_of(tier)(rows, prompt, tier, store, **how)


def _with_rates(limits: Limits, tier: Tier) -> Limits:
    """Return the limits with the rates of the tier, where they have none of their own."""
    return replace(
        limits,
        requests_a_minute=limits.requests_a_minute or tier.requests_a_minute,
        tokens_a_minute=limits.tokens_a_minute or tier.tokens_a_minute,
    )
