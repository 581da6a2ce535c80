"""Asking several tiers: routing between machines, then people, under caps, resumable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from campaign_world import LABELS, N, accuracy, again, campaign, desk, kind, machine, three, truth

from weaksup.errors import ConfigError
from weaksup.labeling_functions import PromptFunction
from weaksup.labels import ABSTAIN
from weaksup.llm.limits import make_caps
from weaksup.pipeline.purchases import likely_costs
from weaksup.pipeline.team import Team, default_shares
from weaksup.routing.policy import Policy
from weaksup.store import Limits, Store
from weaksup.votes import Source, VoteMatrix


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
    alike: list[Any] = [{**rows[0], "id": str(i)} for i in range(3)]
    assert len(set(likely_costs(alike, prompt, machine(folder, "m", 0.1, 100)))) == 1


def test_no_rows_and_one_row_are_a_campaign_too(folder: Path, store: Store) -> None:
    for n in (0, 1):
        some = campaign(folder, store, *three(folder), desk(folder))
        some.votes = VoteMatrix(np.empty((n, 0), np.int16), tuple(f"r{i}" for i in range(n)), (), LABELS)
        assert len(some.run().labels) == n


def test_a_row_of_which_nobody_says_anything_has_no_label(folder: Path, store: Store) -> None:
    ham, random = truth(folder) == 0, np.random.default_rng(0)
    values = np.stack([np.where(ham & (random.random(N) < 0.3), 0, ABSTAIN) for _ in range(3)], axis=1)
    some = campaign(folder, store, *three(folder), budget=0.0)
    some.votes = VoteMatrix(values.astype(np.int16), some.votes.ids, tuple(Source(f"lf{j}") for j in range(3)), LABELS)
    assert np.array_equal(some.run().labels.covered, (values != ABSTAIN).any(axis=1))
