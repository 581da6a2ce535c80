"""Every way to ask under every cap: a call a row, several rows a call, several answers a row, in batches or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from faults.asker import fake_rows, fake_tier
from faults.clock import Clock
from faults.fakebatch import FakeBatches, fake_batches
from faults.fakeprov import FakeProvider, fake_provider

from weaksup.labeling_functions import prompt_function
from weaksup.labels import LabelSpace
from weaksup.llm import Tier, ask, estimate
from weaksup.store import Caps, Limits, Store

WAYS: dict[str, dict[str, Any]] = {"single": {}, "items": {"items": 3}, "samples": {"samples": 3}}
ROWS = 15
MOST_CALLS = 4


@prompt_function(labels=LabelSpace(["HAM", "SPAM"]))
def kind(x: Any) -> str:
    return "What is it?"


@dataclass
class Seen:
    """What a provider saw and billed."""

    server: FakeProvider | FakeBatches

    @property
    def requests(self) -> Counter[str]:
        """How often each request was taken."""
        if isinstance(self.server, FakeBatches):
            return self.server.submitted
        return Counter(served.headers["idempotency-key"] for served in self.server.log)

    @property
    def billed(self) -> float:
        return self.server.billed


@contextmanager
def provider(*, batch: bool) -> Iterator[Seen]:
    if batch:
        with fake_batches() as batches:
            yield Seen(batches)
    else:
        with fake_provider(faults=lambda _: "no_usage") as single:  # charged in full: no money comes back
            yield Seen(single)


def tier_at(seen: Seen, way: str, *, batch: bool) -> Tier:
    price = {"input": 1, "output": 2, "batch_discount": 0.5}
    hot = {"temperature": 0.7}
    return fake_tier(seen.server.base_url, batch=batch, price=price, params=hot, concurrency=8, **WAYS[way])


@pytest.mark.parametrize("batch", [False, True], ids=["live", "batch"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cap", ["dollars", "calls of a day", "tokens"])
def test_no_way_to_ask_passes_a_cap_or_pays_for_a_request_twice(place: str, way: str, batch: bool, cap: str) -> None:
    clock = Clock()
    with provider(batch=batch) as seen, Store(place, clock=clock) as store:
        tier = tier_at(seen, way, batch=batch)
        planned = estimate(fake_rows(ROWS), kind, tier)
        a_call = planned.most / planned.calls
        budget = int(MOST_CALLS * a_call) + 3  # micro-dollars
        limits = {
            "calls of a day": Limits(day=Caps(calls=MOST_CALLS)),
            "tokens": Limits(run=Caps(tokens=budget // 2)),
        }.get(cap, Limits())
        how: dict[str, Any] = {"run": "r", "clock": clock, "sleep": clock.sleep}
        asked = ask(
            fake_rows(ROWS), kind, tier, store, budget_usd=budget / 1e6 if cap == "dollars" else 1, limits=limits, **how
        )
        spent = store.account("r")
        assert asked.stopped == "budget"
        assert asked.outcomes.rows == ROWS
        assert seen.billed <= spent.spent == asked.spent
        assert spent.held == 0
        assert cap != "calls of a day" or seen.requests.total() == MOST_CALLS
        assert cap != "dollars" or seen.billed <= budget
        assert cap != "tokens" or spent.tokens <= budget // 2
        rest = ask(fake_rows(ROWS), kind, tier, store, budget_usd=1, **how)
        assert (rest.stopped, rest.outcomes.not_asked, len(rest.votes)) == ("", 0, ROWS)
        assert set(seen.requests.values()) == {1}
        assert seen.requests.total() == planned.calls
        assert seen.billed <= store.account("r").spent
