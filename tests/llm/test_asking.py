from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults.fakeprov import CANARY, fake_provider

from weaksup.errors import ProviderError, UsageError
from weaksup.llm import Asked, Progress, Retries, Tier, ask, estimate
from weaksup.protocols import Prompt, PromptFunctionProtocol
from weaksup.store import Answer, Charge, Reservation, Store

MakeTier = Callable[..., Tier]
MakeRows = Callable[[int], list[dict[str, str]]]


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.slept = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
            self.slept += seconds


@pytest.fixture
def go(store: Store, prompt: PromptFunctionProtocol) -> Callable[..., Asked]:
    def run(tier: Tier, rows: list[dict[str, str]], budget: float = 1, **more: Any) -> Asked:
        clock = Clock()
        settings: dict[str, Any] = {"prompt": prompt, "run": "r", "clock": clock, "sleep": clock.sleep, **more}
        return ask(rows, tier=tier, store=store, budget_usd=budget, **settings)

    return run


def test_answers_become_votes_and_are_never_paid_for_twice(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows, store: Store
) -> None:
    with fake_provider(label=lambda body: "SPAM" if "7" in body["messages"][-1]["content"] else "HAM") as server:
        first = go(tier_at(server.base_url), rows(20))
        assert first.votes == {f"r{i}": int("7" in str(i)) for i in range(20)}
        assert (first.source.name, first.source.kind, first.source.group) == ("cheap/spam", "tier", "fake-1")
        assert first.spent == server.billed == store.account("r").spent > 0
        second = go(tier_at(server.base_url), rows(20))
        assert server.calls == 20
    assert second.votes == first.votes
    assert (second.spent, second.outcomes.cached) == (0, 20)


def test_equal_requests_are_sent_once(go: Callable[..., Asked], tier_at: MakeTier) -> None:
    rows = [{"id": f"r{i}", "text": f"text {i % 3}"} for i in range(30)]
    with fake_provider() as server:
        asked = go(tier_at(server.base_url), rows)
        assert server.calls == 3
    assert len(asked.votes) == 30


@pytest.mark.parametrize("threads", [1, 8, 32])
def test_the_server_never_sees_more_calls_than_the_budget_pays_for(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows, prompt: PromptFunctionProtocol, threads: int
) -> None:
    # The server does not say what was used, so each call costs its whole reservation: the budget is five of them.
    with fake_provider(faults=lambda _: "no_usage", delay=0.01) as server:
        tier = tier_at(server.base_url, concurrency=threads)
        most = estimate(rows(1), prompt, tier).most
        asked = go(tier, [{"id": f"r{i}", "text": f"text {i % 10}{i // 10}"} for i in range(100)], (5 * most + 9) / 1e6)
        assert server.calls == 5
        assert server.most_in_flight <= threads
    assert asked.stopped == "budget"
    assert (asked.outcomes.answered, asked.outcomes.not_asked) == (5, 95)
    assert asked.spent <= 5 * most + 9


def test_what_calls_do_not_use_of_their_reservation_is_spent_on_others(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows, prompt: PromptFunctionProtocol
) -> None:
    with fake_provider() as server:
        tier = tier_at(server.base_url)
        most = estimate(rows(1), prompt, tier).most
        asked = go(tier, rows(100), 5 * most / 1e6)
        assert server.calls > 10
        assert server.billed <= 5 * most
    assert asked.outcomes.answered == server.calls


def test_a_larger_budget_goes_on_where_the_smaller_one_stopped(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows
) -> None:
    with fake_provider() as server:
        assert go(tier_at(server.base_url), rows(30), 0.003).stopped == "budget"
        before = server.calls
        assert 0 < before < 30
        asked = go(tier_at(server.base_url), rows(30), 1)
        assert server.calls == 30
    assert (asked.outcomes.answered, asked.outcomes.cached, asked.stopped) == (30, before, "")


def test_a_budget_of_nothing_sends_nothing(go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows) -> None:
    with fake_provider() as server:
        asked = go(tier_at(server.base_url), rows(5), 0)
        assert server.calls == 0
    assert asked.outcomes.not_asked == 5


FREE = ["429", "429:0", "529", "409"]
CHARGED = ["500", "503", "hangup", "reset", "truncated", "html", "empty", "error200", "gzip", "long", "408"]


@pytest.mark.parametrize("fault", FREE + CHARGED)
def test_each_failure_is_charged_as_it_must_be(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows, store: Store, fault: str
) -> None:
    with fake_provider(faults={0: fault}) as server:
        asked = go(tier_at(server.base_url, concurrency=1), rows(1))
    states = [row["state"] for row in store.ledger()]
    assert states[0] == ("released" if fault in FREE else "unknown")
    assert asked.outcomes.answered == (0 if fault in ("gzip", "long") else 1)  # those would fail again
    assert (asked.unknown > 0) == (fault in CHARGED)
    assert asked.spent >= server.billed


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("invalid", "no label"),
        ("prose", "no label"),
        ("length", "cut off at max_tokens"),
        ("refusal", "the model refused"),
    ],
)
def test_an_answer_that_is_no_label_is_an_abstain_that_was_paid_for(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows, fault: str, reason: str
) -> None:
    with fake_provider(faults=lambda _: fault) as server:
        asked = go(tier_at(server.base_url), rows(4))
        again = go(tier_at(server.base_url), rows(4))
        assert server.calls == 4
        assert asked.spent == server.billed
    assert asked.votes == again.votes == {f"r{i}": -1 for i in range(4)}
    assert asked.outcomes.abstained == {reason: 4}


@pytest.mark.parametrize("fault", ["no_usage", "odd_usage"])
def test_usage_that_is_missing_or_odd_is_charged_in_full(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows, prompt: PromptFunctionProtocol, fault: str
) -> None:
    with fake_provider(faults=lambda _: fault) as server:
        tier = tier_at(server.base_url)
        assert go(tier, rows(1)).spent == estimate(rows(1), prompt, tier).most > server.billed


@pytest.mark.parametrize("seed", range(4))
def test_in_a_storm_every_row_has_one_fate_and_the_ledger_is_never_below_the_truth(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows, store: Store, seed: int
) -> None:
    from random import Random

    def storm(number: int) -> str:
        draw = Random(1000 * seed + number)
        return draw.choice([*FREE, *CHARGED, "invalid", "no_usage", "400"]) if draw.random() < 0.5 else "ok"

    with fake_provider(faults=storm) as server:
        asked = go(tier_at(server.base_url), rows(40), 0.02)
        truth = server.billed
    assert asked.outcomes.rows == 40
    assert truth <= store.account("r").spent <= 20_000
    assert store.account("r").held == 0
    assert asked.spent == store.account("r").spent
    outcomes = asked.outcomes
    assert len(asked.reasons) == sum(outcomes.abstained.values()) + sum(outcomes.failed.values())
    assert len(asked.votes) == outcomes.answered + sum(outcomes.abstained.values())


@pytest.mark.parametrize(("fault", "most"), [("429", 4), ("500", 2), ("400", 1)])
def test_attempts_are_bounded_and_a_provider_that_is_down_is_left_alone(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows, fault: str, most: int
) -> None:
    with fake_provider(faults=lambda _: fault) as server:
        asked = go(tier_at(server.base_url, concurrency=2), rows(50))
        assert server.calls <= most * (Retries().in_a_row + 4)  # two threads for each connection
    assert asked.stopped == "provider"
    assert sum(asked.outcomes.failed.values()) == 50
    assert asked.outcomes.failed["not sent: the provider stopped answering"] >= 50 - 9


@pytest.mark.parametrize(
    ("fault", "kind", "word"),
    [
        ("401", UsageError, "key"),
        ("403", UsageError, "key"),
        ("404", UsageError, "model"),
        ("redirect", UsageError, "redirects are not followed"),
        ("402", ProviderError, "credit"),
        ("429:insufficient_quota", ProviderError, "credit"),
    ],
)
def test_what_no_retry_can_mend_stops_at_once_in_one_line(
    go: Callable[..., Asked],
    tier_at: MakeTier,
    rows: MakeRows,
    store: Store,
    fault: str,
    kind: type[Exception],
    word: str,
) -> None:
    with fake_provider(faults=lambda _: fault) as server:
        with pytest.raises(kind, match=word) as caught:
            go(tier_at(server.base_url, concurrency=1), rows(50))
        assert server.calls == 1
    assert "\n" not in str(caught.value)
    assert store.account("r").spent == 0


def test_a_port_where_nobody_listens_costs_nothing(go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows) -> None:
    with fake_provider() as server:
        url = server.base_url
    asked = go(tier_at(url), rows(3))
    assert asked.outcomes.failed == {"no connection (ConnectError)": 3}
    assert asked.spent == 0


def test_a_silent_server_is_given_up_after_the_timeout_and_charged(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows
) -> None:
    with fake_provider(faults=lambda _: "slow:0.6") as server:
        asked = go(tier_at(server.base_url, timeout=0.2), rows(1), retries=Retries(ambiguous=1))
        assert asked.outcomes.failed == {"the connection broke (ReadTimeout)": 1}
        assert asked.unknown >= server.billed > 0


def test_retry_after_is_obeyed_by_every_thread(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows, store: Store, prompt: PromptFunctionProtocol
) -> None:
    clock = Clock()
    begun = clock()
    seen: list[float] = []

    def faults(number: int) -> str:
        seen.append(clock() - begun)
        return "429:30" if number == 0 else "ok"

    with fake_provider(faults=faults) as server:
        asked = go(tier_at(server.base_url, concurrency=1), rows(3), clock=clock, sleep=clock.sleep)
    assert asked.outcomes.answered == 3
    assert seen[0] == 0
    assert min(seen[1:]) >= 30


def test_a_wait_beyond_the_limit_stops_asking(go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows) -> None:
    with fake_provider(faults=lambda _: "429:100000") as server:
        asked = go(tier_at(server.base_url, concurrency=1), rows(9))
        assert server.calls == 1
    assert asked.stopped == "provider"
    assert any("asks to wait 100000 s" in reason for reason in asked.outcomes.failed)


@pytest.mark.parametrize("word", ["json_schema", "response_format", "temperature", "max_tokens"])
def test_an_endpoint_that_refuses_a_parameter_is_asked_without_it(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows, word: str
) -> None:
    with fake_provider(faults=lambda _: f"refuse:{word}") as server:
        asked = go(tier_at(server.base_url, concurrency=4), rows(12))
        assert server.calls <= 12 + 2 * 4
        assert all(word not in str(served.body) for served in server.log[-3:])
        limits = [{"max_tokens", "max_completion_tokens"} & set(served.body) for served in server.log]
        assert all(len(limit) == 1 for limit in limits)
    assert asked.outcomes.answered == 12


def test_progress_reaches_every_row_and_the_final_cost(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows
) -> None:
    seen: list[Progress] = []
    with fake_provider() as server:
        asked = go(tier_at(server.base_url), rows(10), on_answer=seen.append)
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert seen[-1] == Progress(10, 10, asked.spent)


def test_the_cost_comes_from_the_store_and_so_does_the_label(
    tier_at: MakeTier, rows: MakeRows, store: Store, prompt: PromptFunctionProtocol
) -> None:
    with fake_provider() as server:
        ask(rows(3), prompt, tier_at(server.base_url), store, run="r", budget_usd=1)
        _sql(Path(store.name), "UPDATE answers SET body = replace(body, 'HAM', 'SPA') WHERE rowid = 1")
        again = ask(rows(3), prompt, tier_at(server.base_url), store, run="r", budget_usd=1)
        assert server.calls == 4
    assert set(again.votes.values()) == {0}
    assert again.notes == ("1 stored answers were damaged and not used",)


def test_another_model_that_answers_is_noted(go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows) -> None:
    with fake_provider(faults=lambda _: "other_model") as server:
        assert "cheaper-model" in go(tier_at(server.base_url), rows(2)).notes[0]


def test_a_key_is_in_no_output_whatever_the_fault(
    tmp_path: Path,
    tier_at: MakeTier,
    rows: MakeRows,
    store: Store,
    prompt: PromptFunctionProtocol,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("CANARY_KEY", CANARY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Secret: org-secret")
    caplog.set_level("DEBUG")
    faults = ["echo", "500", "429:0", "400", "hangup", "html", "echo", "ok"]
    with fake_provider(faults=dict(enumerate(faults))) as server:
        tier = tier_at(server.base_url, api_key_env="CANARY_KEY", concurrency=1)
        clock = Clock()
        asked = ask(rows(8), prompt, tier, store, run="r", budget_usd=1, clock=clock, sleep=clock.sleep)
        assert {served.authorization for served in server.log} == {f"Bearer {CANARY}"}
        assert "org-secret" not in str([served.headers for served in server.log])
    with fake_provider(faults=lambda _: "401") as closed:
        again = tier_at(closed.base_url, api_key_env="CANARY_KEY")
        with pytest.raises(UsageError) as caught:
            ask(rows(1), prompt, again, store, run="r", budget_usd=1)
    out = capfd.readouterr()
    said = [str(asked), str(asked.to_json()), str(caught.value), repr(tier), repr(tier.provider), out.out, out.err]
    said += [caplog.text, str(store.ledger())]
    store.close()
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert CANARY not in "".join(said)
    assert CANARY.encode() not in files
    assert b"[key]" in files


def test_no_key_goes_to_this_machine_unless_it_is_named(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with fake_provider() as server:
        assert go(tier_at(server.base_url), rows(1)).outcomes.answered == 1
        assert CANARY not in str(server.log)


def test_a_prompt_that_cannot_be_sent_fails_its_row_and_costs_nothing(
    go: Callable[..., Asked], tier_at: MakeTier
) -> None:
    rows = [{"id": "a", "text": "half \ud800"}, {"id": "b", "text": "whole \x00 {{7*7}} \U0001f600"}]
    with fake_provider() as server:
        asked = go(tier_at(server.base_url), rows)
        assert [served.user for served in server.log] == ["Text: " + rows[1]["text"]]
    assert asked.votes == {"b": 0}
    assert "surrogate" in asked.reasons["a"]
    assert asked.unknown == 0


def test_a_prompt_that_fails_on_a_row_fails_that_row_alone(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows, prompt: Any
) -> None:
    class Picky(type(prompt)):  # type: ignore[misc]
        def render(self, row: Any) -> Prompt:
            if row["id"] == "r1":
                raise KeyError("title")
            rendered: Prompt = super().render(row)
            return rendered

    with fake_provider() as server:
        asked = go(tier_at(server.base_url), rows(3), prompt=Picky())
    assert asked.outcomes.failed == {"the prompt function raised KeyError": 1}
    assert asked.outcomes.answered == 2


@pytest.mark.parametrize("ids", [["a", "a"], [None]])
def test_rows_need_ids_that_differ(go: Callable[..., Asked], tier_at: MakeTier, ids: list[str | None]) -> None:
    with fake_provider() as server, pytest.raises(UsageError, match="id"):
        go(tier_at(server.base_url), [{"id": i, "text": "x"} for i in ids])


def test_no_rows_are_no_trouble(go: Callable[..., Asked], tier_at: MakeTier) -> None:
    asked = go(tier_at("http://127.0.0.1:9/v1"), [])
    assert (asked.outcomes.rows, asked.spent, asked.stopped) == (0, 0, "")


def test_a_prompt_longer_than_the_price_holds_for_is_not_sent(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows
) -> None:
    from dataclasses import replace

    with fake_provider() as server:
        tier = tier_at(server.base_url)
        asked = go(replace(tier, price=replace(tier.price, flat_to=10)), rows(2))
        assert server.calls == 0
    assert asked.outcomes.failed == {"the prompt is longer than the 10 tokens that the price holds for": 2}


def test_a_call_that_somebody_else_has_open_is_waited_for_and_used(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows, store: Store, prompt: PromptFunctionProtocol
) -> None:
    from weaksup.llm.jobs import make_request

    with fake_provider() as server:
        tier = tier_at(server.base_url)
        key, _ = make_request(rows(1)[0], prompt, tier.provider)
        held = store.reserve(Charge(key, "other", "t", "m", "p", 5), cap=100)
        assert isinstance(held, Reservation)
        looks: list[float] = []

        def sleep(seconds: float) -> None:
            looks.append(seconds)
            if len(looks) == 3:
                body = b'{"choices": [{"message": {"content": "SPAM"}}]}'
                store.settle(held, Answer(key, body, 5))

        asked = go(tier, rows(1), sleep=sleep)
        assert server.calls == 0
    assert asked.votes == {"r0": 1}
    assert (asked.spent, asked.outcomes.cached) == (0, 1)
    assert looks == [0.02, 0.04, 0.08]


def test_an_error_in_a_provider_is_raised_and_its_call_charged_in_full(
    go: Callable[..., Asked], tier_at: MakeTier, rows: MakeRows, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tier = tier_at("http://127.0.0.1:9/v1")

    def broken(request: Any) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(type(tier.provider), "send", lambda self, request: broken(request))
    with pytest.raises(ZeroDivisionError):
        go(tier, rows(3))
    assert store.account("r").held == 0
    assert store.account("r").unknown > 0


def _sql(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()
