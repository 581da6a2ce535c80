from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from faults.asker import Spam, fake_rows, fake_tier
from faults.fakebatch import FakeBatches, fake_batches
from faults.fakeprov import CANARY, fake_provider
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup.errors import ConfigError, ProviderError, UsageError
from weaksup.labeling_functions.readings import read_label
from weaksup.llm import Asked, Progress, Tier, estimate, make_tier
from weaksup.llm.asking import ask_singly
from weaksup.llm.batches.asking import ask_batch
from weaksup.llm.batches.kinds import batch_api
from weaksup.llm.providers.anthropic_messages import read_message
from weaksup.llm.providers.lines import cut_lines
from weaksup.store import Store

HALF = {"input": 1, "output": 2, "batch_discount": 0.5}


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with Store(tmp_path / "store.db", clock=clock) as opened:
        yield opened


@pytest.fixture(params=["openai", "anthropic"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


Go = Callable[..., Asked]


@pytest.fixture
def tier_of(kind: str) -> Callable[..., Tier]:
    def make(server: FakeBatches, **more: Any) -> Tier:
        url = server.base_url if kind == "openai" else server.address
        return fake_tier(url, provider=kind, batch=True, **{"price": HALF, **more})

    return make


@pytest.fixture
def go(store: Store, clock: Clock, tier_of: Callable[..., Tier]) -> Go:
    def run(server: FakeBatches, n: int = 6, budget: float = 1, **more: Any) -> Asked:
        settings = {"run": "r", "clock": clock, "sleep": clock.sleep, "tier": tier_of(server), **more}
        return ask_batch(fake_rows(n), Spam(), store=store, budget_usd=budget, **settings)

    return run


def fate_of(*fates: str, cycle: bool = True) -> Callable[[str, Mapping[str, Any]], str]:
    """Give each item a fate by the number in its text."""

    def fate(_key: str, body: Mapping[str, Any]) -> str:
        number = int(str(body["messages"][-1]["content"]).rsplit(" ", 1)[1])
        return fates[number % len(fates)]

    return fate


def states(store: Store) -> list[str]:
    return [str(row["state"]) for row in store.ledger()]


def test_answers_of_a_batch_become_votes_at_half_the_price_and_are_never_paid_for_twice(go: Go, store: Store) -> None:
    with fake_batches(polls=2) as server:
        first = go(server, 20)
        assert first.votes == {f"r{i}": 0 for i in range(20)}
        assert (server.count("create"), server.count("poll")) == (1, 3)
        assert server.billed <= first.spent == store.account("r").spent <= server.billed + 20
        assert all("less 50 % in a batch" in str(row["price_source"]) for row in store.ledger())
        second = go(server, 20)
        assert server.count("create") == 1
    assert second.votes == first.votes
    assert (second.spent, second.outcomes.cached) == (0, 20)


def test_the_results_may_come_in_any_order_and_each_row_gets_its_own(go: Go, store: Store) -> None:
    def label(_: Any) -> str:
        return "ok"

    for seed in range(5):
        with fake_batches(seed=seed, items=fate_of("ok", "prose")) as server:
            asked = go(server, 10, run=f"r{seed}")
        assert asked.votes == {f"r{i}": (-1 if i % 2 else 0) for i in range(10)}


def test_equal_requests_are_one_item(store: Store, clock: Clock, tier_of: Callable[..., Tier]) -> None:
    rows = [{"id": f"r{i}", "text": f"text 000{i % 3}"} for i in range(30)]
    with fake_batches() as server:
        how: Any = {"run": "r", "budget_usd": 1, "clock": clock, "sleep": clock.sleep}
        asked = ask_batch(rows, Spam(), tier_of(server), store, **how)
        assert len(server.submitted) == 3
    assert len(asked.votes) == 30


FREE = {"expired", "canceled", "error:413", "error:429"}
CHARGED = {"missing", "garbage", "half", "no_answer", "long"}
ANSWERED = {"ok", "duplicate", "foreign", "other_model", "no_usage", "late"}


@pytest.mark.parametrize("fate", sorted(FREE | CHARGED | ANSWERED))
def test_every_fate_of_an_item_is_accounted_for(go: Go, store: Store, fate: str) -> None:
    with fake_batches(items=fate_of("ok", fate)) as server:
        asked = go(server, 10)
        assert asked.spent >= server.billed
        assert set(server.submitted.values()) == {1}
    assert asked.outcomes.rows == 10
    if fate in ANSWERED:
        assert asked.outcomes.answered == 10
        assert set(states(store)) == {"done"}
    else:
        assert (asked.outcomes.answered, sum(asked.outcomes.failed.values())) == (5, 5)
        assert states(store).count("released" if fate in FREE else "unknown") == 5
        assert (asked.unknown > 0) == (fate in CHARGED)
    assert store.account("r").held == 0


def test_an_item_that_errored_with_500_is_charged_where_nobody_says_that_it_is_free(
    go: Go, store: Store, kind: str
) -> None:
    with fake_batches(items=fate_of("error:500")) as server:
        go(server, 4)
    assert set(states(store)) == {"unknown" if kind == "openai" else "released"}  # Anthropic bills no errored result


def test_odd_results_are_noted(go: Go) -> None:
    with fake_batches(items=fate_of("duplicate", "foreign", "garbage", "ok")) as server:
        notes = go(server, 8).notes
    assert notes == ("of the results of a batch, 2 came twice, 2 were not asked for, 2 cannot be read",)


def test_a_batch_that_was_sent_for_another_model_is_not_charged_at_the_price_of_this_one(
    go: Go, store: Store, tier_of: Callable[..., Tier]
) -> None:
    with fake_batches(polls=2, price=(100, 200)) as server:
        dear = tier_of(server, model="dear", price={"input": 100, "output": 200, "batch_discount": 0.5})
        with pytest.raises(KeyboardInterrupt):
            go(server, 8, tier=dear, budget=9, sleep=_break_off)
        for batch in server.batches.values():
            batch["polls"] = 9
        go(server, 4, budget=9, tier=tier_of(server, price={"input": 0.1, "output": 0.2, "batch_discount": 0.5}))
        assert {row["state"] for row in store.ledger()} == {"done"}
        dearest = sum(int(str(row["cost"])) for row in store.ledger() if row["model"] == "dear")
        half = sum(server._bill(body) for body in server.batches["batch_0"]["requests"].values())
        assert dearest >= half


def _break_off(_seconds: float) -> None:
    raise KeyboardInterrupt


def test_a_label_that_is_written_twice_in_a_batch_is_no_label(store: Store) -> None:
    answer = '{"type":"tool_use","id":"t","name":"answer","input":{"label":"HAM","label":"SPAM"}}'
    message = (
        f'{{"content":[{answer}],"stop_reason":"tool_use","model":"m","usage":{{"input_tokens":5,"output_tokens":2}}}}'
    )
    line = f'{{"custom_id":"k","result":{{"type":"succeeded","message":{message}}}}}'.encode()
    api = batch_api(fake_tier("http://127.0.0.1:1", provider="anthropic").provider, "t")
    result = api._result(line)  # type: ignore[attr-defined]
    reply = read_message(result.body)
    assert read_label(reply.text, ["HAM", "SPAM"]).code == -1
    assert (reply.input_tokens, reply.output_tokens) == (5, 2)
    assert read_message(result.body) == read_message(message.encode())


def test_another_model_is_noted(go: Go) -> None:
    with fake_batches(items=fate_of("other_model")) as server:
        assert "cheaper-model" in go(server).notes[0]


@pytest.mark.parametrize("ends", ["expired", "cancelled"])
def test_a_batch_that_ends_without_an_answer_costs_nothing_and_may_be_asked_again(
    go: Go, store: Store, ends: str
) -> None:
    with fake_batches(ends=ends) as server:  # OpenAI: a file of errors, and none of answers
        asked = go(server)
    assert (asked.spent, sum(asked.outcomes.failed.values())) == (0, 6)
    with fake_batches() as server:
        # Another address is another place, so these are other requests.
        assert go(server).outcomes.answered == 6


def test_a_batch_that_the_provider_refuses_as_a_whole_costs_nothing(store: Store, clock: Clock) -> None:
    with fake_batches(ends="failed") as server:
        tier = fake_tier(server.base_url, batch=True, price=HALF)
        asked = ask_batch(fake_rows(4), Spam(), tier, store, run="r", budget_usd=1, clock=clock, sleep=clock.sleep)
    assert asked.spent == 0
    assert asked.outcomes.failed == {"the provider refused the batch: line 1 is not JSON bad": 4}
    assert store.account("r").calls == 0


def test_no_more_rows_are_sent_than_the_budget_pays_for(go: Go, store: Store, tier_of: Callable[..., Tier]) -> None:
    with fake_batches(items=fate_of("no_usage")) as server:  # each costs its whole reservation
        most = estimate(fake_rows(1), Spam(), tier_of(server)).most
        asked = go(server, 50, budget=(5 * most + 3) / 1e6)
        assert len(server.submitted) == 5
    assert (asked.outcomes.answered, asked.outcomes.not_asked, asked.stopped) == (5, 45, "budget")
    assert asked.spent <= 5 * most + 3


def test_the_next_call_uses_what_the_batch_left_of_the_budget(go: Go, tier_of: Callable[..., Tier]) -> None:
    with fake_batches() as server:
        budget = 5 * estimate(fake_rows(1), Spam(), tier_of(server)).most / 1e6
        assert go(server, 50, budget=budget).outcomes.answered == 5
        more = go(server, 50, budget=budget)
        assert 5 < more.outcomes.answered < 50
        assert server.billed <= budget * 1e6


def test_a_prompt_that_the_price_does_not_hold_for_fails_alone(go: Go, store: Store) -> None:
    with fake_batches() as server:
        asked = go(server, 0)
        assert asked.outcomes.rows == server.count("create") == 0


def test_half_a_character_fails_its_row_alone(store: Store, clock: Clock, tier_of: Callable[..., Tier]) -> None:
    rows = [{"id": "a", "text": "good"}, {"id": "b", "text": "bad \ud800"}]
    with fake_batches() as server:
        how: Any = {"run": "r", "budget_usd": 1, "clock": clock, "sleep": clock.sleep}
        asked = ask_batch(rows, Spam(), tier_of(server), store, **how)
    assert list(asked.votes) == ["a"]
    assert "half a character" in asked.reasons["b"]


@pytest.mark.parametrize(("fault", "waits"), [("429:7", 7.0), ("429", 0.0), ("409", 0.0)])
def test_a_refused_creation_is_tried_again_after_the_wait_and_costs_nothing(
    go: Go, clock: Clock, store: Store, fault: str, waits: float
) -> None:
    with fake_batches(faults={"create": [fault]}) as server:
        asked = go(server)
        assert server.count("create") == 2
        assert max(server.submitted.values()) == 1
    assert asked.outcomes.answered == 6
    assert clock.slept[0] >= waits
    assert set(states(store)) == {"done"}


@pytest.mark.parametrize("fault", ["429:9999", "400"])
def test_a_creation_that_is_refused_for_good_costs_nothing(go: Go, store: Store, fault: str) -> None:
    with fake_batches(faults={"create": [fault] * 9}) as server:
        asked = go(server)
        assert server.count("create") == 1
    assert (asked.spent, asked.stopped) == (0, "provider")
    assert asked.outcomes.failed[next(iter(asked.outcomes.failed))] == 6
    assert set(states(store)) == {"released"}
    assert store.account("r").held == 0


@pytest.mark.parametrize("fault", ["lost", "html", "noid", "500", "hangup"])
def test_a_creation_that_may_have_happened_is_charged_in_full_and_not_repeated(
    go: Go, store: Store, fault: str
) -> None:
    with fake_batches(faults={"create": [fault]}) as server:
        asked = go(server)
        assert server.count("create") == 1
        assert asked.unknown == asked.spent == sum(int(str(row["reserved"])) for row in store.ledger())
        assert asked.spent >= server.billed
        assert "its id was lost" in next(iter(asked.outcomes.failed))
        again = go(server)
        assert set(server.submitted.values()) == {1}
    assert again.outcomes.answered == 6


def test_an_upload_that_broke_off_costs_nothing(store: Store, clock: Clock) -> None:
    with fake_batches(faults={"upload": ["500", "hangup"]}) as server:
        tier = fake_tier(server.base_url, batch=True, price=HALF)
        asked = ask_batch(fake_rows(4), Spam(), tier, store, run="r", budget_usd=1, clock=clock, sleep=clock.sleep)
        assert (server.count("upload"), server.count("create")) == (3, 1)
    assert (asked.outcomes.answered, asked.unknown) == (4, 0)


def test_polls_that_fail_are_repeated(go: Go) -> None:
    faults = {"poll": ["500", "hangup", "html", "429:90", "ok", "503"], "results": ["500", "cut"]}
    with fake_batches(faults=faults) as server:
        asked = go(server)
        assert server.count("create") == 1
    assert (asked.outcomes.answered, asked.unknown) == (6, 0)


def test_a_poll_waits_as_long_as_the_provider_asks(go: Go, clock: Clock) -> None:
    with fake_batches(faults={"poll": ["429:90"]}) as server:
        go(server, poll_seconds=5.0)
    assert clock.slept == [90.0, 5.0]


def test_a_provider_that_stops_answering_keeps_the_batch_and_the_money_held(go: Go, store: Store) -> None:
    with fake_batches(faults={"poll": ["500"] * 20}) as server:
        asked = go(server)
        assert asked.stopped == "provider"
        assert "run the same command again" in asked.reasons["r0"]
        assert (asked.spent, asked.run_held > 0) == (0, True)
        again = go(server)
        assert server.count("create") == 1
    assert (again.outcomes.answered, again.run_held) == (6, 0)


def test_a_batch_that_never_ends_is_left_after_two_days(go: Go, clock: Clock) -> None:
    with fake_batches(polls=10**9) as server:
        asked = go(server, poll_seconds=3600.0)
    assert "not ended after two days" in asked.reasons["r0"]
    assert len(clock.slept) == 48


def test_a_batch_that_the_provider_does_not_know_is_an_error_until_nobody_keeps_its_results(
    go: Go, store: Store, clock: Clock
) -> None:
    with fake_batches(faults={"poll": ["500"] * 20}) as server:
        go(server)
        server.batches.clear()
        with pytest.raises(UsageError, match=r"404.*\(batch batch_0\)"):
            go(server)
        clock.now += 31 * 86_400
        asked = go(server)
    assert asked.unknown > 0
    assert store.account("r").held == 0


@pytest.mark.parametrize("what", ["create", "poll"])
@pytest.mark.parametrize(("fault", "error"), [("401", UsageError), ("402", ProviderError), ("redirect", UsageError)])
def test_a_wrong_key_stops_at_once_in_one_line(go: Go, what: str, fault: str, error: type[Exception]) -> None:
    with fake_batches(faults={what: [fault]}) as server, pytest.raises(error) as caught:
        go(server)
    assert "\n" not in str(caught.value)


def test_a_refused_parameter_is_left_out_of_the_next_batch(go: Go) -> None:
    def fate(_key: str, body: Mapping[str, Any]) -> str:
        return "error:400" if "temperature" in body else "ok"

    with fake_batches(items=fate) as server:
        asked = go(server, 8)
        assert server.count("create") == 2
    assert asked.outcomes.answered == 8
    assert asked.spent >= server.billed


def test_ctrl_c_leaves_the_batch_running_and_the_same_call_picks_it_up(
    go: Go, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with fake_batches(polls=3) as server:
        with pytest.raises(KeyboardInterrupt):
            go(server, sleep=interrupt)
        assert "the same command picks them up" in caplog.text
        assert set(states(store)) == {"open"}
        assert store.reap().calls == 0  # they belong to the batch
        asked = go(server, 9)
        assert server.count("create") == 2  # the other three
        assert set(server.submitted.values()) == {1}
    assert asked.outcomes.answered == 9


def test_ctrl_c_while_a_batch_is_sent_waits_for_its_id(
    store: Store, clock: Clock, tier_of: Callable[..., Tier]
) -> None:
    import signal

    with fake_batches(delay=0.4) as server:
        tier = tier_of(server)
        how: Any = {"run": "r", "budget_usd": 1, "clock": clock, "sleep": clock.sleep}

        def stop() -> None:
            while not server.count("create"):
                time.sleep(0.005)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

        thread = threading.Thread(target=stop)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            ask_batch(fake_rows(4), Spam(), tier, store, **how)
        thread.join()
        server.delay = 0
        assert states(store) == ["open"] * 4
        asked = ask_batch(fake_rows(4), Spam(), tier, store, **how)
        assert server.count("create") == 1
    assert asked.outcomes.answered == 4


@pytest.mark.parametrize(("step", "state"), [("upload", "released"), ("create", "unknown"), ("started", "open")])
def test_whatever_breaks_while_a_batch_is_sent_the_ledger_covers_the_bill(
    go: Go, store: Store, monkeypatch: pytest.MonkeyPatch, kind: str, step: str, state: str
) -> None:
    from weaksup.llm.batches import anthropic as batch_anthropic
    from weaksup.llm.batches import openai as batch_openai

    api: Any = batch_openai.OpenAIBatches if kind == "openai" else batch_anthropic.AnthropicBatches
    started = store.batches.started

    def broken(*_: Any) -> None:
        raise RuntimeError("a defect")

    def late(batch: Any, number: str) -> None:
        started(batch, number)
        raise RuntimeError("a defect")

    with fake_batches() as server:
        with monkeypatch.context() as patch, pytest.raises(RuntimeError):
            if step == "started":
                patch.setattr(type(store.batches), step, lambda _, *about: late(*about))
            else:
                patch.setattr(api, step, broken)
            go(server)
        assert set(states(store)) == {state}
        account = store.account("r")
        assert account.spent + account.held >= server.billed
        assert go(server).outcomes.answered == 6
        assert set(server.submitted.values()) == {1}


def test_large_work_goes_in_several_batches(
    store: Store, clock: Clock, tier_of: Callable[..., Tier], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    from weaksup.llm.batches import anthropic as batch_anthropic
    from weaksup.llm.batches import openai as batch_openai

    api = batch_openai.OpenAIBatches if kind == "openai" else batch_anthropic.AnthropicBatches
    monkeypatch.setattr("weaksup.llm.batches.kinds._APIS", {kind: lambda wire, where: api(wire, where, 7)})
    with fake_batches() as server:
        seen: list[Progress] = []
        how: Any = {"run": "r", "budget_usd": 1, "clock": clock, "sleep": clock.sleep, "on_answer": seen.append}
        asked = ask_batch(fake_rows(20), Spam(), tier_of(server), store, **how)
        assert [len(batch["requests"]) for batch in server.batches.values()] == [7, 7, 6]
    assert asked.outcomes.answered == 20
    assert (seen[-1].done, seen[-1].total, seen[-1].spent) == (20, 20, asked.spent)


def test_live_asking_does_not_wait_for_a_batch_that_nobody_looks_after(go: Go, store: Store, kind: str) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with fake_batches(polls=3) as server:
        with pytest.raises(KeyboardInterrupt):
            go(server, sleep=interrupt)
        url = server.base_url if kind == "openai" else server.address
        live = fake_tier(url, provider=kind)
        asked = ask_singly(fake_rows(6), Spam(), live, store, run="r", budget_usd=1)
    assert "batch = true" in asked.reasons["r0"]
    assert sum(asked.outcomes.failed.values()) == 6


def test_a_batch_of_another_thread_is_waited_for_not_repeated(
    store: Store, clock: Clock, tier_of: Callable[..., Tier]
) -> None:
    with fake_batches(polls=5) as server:
        tier = tier_of(server)
        found: list[Asked] = []

        def work() -> None:
            how: Any = {"run": "r", "budget_usd": 1, "poll_seconds": 0.05, "clock": clock}
            found.append(ask_batch(fake_rows(20), Spam(), tier, store, **how))

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(server.submitted.values()) == {1}
    assert [asked.outcomes.answered for asked in found] == [20, 20, 20]
    assert sum(asked.spent for asked in found) == store.account("r").spent


def test_the_key_is_in_no_message(go: Go, monkeypatch: pytest.MonkeyPatch, tier_of: Callable[..., Tier]) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    with fake_batches(faults={"create": ["400"]}) as server:
        asked = go(server, tier=tier_of(server, api_key_env="CANARY"))
    assert CANARY not in str(asked)


@pytest.mark.parametrize("kind", ["ollama", "google", "simulated", "people", "student", "gguf", "replay"])
def test_batch_is_refused_where_there_is_no_batch_api(kind: str) -> None:
    with pytest.raises(
        ConfigError, match=f'batch = true is for tiers of the kinds "openai" and "anthropic", got "{kind}"'
    ):
        make_tier({"name": "t", "provider": kind, "model": "m", "batch": True})


def test_a_live_provider_is_not_asked_in_batches(store: Store) -> None:
    tier = make_tier({"name": "t", "provider": "simulated", "truth": "x.csv", "free": True})
    with fake_provider(), pytest.raises(ConfigError, match="batch"):
        ask_batch(fake_rows(1), Spam(), tier, store, run="r", budget_usd=1)


@settings(max_examples=60)
@given(
    lines=st.lists(st.binary(max_size=12).filter(lambda line: b"\n" not in line), max_size=8),
    cuts=st.lists(st.integers(1, 9), max_size=40),
)
def test_lines_do_not_depend_on_how_a_stream_is_cut(lines: list[bytes], cuts: list[int]) -> None:
    data = b"\n".join(lines)

    def parts() -> Iterator[bytes]:
        rest = data
        for size in cuts:
            yield rest[:size]
            rest = rest[size:]
        yield rest

    expected = [line.strip() or None if len(line) <= 8 else "long" for line in lines]
    found = [line if line is not None else "long" for line in cut_lines(parts(), most=8)]
    assert found == [line for line in expected if line is not None]


FATES = st.sampled_from(sorted(FREE | CHARGED | ANSWERED | {"error:400", "error:500", "prose"}))
FAULTS = st.lists(st.sampled_from(["ok", "429", "500", "hangup", "html", "cut"]), max_size=4)


@settings(max_examples=int(os.environ.get("WEAKSUP_STORMS", "12")))
@given(
    fates=st.lists(FATES, min_size=1, max_size=7),
    kind=st.sampled_from(["openai", "anthropic"]),
    create=st.lists(st.sampled_from(["ok", "429", "lost", "500", "400"]), max_size=3),
    poll=FAULTS,
    results=FAULTS,
    seed=st.integers(0, 99),
)
def test_in_any_storm_every_row_is_accounted_for_and_the_ledger_covers_the_bill(
    tmp_path_factory: pytest.TempPathFactory,
    fates: list[str],
    kind: str,
    create: list[str],
    poll: list[str],
    results: list[str],
    seed: int,
) -> None:
    place = Path(tmp_path_factory.mktemp("s")) / "s.db"
    clock = Clock()
    faults = {"create": create, "poll": poll, "results": results}
    with Store(place, clock=clock) as store, fake_batches(items=fate_of(*fates), faults=faults, seed=seed) as server:
        url = server.base_url if kind == "openai" else server.address
        tier = fake_tier(url, provider=kind, batch=True, price=HALF)
        how: Any = {"run": "r", "budget_usd": 1, "clock": clock, "sleep": clock.sleep}
        for _ in range(2):
            asked = ask_batch(fake_rows(9), Spam(), tier, store, **how)
            assert asked.outcomes.rows == 9
        account = store.account("r")
        assert account.spent >= server.billed
        assert account.spent + account.held <= 10**6
