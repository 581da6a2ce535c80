from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from faults.asker import Spam, fake_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_model import CALL_COST, Scripted, scripted

from weaksup.errors import ConfigError
from weaksup.labeling_functions import prompt_function
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.llm import Progress, Retries, Tier, ask, estimate, make_tier
from weaksup.llm.failures import Refused
from weaksup.llm.grouped import ask_items
from weaksup.store import Store

Answers = dict[str, Any]


@prompt_function(labels=LabelSpace(["HAM", "SPAM"]))
def kind(x: Any) -> str:
    if x.text == "broken":
        raise ValueError("no")
    return "What is it?"


def documents(body: Any) -> dict[str, str]:
    """Read the ids and texts of a request."""
    lines = [line for line in body["messages"][-1]["content"].splitlines() if line.startswith("Document ")]
    parts = [line.split(" ", 2) for line in lines]
    return {item.rstrip(":"): json.loads(document)["text"] for _, item, document in parts}


def model(change: Callable[[Answers], object] = lambda answers: answers) -> tuple[Scripted, Tier]:
    """Make a model that says SPAM where the text has a 7; `change` spoils what it says."""

    def say(body: Any) -> object:
        return change({item: {"label": "SPAM" if "7" in text else "HAM"} for item, text in documents(body).items()})

    return scripted(say)


def go(tier: Tier, store: Store, rows: list[dict[str, str]], *, items: int = 4, **more: Any) -> Any:
    how: dict[str, Any] = {"run": "r", "budget_usd": 1, "retries": Retries(attempts=1), **more}
    return ask_items(rows, kind, tier, store, items=items, **how)


def test_several_rows_share_a_request_and_each_gets_its_own_answer(store: Store) -> None:
    provider, tier = model()
    seen: list[Progress] = []
    planned = estimate(fake_rows(10), kind, replace(tier, items=4), store)
    asked = go(tier, store, fake_rows(10), on_answer=seen.append)
    assert [len(documents(body)) for body in sorted(provider.sent, key=lambda b: -len(documents(b)))] == [4, 4, 2]
    assert asked.votes == {f"r{i}": int(i == 7) for i in range(10)}
    assert (asked.outcomes.rows, asked.outcomes.answered, asked.outcomes.cached) == (10, 10, 0)
    assert asked.source.name == "cheap/kind"
    assert asked.spent == store.account("r").spent == 3 * CALL_COST
    assert (planned.rows, planned.calls) == (10, 3)
    assert planned.most > planned.likely > 0
    assert seen[-1].done == seen[-1].total == 10
    again = go(tier, store, fake_rows(10))
    assert (again.votes, again.spent, again.outcomes.cached, len(provider.sent)) == (asked.votes, 0, 10, 3)
    assert estimate(fake_rows(10), kind, replace(tier, items=4), store).cached == 3


def test_it_says_the_same_as_asking_one_by_one(store: Store) -> None:
    _, tier = model(lambda answers: next(iter(answers.values())) if len(answers) == 1 else answers)
    rows = [{"id": str(i), "text": f"text {i % 9}"} for i in range(20)]
    many = go(tier, store, rows, items=5)
    assert go(tier, store, rows, items=3).votes == many.votes
    assert many.votes == {str(i): int(i % 9 == 7) for i in range(20)}


def test_equal_rows_are_asked_about_once(store: Store) -> None:
    provider, tier = model()
    asked = go(tier, store, [{"id": str(i), "text": f"text {i % 3}"} for i in range(30)])
    assert len(provider.sent) == 1
    assert len(asked.votes) == 30


spoils = st.sampled_from(["missing", "twice", "unknown", "wrong", "fine"])


@settings(max_examples=25)
@given(st.lists(spoils, min_size=4, max_size=4))
def test_an_item_that_is_missing_twice_or_unclear_abstains_and_the_others_stand(spoilt: list[str]) -> None:
    def change(answers: Answers) -> str:
        parts = []
        for how, (item, answer) in zip(spoilt, answers.items(), strict=True):
            name = "zzzz" if how == "unknown" else item
            value = {"label": "MAYBE"} if how == "wrong" else answer
            parts += [f"{json.dumps(name)}: {json.dumps(value)}"] * {"missing": 0, "twice": 2}.get(how, 1)
        return "{" + ", ".join(parts) + "}"

    _, tier = model(change)
    with TemporaryDirectory() as folder, Store(Path(folder) / "store.db") as store:
        asked = go(tier, store, fake_rows(4))
    reasons = {
        "missing": "no answer for this item",
        "unknown": "no answer for this item",
        "twice": "two answers for this item",
        "wrong": "the answer is not a label",
    }
    for i, how in enumerate(spoilt):
        assert asked.votes[f"r{i}"] == (0 if how == "fine" else ABSTAIN)
        assert asked.reasons.get(f"r{i}", "") == reasons.get(how, "")
    assert asked.outcomes.rows == 4


def test_a_reply_that_is_no_answer_is_the_abstain_of_all_its_rows(store: Store) -> None:
    _, tier = model(lambda _: "I would rather not.")
    asked = go(tier, store, fake_rows(5))
    assert dict(asked.outcomes.abstained) == {"the answer is not JSON": 5}


def test_a_request_that_fails_is_the_failure_of_all_its_rows(store: Store) -> None:
    _, tier = model(lambda answers: Refused("no", retry=False) if len(answers) == 4 else answers)
    rows = [*fake_rows(6), {"id": "bad", "text": "broken"}]
    asked = go(tier, store, rows)
    assert dict(asked.outcomes.failed) == {"no": 4, "the prompt function raised ValueError": 1}
    assert set(asked.votes) == {"r4", "r5"}
    assert asked.outcomes.rows == 7


def test_the_budget_counts_requests(store: Store) -> None:
    provider, tier = model()
    most = estimate(fake_rows(4), kind, replace(tier, items=4)).most
    asked = go(tier, store, fake_rows(12), budget_usd=(most + 9) / 1e6)
    assert len(provider.sent) == 1 + (most - CALL_COST) // most
    assert asked.outcomes.not_asked == 12 - len(asked.votes) > 0
    assert asked.stopped == "budget"


def test_what_cannot_be_asked_together_is_refused(store: Store) -> None:
    _, tier = model()
    with pytest.raises(ConfigError, match="at least 1"):
        go(tier, store, fake_rows(1), items=0)
    with pytest.raises(ConfigError, match="@prompt_function"):
        ask_items(fake_rows(1), Spam(), tier, store, items=2, run="r", budget_usd=1)
    replay = make_tier({"name": "s", "provider": "simulated", "truth": "x.csv", "free": True})
    with pytest.raises(ConfigError, match="only a language model"):
        go(replay, store, fake_rows(1))
    assert ask([], kind, tier, store, run="r", budget_usd=1).votes == {}
