"""Plans: what is likely is what is charged, what is high is never passed, and nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults.asker import Spam, fake_tier
from faults.fakeprov import FakeProvider, fake_provider

from weaksup.errors import UsageError
from weaksup.labeling_functions import prompt_function
from weaksup.labels import LabelSpace, SoftLabels
from weaksup.llm import Retries, Tier, ask, make_tier
from weaksup.pipeline.plan.making import make_plan
from weaksup.routing.plan import Plan
from weaksup.store import Caps, Store
from weaksup.votes import Source, VoteMatrix

LABELS = LabelSpace(["HAM", "SPAM"])
N = 60
SCRIPTS = ("a parcel that never came", "посылка не пришла вовремя", "包裹没有按时到达", "🎉📦 ok")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as opened:
        yield opened


@prompt_function(labels=LABELS)
def kind(x: Any) -> str:
    return "What kind of message is this?"


def make_rows(n: int = N) -> list[dict[str, str]]:
    """Rows in several scripts, of very different lengths."""
    return [{"id": f"r{i}", "text": f"{i} " + SCRIPTS[i % 4] * (1 + i % 13)} for i in range(n)]


def make_votes(n: int = N, *, labels: LabelSpace = LABELS) -> tuple[VoteMatrix, SoftLabels]:
    """Two thirds of the rows are in doubt, more and more."""
    doubt = np.linspace(0, 0.5, n) * (np.arange(n) % 3 > 0)
    ids = tuple(f"r{i}" for i in range(n))
    votes = np.column_stack([np.zeros(n), np.where(doubt > 0.3, 1, 0)]).astype(np.int16)
    proba = np.column_stack([1 - doubt, doubt])
    return (
        VoteMatrix(votes, ids, (Source("one"), Source("two")), labels),
        SoftLabels(ids, proba, np.ones(n, np.bool_), labels),
    )


def plan_for(*tiers: Tier, store: Store | None = None, rows: Any = None, **settings: Any) -> Plan:
    """Plan for the rows above."""
    votes, soft = make_votes()
    return make_plan(votes, soft, rows or make_rows(), kind, tiers=tiers, store=store, **settings)


def buy(plan: Plan, tier: Tier, store: Store, *, run: str = "ask", budget: float = 100) -> int:
    """Ask the rows of a plan's first tier; return what that cost."""
    wanted = set(plan.chosen[plan.tiers[0].source])
    rows = [row for row in make_rows() if row["id"] in wanted]
    patient = Retries(first_wait=0.001, longest_backoff=0.002, in_a_row=10**6)
    return ask(rows, kind, tier, store, run=run, budget_usd=budget, retries=patient).spent


def warm(tier: Tier, store: Store, n: int = 24) -> None:
    """Ask some rows before."""
    ask(make_rows()[:n], kind, tier, store, run="before", budget_usd=100)


def tier_at(server: FakeProvider, **settings: Any) -> Tier:
    return fake_tier(server.base_url, share=1.0, **settings)


def test_with_stored_answers_the_likely_cost_is_the_servers_bill(store: Store) -> None:
    with fake_provider() as server:
        tier = tier_at(server)
        warm(tier, store)
        before = server.billed
        plan = plan_for(tier, store=store)
        calls = server.calls
        assert plan.tiers[0].basis == "measured on 24 answers"
        spent = buy(plan, tier, store)
        assert server.billed - before == spent
        assert server.calls - calls == plan.calls
        assert spent == pytest.approx(plan.cost.likely, rel=0.01)
        assert plan.cost.low <= spent <= plan.cost.high


def test_without_any_answer_the_likely_cost_is_near_and_said_to_be_assumed(store: Store) -> None:
    with fake_provider() as server:
        plan = plan_for(tier_at(server), store=store)
        assert plan.tiers[0].basis == "assumed from the length of the text"
        assert plan.tiers[0].accuracy_basis == "assumed from its place"
        assert server.calls == 0
        spent = buy(plan, tier_at(server), store)
        assert spent == pytest.approx(plan.cost.likely, rel=0.1)
        assert plan.cost.low <= spent <= plan.cost.high


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_provider_does_high_is_not_passed(store: Store, seed: int) -> None:
    faults = ("ok", "hangup", "500", "429:0", "truncated", "empty", "503", "no_usage")
    draw = np.random.default_rng(seed)
    sequence = draw.choice(faults, 4000).tolist()
    with fake_provider(faults=lambda number: sequence[number]) as server:
        tier = tier_at(server, max_tokens=30)
        plan = plan_for(tier, store=store)
        spent = buy(plan, tier, store)
        assert max(spent, server.billed) <= plan.cost.high


def test_high_is_reached_where_every_call_is_lost(store: Store) -> None:
    with fake_provider(faults=lambda _: "hangup") as server:
        tier = tier_at(server)
        plan = plan_for(tier, store=store, shares={"cheap": 1.0})
        assert buy(plan, tier, store) <= plan.cost.high
        assert store.account("ask").spent > 0.6 * plan.cost.high  # the dearest rows are not those in doubt


def test_nothing_is_above_the_budget_and_what_the_run_spent_before_counts(store: Store) -> None:
    with fake_provider() as server:
        tier = tier_at(server)
        warm(tier, store)
        plan = plan_for(tier, store=store, caps=Caps(cost=5000))
        assert plan.cost.likely <= plan.cost.high == 5000 == plan.budget
        assert 0 < plan.limits["cheap/kind"] < 36
        spent = buy(plan, tier, store, budget=0.005)
        assert spent == pytest.approx(plan.cost.likely, rel=0.1)
        again = plan_for(tier, store=store, caps=Caps(cost=5000))
        assert again.budget == 5000 - spent
        assert plan_for(tier, store=store, run="other", caps=Caps(cost=5000)).budget == 5000
        assert plan_for(tier, store=store, run="other", day=Caps(cost=50_000)).budget == 50_000 - server.billed


def test_stored_answers_are_free_and_are_counted() -> None:
    with fake_provider() as server:
        plan = plan_for(tier_at(server), caps=Caps(cost=0))
        assert (plan.calls, plan.cost.high, plan.limits) == (0, 0, {plan.tiers[0].source: 0})


def test_a_plan_for_what_was_bought_costs_nothing(store: Store) -> None:
    with fake_provider() as server:
        tier = tier_at(server)
        first = plan_for(tier, store=store)
        buy(first, tier, store)
        plan = plan_for(tier, store=store, caps=Caps(cost=0), run="next")
        assert plan.cached == plan.tiers[0].rows == first.tiers[0].rows > 0
        assert (plan.calls, plan.cost.likely) == (0, 0)
        assert plan.errors_after == pytest.approx(first.errors_after)


def test_rows_that_a_tier_has_answered_are_not_asked_again_and_tell_how_good_it_is() -> None:
    votes, soft = make_votes()
    tier = fake_tier("http://127.0.0.1:9/v1", share=1.0)
    answered = {f"r{i}": 0 for i in range(40)}
    more = votes.with_source(Source("cheap/kind", "tier"), answered)
    plan = make_plan(more, soft, make_rows(), kind, tiers=[tier])
    assert set(plan.chosen["cheap/kind"]).isdisjoint(answered)
    assert plan.tiers[0].accuracy == pytest.approx(soft.proba[:40, 0].mean())
    assert plan.tiers[0].accuracy_basis == "estimated by the label model from 40 answers"
    few = votes.with_source(Source("cheap/kind", "tier"), {f"r{i}": 0 for i in range(29)})
    assert make_plan(few, soft, make_rows(), kind, tiers=[tier]).tiers[0].accuracy_basis == "assumed from its place"


def test_slices_tiers_and_totals_add_up() -> None:
    with fake_provider() as server:
        cheap, good = tier_at(server), tier_at(server, name="good", model="big", price={"input": 10, "output": 20})
        plan = plan_for(cheap, good, caps=Caps(cost=60_000))
    json = plan.to_json()
    assert sum(part["rows"] for part in json["slices"]) == json["rows"] == N
    for tier in plan.tiers:
        assert sum(part.asked[tier.source] for part in plan.slices) == pytest.approx(tier.rows)
        assert tier.rows <= tier.limit + 1e-6 <= N + 1e-6
        assert tier.cost.low <= tier.cost.likely <= tier.cost.high
    assert sum(part.likely for part in plan.slices) == pytest.approx(plan.cost.likely)
    for what in ("errors_before", "errors_after", "flips"):
        assert sum(part[what] for part in json["slices"]) == pytest.approx(json[what])
    before, after = plan.accuracy
    assert 0 < before < after < 1
    assert json["next_dollar"]["errors"] >= 0


def test_the_next_dollar_is_what_a_plan_with_one_more_dollar_gains() -> None:
    dear = fake_tier("http://127.0.0.1:9/v1", share=1.0, price={"input": 200, "output": 800})
    poor, richer = (plan_for(dear, caps=Caps(cost=cost)) for cost in (1_000_000, 2_000_000))
    assert poor.next_dollar.errors == pytest.approx(poor.errors_after - richer.errors_after)
    assert poor.next_dollar.flips == pytest.approx(richer.flips - poor.flips)
    assert poor.next_dollar.spent == pytest.approx(richer.cost.likely - poor.cost.likely)
    assert poor.next_dollar.errors_a_dollar > 0
    rich = plan_for(dear, caps=Caps(cost=10**9))
    assert rich.next_dollar.errors == pytest.approx(0, abs=1e-3)


def test_without_a_budget_the_plan_says_what_budgets_buy() -> None:
    plan = plan_for(fake_tier("http://127.0.0.1:9/v1", share=1.0))
    errors = [point.errors for point in plan.curve]
    assert errors[0] == plan.errors_before
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == pytest.approx(plan.errors_after, rel=0.01)
    assert plan.curve[-1].budget == pytest.approx(plan.cost.likely, rel=0.01)


def test_several_rows_a_request_and_samples_are_planned_as_they_are_asked(store: Store) -> None:
    with fake_provider(label=lambda _: "HAM") as server:  # which says nothing of items, but is charged
        for settings in ({"items": 5}, {"samples": 3, "params": {"temperature": 0.7}}):
            tier = tier_at(server, **settings)
            before, calls = server.billed, server.calls
            plan = plan_for(tier, store=store, run=f"{settings}")
            spent = buy(plan, tier, store, run=f"{settings}")
            assert server.calls - calls == pytest.approx(plan.calls, abs=1)
            assert spent == server.billed - before
            assert spent <= plan.cost.high
            assert spent == pytest.approx(plan.cost.likely, rel=0.1 if "samples" in settings else 0.35)


def test_people_cost_time_which_has_a_cap_of_its_own(tmp_path: Path) -> None:
    desk = make_tier(
        {"name": "desk", "people": "q.csv", "hourly_rate": 30, "items_per_hour": 60, "share": 1.0}, folder=tmp_path
    )
    plan = plan_for(desk, caps=Caps(seconds=600))
    assert plan.tiers[0].rows == 10
    assert plan.people_minutes == 10
    assert plan.cost.low == plan.cost.likely == 5_000_000
    assert (plan.tiers[0].accuracy, plan.tiers[0].basis) == (0.97, "stated by the tier")
    assert not list(tmp_path.iterdir())


def test_equal_requests_are_paid_once(store: Store) -> None:
    rows = [{"id": row["id"], "text": f"text {i // 3}"} for i, row in enumerate(make_rows())]
    with fake_provider() as server:
        plan = plan_for(tier_at(server), store=store, rows=rows)
        wanted = set(plan.chosen[plan.tiers[0].source])
        asked = ask([r for r in rows if r["id"] in wanted], kind, tier_at(server), store, run="ask", budget_usd=9)
        assert plan.calls == server.calls < len(wanted)
        assert asked.spent == pytest.approx(plan.cost.likely, rel=0.1)


def test_a_second_prompt_for_the_first_tier_costs_as_much_again() -> None:
    @prompt_function(labels=LABELS)
    def again(x: Any) -> str:
        return "What kind of message is this?"

    tiers = [fake_tier("http://127.0.0.1:9/v1", share=1.0), fake_tier("http://127.0.0.1:9/v1", name="b", share=0.01)]
    one, two = plan_for(*tiers), plan_for(*tiers, also=[again])
    assert two.tiers[0].cost.likely == pytest.approx(2 * one.tiers[0].cost.likely)
    assert two.tiers[0].limit == one.tiers[0].limit


def test_rows_whose_prompt_fails_are_left_out_and_named() -> None:
    @prompt_function(labels=LABELS)
    def picky(x: Any) -> str:
        return {"0": "a question"}.get(x.text[0]) or str(1 // (int(x.id[1:]) % 5))

    votes, soft = make_votes()
    plan = make_plan(votes, soft, make_rows(), picky, tiers=[fake_tier("http://127.0.0.1:9/v1", share=1.0)])
    assert "prompt function failed on 11 rows" in plan.notes[0]
    assert all(int(name[1:]) % 5 for name in plan.chosen["cheap/picky"])


def test_more_than_two_labels_more_doubt_than_a_half_and_nothing_to_ask() -> None:
    n, labels = 40, LabelSpace([f"L{i}" for i in range(6)])
    ids = tuple(f"r{i}" for i in range(n))
    votes = VoteMatrix(np.full((n, 1), -1, np.int16), ids, (Source("one"),), labels)
    proba = np.full((n, 6), 1 / 6)
    prompt = replace(kind, labels=labels)
    tier = fake_tier("http://127.0.0.1:9/v1", share=1.0)
    plan = make_plan(votes, SoftLabels(ids, proba, votes.covered, labels), make_rows(n), prompt, tiers=[tier])
    assert plan.errors_before == pytest.approx(n * 5 / 6)
    assert plan.errors_after == pytest.approx(n * 0.1)
    sure = SoftLabels(ids, np.eye(6)[np.zeros(n, int)], votes.covered, labels)
    still = make_plan(votes, sure, make_rows(n), prompt, tiers=[tier])
    assert (still.cost.high, still.calls, still.curve) == (0, 0, ())
    assert "no row is in doubt" in still.notes[0]
    nobody = make_plan(votes, sure, make_rows(n), prompt, tiers=[])
    assert (nobody.tiers, nobody.limits) == ((), {})


def test_wrong_use_is_said_in_one_line() -> None:
    votes, soft = make_votes()
    tier = fake_tier("http://127.0.0.1:9/v1")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"accuracy": {"nobody": 0.5}}, "got {'nobody': 0.5}"),
        ({"accuracy": {"cheap": 1.5}}, "from 0 to 1"),
        ({"shares": {"nobody": 0.5}}, 'got one of "nobody"'),
    ]
    for settings, word in wrong:
        with pytest.raises(UsageError, match=word):
            make_plan(votes, soft, make_rows(), kind, tiers=[tier], **settings)
    with pytest.raises(UsageError, match='without row "r50"'):
        make_plan(votes, soft, make_rows(50), kind, tiers=[tier])
    with pytest.raises(UsageError, match="an id twice"):
        make_plan(votes, soft, [*make_rows(), make_rows()[0]], kind, tiers=[tier])


def test_a_prompt_without_items_needs_no_more_than_the_protocol() -> None:
    votes, soft = make_votes()
    plan = make_plan(votes, soft, make_rows(), Spam(), tiers=[fake_tier("http://127.0.0.1:9/v1", share=0.5)])
    assert plan.limits == {"cheap/spam": 30}
