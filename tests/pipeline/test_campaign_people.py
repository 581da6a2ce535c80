"""People in a campaign: what they say stays, costs no machine anything, and is told in the audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from campaign_world import LABELS, answer, by_name, campaign, desk, machine, three, truth

from weaksup.labeling_functions import prompt_function
from weaksup.llm.limits import make_caps
from weaksup.pipeline.campaign import Outcome
from weaksup.pipeline.team import Team
from weaksup.routing.policy_table import read_policy
from weaksup.store import Limits, Store


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


def test_what_people_answer_sends_no_machine_to_other_rows(folder: Path, store: Store) -> None:
    team = (machine(folder, "cheap", 0.3, 1), machine(folder, "premium", 0.05, 100), desk(folder, share=0.05))
    one = by_name(campaign(folder, store, *team).run())
    answer(folder)
    two = by_name(campaign(folder, store, *team).run())
    for name in ("SIMULATED cheap/kind", "SIMULATED premium/kind"):
        assert two[name].spent == 0
        assert two[name].votes == one[name].votes


def test_people_who_have_not_answered_yet_change_no_label(folder: Path, store: Store) -> None:
    machines = (machine(folder, "cheap", 0.3, 1), machine(folder, "premium", 0.05, 100))
    idle = campaign(folder, store, *machines, desk(folder, share=0.05)).run()
    assert idle.queue is not None
    assert len(idle.queue) == 15
    assert np.array_equal(campaign(folder, store, *machines).run().labels.hard(), idle.labels.hard())


def test_a_cap_on_peoples_minutes_keeps_no_machine_from_being_asked(folder: Path, store: Store) -> None:
    team = (machine(folder, "cheap", 0.4, 1), machine(folder, "middle", 0.3, 10), desk(folder))
    campaign(folder, store, *team).run()
    assert answer(folder) == 30
    with Store(folder / "other.db") as fresh:
        found = by_name(campaign(folder, fresh, *team, limits=Limits(make_caps(people_minutes=5))).run())
    assert found["desk/kind"].outcomes.answered == 5
    assert found["SIMULATED cheap/kind"].outcomes.answered > 200


def test_what_people_answered_counts_though_the_money_for_machines_is_gone(folder: Path, store: Store) -> None:
    team = (*three(folder)[:2], desk(folder, share=0.05))
    campaign(folder, store, *team).run()
    n = answer(folder)
    campaign(folder, store, *team).run()
    dearer = (machine(folder, "cheap", 0.2, 1, model="newer"), team[1], team[2])  # its answers are not paid for yet
    paid = store.account("run").spent
    found = by_name(campaign(folder, store, *dearer, budget=paid / 1e6).run())
    assert found["SIMULATED cheap/kind"].stopped == "budget"
    assert found["desk/kind"].outcomes.answered == n


def test_the_audit_judges_labels_that_neither_gold_nor_people_gave(folder: Path, store: Store) -> None:
    policy = read_policy({"audit": 0.5, "below": {"desk": 0.0}}, tiers=["cheap", "premium", "desk"], labels=LABELS)
    team = (machine(folder, "cheap", 0.0, 1), machine(folder, "premium", 0.0, 10), desk(folder, share=1.0))
    wrong = (1 - truth(folder)).astype(np.int64)  # gold that no machine follows
    campaign(folder, store, *team, policy=policy, gold=wrong).run()
    assert answer(folder) > 100
    audit = campaign(folder, store, *team, policy=policy, gold=wrong).run().audit
    assert audit is not None
    assert audit.accuracy == 1.0


def test_the_queue_fits_the_day_and_the_share_that_people_set_too(folder: Path, store: Store) -> None:
    machines = (machine(folder, "cheap", 0.4, 1), machine(folder, "middle", 0.3, 10))

    def queued(limits: Limits, **settings: Any) -> int:
        found = campaign(folder, store, *machines, desk(folder, **settings), limits=limits).run()
        assert found.queue is not None
        return len(found.queue)

    seven, four = make_caps(people_minutes=7), make_caps(people_minutes=4)
    assert queued(Limits(seven, four)) == 4
    assert queued(Limits(make_caps(), four)) == 4
    assert queued(Limits(seven), share=0.01) == 3
    assert queued(Limits(seven), share=0.5) == 7


def test_a_word_that_is_no_label_keeps_its_place_until_it_is_mended(folder: Path, store: Store) -> None:
    team = (machine(folder, "cheap", 0.4, 1), machine(folder, "middle", 0.3, 10), desk(folder))
    caps = Limits(make_caps(people_minutes=6))
    campaign(folder, store, *team, limits=caps).run()
    table = folder / "questions.csv"
    table.write_text(table.read_text().replace("HAM | SPAM,,", "HAM | SPAM,nonsense,"))
    waiting = campaign(folder, store, *team, limits=caps).run()
    assert waiting.queue is not None
    assert len(waiting.queue) == 0  # no new question goes out while six wait
    answer(folder)
    mended = campaign(folder, store, *team, limits=caps).run()
    people = next(asked for asked in mended.asked if asked.source.kind == "person")
    assert people.outcomes.answered == 6
    assert store.account("run").seconds == 360


def test_a_prompt_that_fails_on_some_rows_does_not_end_a_campaign_with_people(folder: Path, store: Store) -> None:
    @prompt_function(labels=LABELS)
    def picky(x: Any) -> str:
        if x.id == "r3":
            raise ValueError("not this one")
        return "What is it?"

    made = campaign(folder, store, machine(folder, "cheap", 0.2, 1), machine(folder, "good", 0.0, 9), desk(folder))
    made.team = Team(made.team.tiers, picky)
    found = made.run()
    assert "the prompt function raised ValueError" in {r for asked in found.asked for r in asked.outcomes.failed}


def test_a_tight_budget_gives_the_same_rows_again(folder: Path, store: Store) -> None:
    tiers = (machine(folder, "cheap", 0.2, 1), machine(folder, "good", 0.0, 9))

    def run() -> Outcome:
        made = campaign(folder, store, *tiers)
        made.limits = {"SIMULATED cheap/kind": 60, "SIMULATED good/kind": 5}
        return made.run()

    one, two = run(), run()
    assert sum(asked.spent for asked in two.asked) == 0
    assert np.array_equal(one.votes.values, two.votes.values)
