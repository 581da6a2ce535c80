"""Asking several tiers: routing between machines, then people, under caps, resumable."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from weaksup.corpus import open_corpus
from weaksup.errors import ConfigError
from weaksup.label_models import LabelModel
from weaksup.labeling_functions import PromptFunction, prompt_function
from weaksup.labels import ABSTAIN, LabelSpace, SoftLabels
from weaksup.llm import Tier, make_tier
from weaksup.llm.limits import make_caps
from weaksup.pipeline.campaign import Campaign, Outcome
from weaksup.pipeline.purchases import Purse, likely_costs
from weaksup.pipeline.team import Team, default_shares
from weaksup.routing.policy import Policy
from weaksup.routing.policy_table import read_policy
from weaksup.store import Limits, Store
from weaksup.votes import VoteMatrix

LABELS = LabelSpace(["HAM", "SPAM"])
N = 300


@prompt_function(labels=LABELS)
def kind(x: Any) -> str:
    return "What kind of message is this?"


@prompt_function(labels=LABELS)
def again(x: Any) -> str:
    return "Is this message wanted?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a corpus whose texts tell the label of most rows, and its truth."""
    random = np.random.default_rng(0)
    spam = random.random(N) < 0.4
    words = (
        ["see you at home", "lunch at noon", "call me later"],
        ["win a free prize", "claim your cash", "cheap pills"],
    )
    rows = [
        (f"r{i}", f"{words[int(s)][int(random.integers(3))]} {i}", LABELS.names[int(s)]) for i, s in enumerate(spam)
    ]
    with (tmp_path / "corpus.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("id", "text", "label"), *rows])
    return tmp_path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as opened:
        yield opened


def machine(folder: Path, name: str, error: float, price: float, **more: Any) -> Tier:
    settings = {"name": name, "provider": "simulated", "truth": str(folder / "corpus.csv"), "error_rate": error}
    return make_tier({**settings, "price": {"input": price, "output": price}, **more})


def desk(folder: Path, **more: Any) -> Tier:
    settings = {"name": "desk", "people": str(folder / "questions.csv"), "hourly_rate": 30.0, "items_per_hour": 60}
    return make_tier({**settings, **more})


def fit(votes: VoteMatrix, gold: Any) -> SoftLabels:
    return LabelModel().fit(votes, gold=gold).soft_labels(votes)


def campaign(folder: Path, store: Store, *tiers: Tier, budget: float = 100.0, **how: Any) -> Campaign:
    ids = tuple(f"r{i}" for i in range(N))
    votes = VoteMatrix(np.empty((N, 0), np.int16), ids, (), LABELS)
    corpus = open_corpus(folder / "corpus.csv", id="id")
    team = Team(tiers, kind, how.pop("also", ()))
    purse = Purse(store, "run", Decimal(str(budget)), how.pop("limits", Limits()))
    return Campaign(votes, corpus, team, purse, fit, **how)


def truth(folder: Path) -> np.ndarray:
    with (folder / "corpus.csv").open(newline="") as file:
        return np.array([LABELS.names.index(row["label"]) for row in csv.DictReader(file)])


def accuracy(found: Outcome, folder: Path) -> float:
    return float((found.labels.hard() == truth(folder)).mean())


def answer(folder: Path) -> int:
    """Let people answer all that waits for them, rightly."""
    table, right = folder / "questions.csv", truth(folder)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["label"] = LABELS.names[right[int(row["id"][1:])]]
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def three(folder: Path) -> tuple[Tier, ...]:
    return machine(folder, "cheap", 0.2, 1), machine(folder, "middle", 0.1, 10), machine(folder, "premium", 0.0, 100)


def test_tiers_are_asked_where_they_are_needed_and_labels_are_better_than_the_cheap_ones(
    folder: Path, store: Store
) -> None:
    found = campaign(folder, store, *three(folder)).run()
    cheap, premium = found.asked[0], found.asked[-1]
    assert premium.source.name == "SIMULATED premium/kind"
    assert premium.outcomes.rows <= N // 10 < cheap.outcomes.rows
    assert accuracy(found, folder) > 0.93
    assert sum(asked.spent for asked in found.asked) == store.account("run").spent


def test_the_same_campaign_again_pays_nothing_and_says_the_same(folder: Path, store: Store) -> None:
    one = campaign(folder, store, *three(folder)).run()
    paid = store.account("run").spent
    two = campaign(folder, store, *three(folder)).run()
    assert store.account("run").spent == paid
    assert sum(asked.spent for asked in two.asked) == 0
    assert np.array_equal(one.labels.proba, two.labels.proba)
    assert [a.outcomes.answered for a in one.asked] == [a.outcomes.answered for a in two.asked]


def test_an_interruption_loses_nothing_that_was_paid(folder: Path, store: Store) -> None:
    seen = 0

    def stop(_step: str, _done: int, _total: int | None) -> None:
        nonlocal seen
        seen += 1
        if seen == 80:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        campaign(folder, store, *three(folder), watch=stop).run()
    paid = store.account("run")
    assert paid.calls > 0
    assert paid.held == 0
    found = campaign(folder, store, *three(folder)).run()
    with Store(folder / "other.db") as fresh:
        whole = campaign(folder, fresh, *three(folder)).run()
        assert store.account("run").spent == fresh.account("run").spent
    assert np.array_equal(found.labels.proba, whole.labels.proba)


@pytest.mark.parametrize("budget", [0.0, 0.002, 0.02])
def test_a_budget_is_never_passed_and_every_row_has_a_label_or_none(folder: Path, store: Store, budget: float) -> None:
    found = campaign(folder, store, *three(folder), budget=budget).run()
    assert store.account("run").spent <= budget * 1e6
    assert [asked.stopped for asked in found.asked][-1] == "budget"
    assert found.labels.proba.shape == (N, 2)


def test_calls_are_capped_too(folder: Path, store: Store) -> None:
    found = campaign(folder, store, *three(folder), limits=Limits(make_caps(calls=25))).run()
    assert store.account("run").calls == 25
    assert any("the cap on calls of the run is reached" in asked.notes for asked in found.asked)


def test_people_get_the_rows_in_doubt_and_what_they_say_stays(folder: Path, store: Store) -> None:
    team = (*three(folder)[:2], desk(folder, share=0.05))
    found = campaign(folder, store, *team).run()
    people = found.asked[-1]
    assert people.source.kind == "person"
    assert found.queue is not None
    assert 0 < len(found.queue) <= 15
    assert sum(people.outcomes.failed.values()) == len(found.queue)  # they wait
    assert answer(folder) == len(found.queue)
    after = campaign(folder, store, *team).run()
    bought = next(asked for asked in after.asked if asked.source.kind == "person")
    assert len(bought.votes) >= len(found.queue)
    rows = [after.votes.ids.index(name) for name in bought.votes]
    assert (after.labels.hard()[rows] == truth(folder)[rows]).all()
    assert store.account("run").seconds == 60 * bought.outcomes.answered
    assert any(pair.rows for pair in after.agreement.final)


def test_the_queue_fits_the_minutes_that_people_have(folder: Path, store: Store) -> None:
    tiers = (machine(folder, "cheap", 0.4, 1), machine(folder, "middle", 0.3, 10), desk(folder))
    found = campaign(folder, store, *tiers, limits=Limits(make_caps(people_minutes=7))).run()
    assert found.queue is not None
    assert len(found.queue) == 7
    answer(folder)
    again = campaign(folder, store, *tiers, limits=Limits(make_caps(people_minutes=7))).run()
    assert store.account("run").seconds == 420
    assert again.queue is not None
    assert len(again.queue) == 0


def test_rules_and_the_audit_send_rows_to_people_that_nobody_doubts(folder: Path, store: Store) -> None:
    table = {"always": [{"field": "text", "contains": "cheap pills"}], "audit": 0.1, "below": {"desk": 0.0}}
    policy = read_policy(table, tiers=["cheap", "premium", "desk"], labels=LABELS)
    team = (machine(folder, "cheap", 0.0, 1), machine(folder, "premium", 0.0, 10), desk(folder, share=1.0))
    found = campaign(folder, store, *team, policy=policy).run()
    assert found.queue is not None
    assert found.queue.sizes["always"] > 10
    assert found.queue.sizes["audit"] > 5
    assert found.queue.sizes["doubt"] == 0
    answer(folder)
    audit = campaign(folder, store, *team, policy=policy).run().audit
    assert audit is not None
    assert audit.accuracy == 1.0


def test_with_one_machine_the_label_model_has_the_last_word_and_people_follow(folder: Path, store: Store) -> None:
    team = (machine(folder, "only", 0.0, 1, share=0.5), desk(folder, share=0.02))
    found = campaign(folder, store, *team).run()
    assert [asked.outcomes.rows for asked in found.asked] == [150, 6]
    assert found.queue is not None
    answer(folder)
    after = campaign(folder, store, *team).run()
    rows = [i for i, name in enumerate(after.votes.ids) if name in {r for a in after.asked[:1] for r in a.votes}]
    assert (after.labels.hard()[rows] == truth(folder)[rows]).all()


def test_another_prompt_is_a_signal_of_the_first_tier(folder: Path, store: Store) -> None:
    tiers = (machine(folder, "cheap", 0.2, 1), machine(folder, "premium", 0.0, 100))
    found = campaign(folder, store, *tiers, also=(again,)).run()
    names = [asked.source.name for asked in found.asked]
    assert names == ["SIMULATED cheap/kind", "SIMULATED cheap/again", "SIMULATED premium/kind"]
    assert found.asked[0].outcomes.rows == found.asked[1].outcomes.rows


def test_gold_is_used_where_it_is_known(folder: Path, store: Store) -> None:
    gold = np.where(np.arange(N) < 40, 1 - truth(folder), ABSTAIN).astype(np.int64)
    found = campaign(folder, store, *three(folder), gold=gold).run()
    assert (found.labels.hard()[:40] == gold[:40]).all()


def test_a_policy_keeps_a_dear_tier_for_the_labels_that_matter(folder: Path, store: Store) -> None:
    policy = Policy(below={"premium": 0.0}, seed=1)
    found = campaign(folder, store, *three(folder), policy=policy).run()
    asked = {one.source.name: one.outcomes.rows for one in found.asked}
    assert asked.get("SIMULATED premium/kind", 0) <= 5  # the probe alone


def test_teams_that_cannot_be_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="expected one tier of people at most"):
        Team((desk(folder), desk(folder, name="other")), kind)
    with pytest.raises(ConfigError, match="needs at least two tiers"):
        Team((machine(folder, "only", 0.1, 1),), kind, (again,))


def test_shares_are_a_tenth_for_the_last_machine_and_people_unless_set(folder: Path) -> None:
    tiers = (machine(folder, "a", 0.1, 1), machine(folder, "b", 0.1, 2), desk(folder))
    assert default_shares(tiers) == {"SIMULATED a": 1.0, "SIMULATED b": 0.1, "desk": 0.1}
    set_ones = (machine(folder, "a", 0.1, 1, share=0.3), machine(folder, "b", 0.1, 2, share=0.5))
    assert default_shares(set_ones) == {"SIMULATED a": 0.3, "SIMULATED b": 0.5}


def test_likely_costs_follow_the_length_of_the_text(folder: Path) -> None:
    rows: list[Any] = [{"id": str(i), "text": "word " * (i + 1)} for i in range(50)]
    prompt: PromptFunction = kind
    costs = likely_costs(rows, prompt, machine(folder, "m", 0.1, 100))
    assert (np.diff(costs) > 0).all()
    assert len(set(likely_costs([rows[0]] * 3, prompt, machine(folder, "m", 0.1, 100)))) == 1
