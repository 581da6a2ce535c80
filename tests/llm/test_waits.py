"""Waiting: Retry-After, rates and the circuit breaker, by the log of the server and a clock of our own."""

from __future__ import annotations

import threading
import time
from email.utils import formatdate
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from faults.asker import Spam, fake_rows, fake_tier
from faults.fakeprov import fake_provider

from weaksup.errors import UsageError
from weaksup.llm import Asked, Retries, ask
from weaksup.llm.failures import Refused
from weaksup.llm.limits import make_caps
from weaksup.store import Caps, Limits, Store


class Clock:
    """Time that passes only where somebody sleeps: the same for the store and for asking."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds


def go(store: Store, url: str, clock: Clock, *, rows: int, concurrency: int = 1, **more: Any) -> Asked:
    tier = fake_tier(url, concurrency=concurrency)
    settings: dict[str, Any] = {"run": "r", "budget_usd": 1, "clock": clock, "sleep": clock.sleep, **more}
    return ask(fake_rows(rows), Spam(), tier, store, **settings)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(tmp_path: Path, clock: Clock) -> Any:
    with Store(tmp_path / "s.db", clock=clock) as store:
        yield store


@pytest.mark.parametrize("header", ["0", "1", "2.5", "30", "89.999"])
def test_retry_after_is_obeyed_to_the_moment(kept: Store, clock: Clock, header: str) -> None:
    seen: list[float] = []

    def faults(number: int) -> str:
        seen.append(clock())
        return f"429:{header}" if number == 0 else "ok"

    with fake_provider(faults=faults) as server:
        asked = go(kept, server.base_url, clock, rows=12)
    assert asked.outcomes.answered == 12
    assert min(seen[1:]) >= seen[0] + float(header)


def test_every_thread_obeys_the_retry_after_that_one_of_them_got(
    kept: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots, begun = 4, clock()
    all_sent, somebody_waits = threading.Barrier(slots), threading.Event()
    order = count()
    sent: list[float] = []

    def send(_self: object, _request: object) -> bytes:
        sent.append(clock())
        number = next(order)
        if number < slots:
            all_sent.wait()
        if number == 0:
            raise Refused("HTTP 429", wait=30.0)
        if number < slots:
            somebody_waits.wait()
        return b'{"choices": [{"message": {"content": "HAM"}}]}'

    def sleep(seconds: float) -> None:
        somebody_waits.set()
        clock.sleep(seconds)

    monkeypatch.setattr(type(fake_tier("http://127.0.0.1:9/v1").provider), "send", send)
    asked = go(kept, "http://127.0.0.1:9/v1", clock, rows=40, concurrency=slots, sleep=sleep)
    assert asked.outcomes.answered == 40
    assert sorted(sent)[slots] >= begun + 30


@pytest.mark.parametrize("header", ["-5", "soon", "", "1e9", "Thu, 99 Nov 2026"])
def test_a_retry_after_that_says_nothing_is_a_plain_backoff(kept: Store, clock: Clock, header: str) -> None:
    began = clock()
    with fake_provider(faults={0: f"429:{header}"}) as server:
        assert go(kept, server.base_url, clock, rows=1).outcomes.answered == 1
        assert server.calls == 2
    assert 0.2 <= clock() - began <= 1


@pytest.mark.parametrize("header", ["91", "1000000000"])
def test_a_wait_that_is_too_long_stops_asking_and_sends_nothing_more(kept: Store, clock: Clock, header: str) -> None:
    with fake_provider(faults=lambda _: f"429:{header}") as server:
        asked = go(kept, server.base_url, clock, rows=9)
        assert server.calls == 1
    assert asked.stopped == "provider"
    assert asked.outcomes.rows == 9


def test_a_clock_that_is_set_back_by_a_day_does_not_add_a_day_to_a_wait(kept: Store, clock: Clock) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        if not slept:
            clock.now -= 86_400
        slept.append(seconds)
        clock.sleep(seconds)

    with fake_provider(faults={0: "429:30"}) as server:
        assert go(kept, server.base_url, clock, rows=3, sleep=sleep).outcomes.answered == 3
    assert 30 <= sum(slept) <= 30 + Retries().longest_wait + 1


def test_an_error_that_trickles_in_is_left_after_the_timeout(kept: Store, clock: Clock) -> None:
    with fake_provider(faults={0: "trickle"}) as server:
        tier = fake_tier(server.base_url, concurrency=1, timeout=0.5)
        began = time.monotonic()
        asked = ask(fake_rows(1), Spam(), tier, kept, run="r", budget_usd=1, clock=clock, sleep=clock.sleep)
        assert time.monotonic() - began < 5  # it would take 20
    assert asked.outcomes.answered == 1


def test_a_date_in_the_past_is_no_wait(kept: Store, clock: Clock) -> None:
    began = clock()
    with fake_provider(faults={0: f"429:{formatdate(0, usegmt=True)}"}) as server:
        assert go(kept, server.base_url, clock, rows=1).outcomes.answered == 1
    assert clock() == began


@pytest.mark.parametrize(("limits", "most"), [(Limits(requests_a_minute=5), 5), (Limits(tokens_a_minute=2000), 20)])
def test_no_minute_sees_more_than_the_rate(kept: Store, clock: Clock, limits: Limits, most: int) -> None:
    seen: list[float] = []

    def faults(number: int) -> str:
        seen.append(clock())
        return "ok"

    with fake_provider(faults=faults) as server:
        asked = go(kept, server.base_url, clock, rows=17, limits=limits)
        used = [int(served.billed) for served in server.log]
    assert asked.outcomes.answered == 17
    for at in seen:
        minute = [tokens for other, tokens in zip(seen, used, strict=True) if at <= other < at + 60]
        assert len(minute) <= most
        if limits.tokens_a_minute:
            assert sum(minute) - 8 * len(minute) <= limits.tokens_a_minute  # an output token is billed as two


def test_a_call_that_a_minute_has_no_room_for_fails_its_row_and_is_not_sent(kept: Store, clock: Clock) -> None:
    with fake_provider() as server:
        asked = go(kept, server.base_url, clock, rows=2, limits=Limits(tokens_a_minute=50))
        assert server.calls == 0
    (reason,) = asked.outcomes.failed
    assert "more than the 50 a minute" in reason


@pytest.mark.parametrize("caps", [make_caps(calls=3), make_caps(tokens=1200), make_caps(usd=0.0015)])
@pytest.mark.parametrize("whose", ["run", "day"])
def test_a_cap_stops_asking_and_is_named(kept: Store, clock: Clock, caps: Caps, whose: str) -> None:
    limits = Limits(run=caps) if whose == "run" else Limits(day=caps)
    with fake_provider() as server:
        asked = go(kept, server.base_url, clock, rows=30, limits=limits)
        assert 0 < server.calls < 30
    assert asked.stopped == "budget"
    assert asked.outcomes.not_asked == 30 - server.calls
    if caps.cost is None:
        assert asked.notes == (f"the cap on {'calls' if caps.calls else 'tokens'} of the {whose} is reached",)


def test_caps_are_written_in_dollars_and_minutes() -> None:
    assert make_caps(usd=1.5, calls=7, tokens=8, people_minutes=0.5) == Caps(1_500_000, 7, 8, 30)
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError):
            make_caps(people_minutes=wrong)
        with pytest.raises(UsageError):
            make_caps(usd=wrong)


@pytest.mark.parametrize("fault", ["429", "500"])
def test_the_circuit_opens_after_rows_that_fail_one_after_another_and_no_call_is_sent_then(
    kept: Store, clock: Clock, fault: str
) -> None:
    with fake_provider(faults=lambda _: fault) as server:
        asked = go(kept, server.base_url, clock, rows=60, concurrency=2, retries=Retries(in_a_row=3))
        assert server.calls <= Retries().attempts * (3 + 4)
    assert asked.stopped == "provider"
    assert sum(asked.outcomes.failed.values()) == 60


def test_rows_that_fail_between_others_that_do_not_leave_the_circuit_closed(kept: Store, clock: Clock) -> None:
    with fake_provider(faults=lambda number: "400" if number % 3 else "ok") as server:
        asked = go(kept, server.base_url, clock, rows=30, retries=Retries(in_a_row=6))
    assert asked.stopped == ""
    assert asked.outcomes.answered == 10


def test_waits_shrink_to_nothing_where_there_is_nothing_to_wait_for(kept: Store, clock: Clock) -> None:
    seen: list[float] = []

    def faults(number: int) -> str:
        seen.append(clock())
        return "ok"

    with fake_provider(faults=faults) as server:
        go(kept, server.base_url, clock, rows=5)
    assert all(a == b for a, b in pairwise(seen))
