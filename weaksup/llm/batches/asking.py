"""Ask a tier by way of its provider's batch API: hours instead of seconds, at a part of the price."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from weaksup.llm.asked import Asked, Progress
from weaksup.llm.asking import Session
from weaksup.llm.batches.following import BatchFollower
from weaksup.llm.batches.kinds import batch_api
from weaksup.llm.batches.run import BatchRun
from weaksup.llm.batches.sending import BatchSender
from weaksup.llm.calls import Ended
from weaksup.llm.failures import Retries
from weaksup.llm.pricing.prices import budget_cap
from weaksup.llm.tiers import Tier
from weaksup.protocols import PromptFunctionProtocol
from weaksup.store import Limits, Store

__all__ = ["ask_batch"]

_LOG = logging.getLogger(__name__)
_BUSY = 1.0  # seconds between looks at what another process asks


def ask_batch(
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
    poll_seconds: float = 30.0,
) -> Asked:
    """Ask a tier about every row as `ask` does, but in batches, and wait until these have ended.

    Each row's most is reserved before a batch is sent; rows that the budget does not reach are not asked. The batch's
    id is stored before it is looked at, every `poll_seconds`. Ctrl-C, a crash too, leaves it running at the provider:
    the same call again goes on waiting for it, and sends none of its requests again. Only where the answer to the
    sending itself was lost is a batch charged in full, as `unknown`. Rates of `limits` do not hold for batches, which
    have their own at the provider. Errors are those of `ask`.
    """
    batched = replace(tier, price=tier.price.batched())
    session = Session(tier.fitted(prompt), batched, store, on_answer)
    api = batch_api(tier.provider, f'tier "{tier.name}"')
    cap = budget_cap(budget_usd)
    tier.provider.open()
    try:
        jobs = session.begin(rows)
        left = {job.key: job for job in jobs}
        settings = (run, cap, limits or Limits(), retries or Retries(), clock, sleep, poll_seconds)
        notes = _work(BatchRun(session, api, store.batches, left, *settings))
    finally:
        tier.provider.close()
    if session.fatal is not None:
        raise session.fatal
    session.leave(jobs)
    asked = session.asked(run)
    return replace(asked, notes=(*asked.notes, *notes))


def _work(how: BatchRun) -> list[str]:
    """Send what is left and follow what runs, until nothing is left; return what was odd."""
    sender, follower = BatchSender(how), BatchFollower(how)
    try:
        while how.left and how.session.fatal is None and how.session.stopped != "provider":
            _round(how, sender, follower)
    except KeyboardInterrupt:
        _LOG.warning("batches that were sent go on at the provider; the same command picks them up")
        raise
    return follower.notes


def _round(how: BatchRun, sender: BatchSender, follower: BatchFollower) -> None:
    running = how.batches.running(how.api.place, list(how.left))
    inside = {key for _, keys in running for key in keys}
    sent = sender.send([job for key, job in how.left.items() if key not in inside])
    ours = (how.run, how.session.tier.name)
    others = [batch for batch, keys in running if keys or (batch.run, batch.tier) == ours]
    idle = {batch.id for batch, keys in running if not keys}
    follower.follow(sent, others, idle=idle)
    for key in how.session.store.find(list(how.left))[0]:  # what other processes asked meanwhile
        how.tell(key, Ended("answered"))
    if how.left and not sent and not inside:
        how.sleep(_BUSY)
