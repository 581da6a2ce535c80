"""A process that asks a fake provider, to be killed by the tests."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from decimal import Decimal
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from typing import Any

from weaksup.labels import ABSTAIN
from weaksup.llm import Tier, ask, make_tier
from weaksup.protocols import Prompt, Reading
from weaksup.store import Limits, Store

__all__ = ["Spam", "fake_rows", "fake_tier", "start"]

# Children are forked from a server that has imported what takes long.
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["weaksup.llm", "openai", "sqlalchemy.dialects.sqlite"])


@dataclass(frozen=True)
class Spam:
    """Ask for HAM or SPAM: a prompt function without the package that makes them."""

    name: str = "spam"
    version: str = "1"

    def render(self, row: Any) -> Prompt:
        return Prompt("Label it.", f"Text: {row['text']}", ("HAM", "SPAM"))

    def read(self, text: str) -> Reading:
        for code, label in enumerate(("HAM", "SPAM")):
            if text in (label, f'{{"label": "{label}"}}'):
                return Reading(code)
        return Reading(ABSTAIN, "no label")

    def parse(self, text: str) -> int:
        return self.read(text).code


def fake_rows(n: int) -> list[dict[str, str]]:
    """Make rows whose prompts have the same length."""
    return [{"id": f"r{i}", "text": f"text {i:04d}"} for i in range(n)]


def fake_tier(base_url: str, **settings: Any) -> Tier:
    """Make a tier for a fake provider; a token costs 1 micro-dollar in and 2 out, as there."""
    defaults = {
        "name": "cheap",
        "provider": "openai",
        "model": "fake-1",
        "base_url": base_url,
        "price": {"input": 1, "output": 2},
        "timeout": 10,
    }
    return make_tier(defaults | settings)


def start(
    base_url: str, store: str, *, rows: int, budget: int = 10**9, threads: int = 8, limits: Limits | None = None
) -> ForkServerProcess:
    """Start a process that asks about all rows; its exit code is 130 after Ctrl-C, and 1 on any error."""
    process = _CONTEXT.Process(target=_ask, args=(base_url, store, rows, budget, threads, limits))
    process.start()
    return process


def _ask(base_url: str, store: str, rows: int, budget: int, threads: int, limits: Limits | None) -> None:
    tier = fake_tier(base_url, concurrency=threads)
    try:
        with Store(store) as kept:
            ask(fake_rows(rows), Spam(), tier, kept, run="r", budget_usd=Decimal(budget) / 10**6, limits=limits)
    except KeyboardInterrupt:
        sys.exit(130)
