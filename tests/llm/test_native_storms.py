"""Anthropic's and Google's own protocols against a server that fails as told: rows, money, waits and keys."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from faults.asker import Spam, fake_rows, fake_tier
from faults.clock import Clock
from faults.fakeprov import CANARY, FakeProvider, fake_provider

from weaksup.errors import ProviderError, UsageError
from weaksup.llm import Asked, Retries, Tier, ask, estimate
from weaksup.store import Store

FREE = ["429", "429:0", "529", "409", "wait:1"]
CHARGED = ["500", "503", "hangup", "reset", "truncated", "html", "empty", "error200", "gzip", "long", "408"]
PAID = ["invalid", "prose", "no_usage", "odd_usage", "length", "refusal"]

pytestmark = pytest.mark.parametrize("kind", ["anthropic", "google"])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with Store(tmp_path / "s.db", clock=clock) as store:
        yield store


def tier_of(kind: str, server: FakeProvider, **settings: Any) -> Tier:
    return fake_tier(server.root, provider=kind, **{"concurrency": 1, **settings})


def go(tier: Tier, store: Store, clock: Clock, *, rows: int, **more: Any) -> Asked:
    settings: dict[str, Any] = {"run": "r", "budget_usd": 1, "clock": clock, "sleep": clock.sleep, **more}
    return ask(fake_rows(rows), Spam(), tier, store, **settings)


def test_answers_become_votes_at_the_price_that_the_server_bills(kind: str, kept: Store, clock: Clock) -> None:
    with fake_provider(label=lambda body: "SPAM" if "7" in _user(body) else "HAM") as server:
        tier = tier_of(kind, server, concurrency=4)
        asked = go(tier, kept, clock, rows=20)
        assert asked.spent == server.billed == kept.account("r").spent > 0
        assert go(tier, kept, clock, rows=20).votes == asked.votes
        assert server.calls == 20
        paths = {served.path for served in server.log}
    assert asked.votes == {f"r{i}": int("7" in str(i)) for i in range(20)}
    assert paths == {"/v1/messages" if kind == "anthropic" else "/v1beta/models/fake-1:generateContent"}
    assert asked.notes == ()


def _user(body: Any) -> str:
    return str(body["messages"] if "messages" in body else body["contents"])


@pytest.mark.parametrize("fault", FREE + CHARGED)
def test_each_failure_is_charged_as_it_must_be(kind: str, kept: Store, clock: Clock, fault: str) -> None:
    with fake_provider(faults={0: fault}) as server:
        asked = go(tier_of(kind, server), kept, clock, rows=1)
    assert kept.ledger()[0]["state"] == ("released" if fault in FREE else "unknown")
    assert asked.outcomes.answered == (0 if fault in ("gzip", "long") else 1)  # those would fail again
    assert (asked.unknown > 0) == (fault in CHARGED)
    assert asked.spent >= server.billed


@pytest.mark.parametrize("fault", ["invalid", "prose", "length", "refusal"])
def test_an_answer_that_is_no_label_is_an_abstain_that_was_paid_for(
    kind: str, kept: Store, clock: Clock, fault: str
) -> None:
    with fake_provider(faults=lambda _: fault) as server:
        asked = go(tier_of(kind, server), kept, clock, rows=3)
        assert asked.spent == server.billed
    assert asked.votes == {"r0": -1, "r1": -1, "r2": -1}
    assert sum(asked.outcomes.abstained.values()) == 3


@pytest.mark.parametrize("fault", ["no_usage", "odd_usage"])
def test_usage_that_is_missing_or_odd_is_charged_in_full(kind: str, kept: Store, clock: Clock, fault: str) -> None:
    with fake_provider(faults=lambda _: fault) as server:
        tier = tier_of(kind, server)
        most = estimate(fake_rows(1), Spam(), tier).most
        assert go(tier, kept, clock, rows=1).spent == most > server.billed


@pytest.mark.parametrize("fault", ["429", "500"])
def test_a_provider_that_is_down_is_left_alone(kind: str, kept: Store, clock: Clock, fault: str) -> None:
    with fake_provider(faults=lambda _: fault) as server:
        asked = go(tier_of(kind, server, concurrency=2), kept, clock, rows=60, retries=Retries(in_a_row=3))
        assert server.calls <= Retries().attempts * (3 + 4)
    assert asked.stopped == "provider"
    assert sum(asked.outcomes.failed.values()) == 60


@pytest.mark.parametrize("wait", ["429:0", "429:1", "429:2.5", "429:30", "429:89.999", "wait:30"])
def test_a_wait_that_is_asked_for_is_kept_to_the_moment(kind: str, kept: Store, clock: Clock, wait: str) -> None:
    if kind == "anthropic":  # Google alone writes it into the body
        wait = wait.replace("wait", "429")
    seen: list[float] = []

    def faults(number: int) -> str:
        seen.append(clock())
        return wait if number == 0 else "ok"

    with fake_provider(faults=faults) as server:
        assert go(tier_of(kind, server), kept, clock, rows=8).outcomes.answered == 8
    assert min(seen[1:]) >= seen[0] + float(wait.partition(":")[2])


@pytest.mark.parametrize("header", ["-5", "soon", "", "1e9", "Thu, 99 Nov 2026"])
def test_a_retry_after_that_says_nothing_is_a_plain_backoff(kind: str, kept: Store, clock: Clock, header: str) -> None:
    began = clock()
    with fake_provider(faults={0: f"429:{header}"}) as server:
        assert go(tier_of(kind, server), kept, clock, rows=1).outcomes.answered == 1
        assert server.calls == 2
    assert 0.2 <= clock() - began <= 1


def test_a_date_in_the_past_is_no_wait_and_a_wait_too_long_stops_asking(kind: str, kept: Store, clock: Clock) -> None:
    began = clock()
    with fake_provider(faults={0: f"429:{formatdate(0, usegmt=True)}"}) as server:
        assert go(tier_of(kind, server), kept, clock, rows=1).outcomes.answered == 1
        assert clock() == began
    with fake_provider(faults=lambda _: "429:1000000000") as server:
        asked = go(tier_of(kind, server), kept, clock, rows=9)
        assert server.calls == 1
    assert (asked.stopped, asked.outcomes.rows) == ("provider", 9)


@pytest.mark.parametrize(
    ("fault", "error", "word"),
    [
        ("401", UsageError, "key"),
        ("403", UsageError, "key"),
        ("404", UsageError, "model"),
        ("redirect", UsageError, "redirects are not followed"),
        ("402", ProviderError, "credit"),
        ("400:API key not valid. Please pass a valid API key.", UsageError, "key"),
        ("400:Your credit balance is too low to access the API", ProviderError, "credit"),
    ],
)
def test_what_no_retry_can_mend_stops_at_once_in_one_line(
    kind: str, kept: Store, clock: Clock, fault: str, error: type[Exception], word: str
) -> None:
    with fake_provider(faults=lambda _: fault) as server:
        with pytest.raises(error, match=word) as caught:
            go(tier_of(kind, server), kept, clock, rows=50)
        assert server.calls == 1
    assert "\n" not in str(caught.value)
    assert kept.account("r").spent == 0


WORDS = {
    "anthropic": ["strict", "input_schema", "temperature"],
    "google": ["responseSchema", "responseMimeType", "systemInstruction", "thinkingConfig", "temperature"],
}


@pytest.mark.parametrize("number", range(5))
def test_an_endpoint_that_refuses_a_parameter_is_asked_without_it(
    kind: str, kept: Store, clock: Clock, number: int
) -> None:
    word = WORDS[kind][min(number, len(WORDS[kind]) - 1)]
    with fake_provider(faults=lambda _: f"refuse:{word}") as server:
        asked = go(tier_of(kind, server, concurrency=4), kept, clock, rows=12)
        assert server.calls <= 12 + 2 * 4
        assert all(word not in str(served.body) for served in server.log[-3:])
        assert all("max_tokens" in str(s.body) or "maxOutputTokens" in str(s.body) for s in server.log)
    assert asked.outcomes.answered == 12
    assert asked.spent == server.billed


@pytest.mark.parametrize("threads", [1, 32])
def test_the_server_never_sees_more_calls_than_the_budget_pays_for(
    kind: str, kept: Store, clock: Clock, threads: int
) -> None:
    with fake_provider(faults=lambda _: "no_usage", delay=0.005) as server:
        tier = tier_of(kind, server, concurrency=threads)
        most = estimate(fake_rows(1), Spam(), tier).most
        asked = go(tier, kept, clock, rows=60, budget_usd=(5 * most + 9) / 1e6)
        assert server.calls == 5
        assert server.most_in_flight <= threads
    assert (asked.outcomes.answered, asked.outcomes.not_asked, asked.stopped) == (5, 55, "budget")


def test_a_key_is_in_no_output_whatever_the_fault(
    kind: str,
    tmp_path: Path,
    kept: Store,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("CANARY_KEY", CANARY)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Secret: org-secret")
    caplog.set_level("DEBUG")
    faults = ["echo", "500", "429:0", "400", "hangup", "html", "echo", "ok"]
    with fake_provider(faults=dict(enumerate(faults))) as server:
        tier = tier_of(kind, server, api_key_env="CANARY_KEY")
        asked = go(tier, kept, clock, rows=8)
        assert {served.authorization for served in server.log} == {CANARY}
        assert all("authorization" not in served.headers for served in server.log)
        assert all(CANARY not in served.path for served in server.log)
        assert "org-secret" not in str([served.headers for served in server.log])
    with fake_provider(faults=lambda _: "401") as closed, pytest.raises(UsageError) as caught:
        go(tier_of(kind, closed, api_key_env="CANARY_KEY"), kept, clock, rows=1)
    out = capfd.readouterr()
    said = [str(asked), str(asked.to_json()), str(caught.value), repr(tier), repr(tier.provider), out.out, out.err]
    said += [caplog.text, str(kept.ledger())]
    kept.close()
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert CANARY not in "".join(said)
    assert CANARY.encode() not in files
    assert b"[key]" in files
