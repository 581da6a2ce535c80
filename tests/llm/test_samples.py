from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from faults.asker import Spam, fake_rows, fake_tier
from faults.fakeprov import fake_provider
from scripted_model import scripted

from weaksup.errors import ConfigError
from weaksup.labeling_functions import prompt_function
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.llm import Progress, Retries, estimate, make_tier
from weaksup.llm.failures import Refused
from weaksup.llm.samples import ask_samples
from weaksup.store import Store

HOT = {"params": {"temperature": 0.7}}


@prompt_function(labels=LabelSpace(["HAM", "SPAM"]))
def kind(x: Any) -> str:
    return "What is it?"


def in_turn(*labels: str) -> Callable[[Any], str]:
    """Answer each document with one label after the other."""
    asked: dict[str, int] = {}

    def label(body: Any) -> str:
        user = body["messages"][-1]["content"]
        asked[user] = asked.get(user, -1) + 1
        return labels[asked[user] % len(labels)]

    return label


def test_the_label_that_most_answers_name_wins_with_its_share_as_confidence(store: Store) -> None:
    seen: list[Progress] = []
    with fake_provider(label=in_turn("SPAM", "HAM", "SPAM")) as server:
        tier = fake_tier(server.base_url, **HOT)
        asked = ask_samples(fake_rows(4), kind, tier, store, samples=3, run="r", budget_usd=1, on_answer=seen.append)
        assert server.calls == 12
        assert asked.spent == server.billed == store.account("r").spent
        assert asked.votes == {f"r{i}": 1 for i in range(4)}
        assert asked.confidence == {f"r{i}": pytest.approx(2 / 3) for i in range(4)}
        assert asked.outcomes.answered == asked.outcomes.rows == 4
        assert (seen[-1].done, seen[-1].total, seen[-1].spent) == (12, 12, asked.spent)
        again = ask_samples(fake_rows(4), kind, tier, store, samples=3, run="r", budget_usd=1)
        assert server.calls == 12
    assert (again.votes, again.spent, again.outcomes.cached) == (asked.votes, 0, 4)


def test_where_two_labels_are_level_the_row_abstains(store: Store) -> None:
    with fake_provider(label=in_turn("SPAM", "HAM")) as server:
        asked = ask_samples(
            fake_rows(3), kind, fake_tier(server.base_url, **HOT), store, samples=2, run="r", budget_usd=1
        )
    assert asked.votes == {f"r{i}": ABSTAIN for i in range(3)}
    assert dict(asked.outcomes.abstained) == {"the samples disagree": 3}


def test_each_sample_is_reserved_so_the_budget_holds(store: Store) -> None:
    with fake_provider(faults=lambda _: "no_usage") as server:
        tier = fake_tier(server.base_url, concurrency=1, **HOT)
        most = estimate(fake_rows(1), kind, tier).most
        asked = ask_samples(fake_rows(4), kind, tier, store, samples=3, run="r", budget_usd=(5 * most + 9) / 1e6)
        assert server.calls == 5
    assert asked.stopped == "budget"
    assert asked.votes == {f"r{i}": 0 for i in range(4)}
    assert asked.confidence["r0"] == pytest.approx(2 / 3)  # of three samples, two were asked
    assert asked.confidence["r3"] == pytest.approx(1 / 3)


def test_a_row_fails_only_where_no_sample_brought_an_answer(store: Store) -> None:
    said: dict[str, list[object]] = {"0000": [Refused("no", retry=False)] * 3, "0001": ["?", Refused("no"), "SPAM"]}

    def say(body: Any) -> object:
        return said[body["messages"][-1]["content"][-6:-2]].pop(0)

    _, tier = scripted(say, temperature=1)
    retries = Retries(attempts=1, in_a_row=9)
    asked = ask_samples(fake_rows(2), kind, tier, store, samples=3, run="r", budget_usd=1, retries=retries)
    assert (asked.votes, asked.reasons) == ({"r1": 1}, {"r0": "no"})
    assert asked.confidence == {"r1": pytest.approx(1 / 3)}
    assert (asked.outcomes.rows, dict(asked.outcomes.failed)) == (2, {"no": 1})


def test_an_abstain_keeps_its_reason_where_no_sample_is_clear(store: Store) -> None:
    _, tier = scripted(lambda body: "I cannot say.")
    asked = ask_samples(fake_rows(2), kind, tier, store, samples=2, run="r", budget_usd=1)
    assert dict(asked.outcomes.abstained) == {"the answer is not a label": 2}
    assert estimate(fake_rows(2), kind, replace(tier, samples=2)).calls == 4
    assert estimate(fake_rows(2), kind, replace(tier, samples=2), store).cached == 4


def test_samples_with_a_seed_each_have_their_own(store: Store) -> None:
    with fake_provider() as server:
        tier = fake_tier(server.base_url, params={"temperature": 0.7, "seed": 40})
        ask_samples(fake_rows(1), kind, tier, store, samples=3, run="r", budget_usd=1)
        assert [served.body["seed"] for served in server.log] == [40, 41, 42]
        keys = {served.headers["idempotency-key"] for served in server.log}
    assert len(keys) == 3


def test_samples_need_answers_that_can_differ(store: Store) -> None:
    def ask_it(tier: Any, prompt: Any = kind, samples: int = 2) -> None:
        ask_samples(fake_rows(1), prompt, tier, store, samples=samples, run="r", budget_usd=1)

    with pytest.raises(ConfigError, match="temperature = 0.7"):
        ask_it(fake_tier("http://127.0.0.1:1/v1"))
    with pytest.raises(ConfigError, match="always the same"):
        ask_it(make_tier({"name": "s", "provider": "simulated", "truth": "x.csv", "free": True}))
    with pytest.raises(ConfigError, match="@prompt_function"):
        ask_it(fake_tier("http://127.0.0.1:1/v1", **HOT), Spam())
    with pytest.raises(ConfigError, match="at least 1"):
        ask_it(fake_tier("http://127.0.0.1:1/v1", **HOT), samples=0)
