"""A process that asks in batches, to be killed by the tests."""

from __future__ import annotations

from decimal import Decimal
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess

from faults.asker import Spam, fake_rows, fake_tier

from weaksup.llm.batches.asking import ask_batch
from weaksup.store import Store

__all__ = ["start_batch"]

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["weaksup.llm.batches.asking", "openai", "sqlalchemy.dialects.sqlite"])


def start_batch(address: str, store: str, *, kind: str, rows: int) -> ForkServerProcess:
    """Start a process that asks about all rows."""
    process = _CONTEXT.Process(target=_ask, args=(address, store, kind, rows))
    process.start()
    return process


def _ask(address: str, store: str, kind: str, rows: int) -> None:
    price = {"input": 1, "output": 2, "batch_discount": 0.5}
    tier = fake_tier(address, provider=kind, batch=True, price=price)
    with Store(store) as kept:
        how = {"run": "r", "budget_usd": Decimal(1000), "poll_seconds": 0.05}
        ask_batch(fake_rows(rows), Spam(), tier, kept, **how)  # type: ignore[arg-type]
