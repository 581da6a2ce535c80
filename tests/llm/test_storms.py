"""Storms over all protocols and stores: every row has one fate, the ledger covers the bill, no failure is exit code 0.

WEAKSUP_STORMS sets how many storms there are of each kind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest
from faults.asker import Spam, fake_rows, fake_tier
from faults.clock import Clock
from faults.fakeprov import FakeProvider, fake_provider

from weaksup.cli.ask_text import report
from weaksup.errors import WeaksupError
from weaksup.llm import Asked, Retries, Tier, ask
from weaksup.store import Store

FREE = ["429", "429:0", "429:1", "529", "409", "400", "wait:1"]
CHARGED = ["500", "503", "408", "hangup", "reset", "truncated", "html", "empty", "error200", "gzip", "long"]
PAID = ["invalid", "prose", "no_usage", "odd_usage", "length", "refusal"]
ROWS = 24


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(place: str, clock: Clock) -> Iterator[Store]:
    with Store(place, clock=clock) as store:
        yield store


def tier_of(kind: str, server: FakeProvider) -> Tier:
    return fake_tier(server.base_url if kind == "openai" else server.root, provider=kind, concurrency=8)


def exit_code(asked: Asked) -> int:
    """Return the exit code of `weaksup ask` for what came of asking."""
    try:
        report(asked, "votes.parquet", "1", as_json=True)
    except WeaksupError as error:
        return error.exit_code
    return 0


@pytest.mark.parametrize("kind", ["openai", "anthropic", "google"])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
@pytest.mark.parametrize("seed", range(int(os.environ.get("WEAKSUP_STORMS", "1"))))
def test_in_a_storm_every_row_has_one_fate_and_the_ledger_is_never_below_the_truth(
    kind: str, kept: Store, clock: Clock, share: float, seed: int
) -> None:
    def storm(number: int) -> str:
        draw = Random(1000 * seed + number)
        return draw.choice([*FREE, *CHARGED, *PAID]) if draw.random() < share else "ok"

    retries, began = Retries(), clock()
    with fake_provider(faults=storm) as server:
        asked = ask(
            fake_rows(ROWS),
            Spam(),
            tier_of(kind, server),
            kept,
            run="r",
            budget_usd=1,
            retries=retries,
            clock=clock,
            sleep=clock.sleep,
        )
        assert server.calls <= retries.attempts * ROWS
        truth = server.billed
    outcomes, account = asked.outcomes, kept.account("r")
    assert outcomes.rows == ROWS
    assert truth <= account.spent == asked.spent <= 1_000_000
    assert account.held == 0
    assert len(asked.reasons) == sum(outcomes.abstained.values()) + sum(outcomes.failed.values())
    assert len(asked.votes) == outcomes.answered + sum(outcomes.abstained.values())
    assert set(asked.votes.values()) <= {0, -1}
    assert (exit_code(asked) == 0) == (not outcomes.failed and outcomes.not_asked == 0)
    assert clock() - began <= ROWS * retries.attempts * retries.longest_backoff


@pytest.mark.parametrize("kind", ["openai", "anthropic", "google"])
@pytest.mark.parametrize("fault", ["400", "500"])
def test_a_provider_that_fails_always_is_exit_75_after_a_bounded_number_of_calls(
    kind: str, kept: Store, clock: Clock, fault: str
) -> None:
    with fake_provider(faults=lambda _: fault) as server:
        how = {"run": "r", "budget_usd": 1, "clock": clock, "sleep": clock.sleep}
        asked = ask(fake_rows(100), Spam(), tier_of(kind, server), kept, **how)  # type: ignore[arg-type]
        assert server.calls <= Retries().attempts * (Retries().in_a_row + 16)
    assert exit_code(asked) == 75
    assert sum(asked.outcomes.failed.values()) == asked.outcomes.rows == 100


@pytest.mark.parametrize("kind", ["openai", "anthropic", "google"])
def test_one_row_that_failed_is_exit_3(kind: str, kept: Store, clock: Clock) -> None:
    with fake_provider(faults={3: "400"}) as server:
        how = {"run": "r", "budget_usd": 1, "clock": clock, "sleep": clock.sleep}
        asked = ask(fake_rows(9), Spam(), tier_of(kind, server), kept, **how)  # type: ignore[arg-type]
    assert (exit_code(asked), asked.outcomes.answered) == (3, 8)
