"""The golden set as a gate: what is recorded, what is refused, what an interruption and a new set do."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from golden_project import GoldenProject, make_golden_project
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_model import CALL_COST, scripted

from weaksup.errors import BudgetError, ConfigError, ProviderError, ShortfallError, UsageError
from weaksup.llm import Asked, ask
from weaksup.pipeline.golden import answers as golden_answers
from weaksup.pipeline.golden import check_in_use, open_store, prepare_evaluation
from weaksup.pipeline.golden.report import Report

STAFF = '[[tiers]]\nname = "staff"\npeople = "q.csv"\nhourly_rate = 20\nitems_per_hour = 60\n'


def _evaluate(made: GoldenProject, *, accept_worse: bool = False, budget: str = "0.5") -> Report:
    project = made.load()
    with open_store(project) as store:
        return prepare_evaluation(project).run(store, budget_usd=Decimal(budget), accept_worse=accept_worse)


def _kinds(report: Report) -> dict[str, str]:
    return {change.name: change.kind for change in report.changes}


@pytest.fixture
def made(tmp_path: Path) -> GoldenProject:
    return make_golden_project(tmp_path / "p")


@given(before=st.sets(st.integers(0, 23), max_size=8), now=st.sets(st.integers(0, 23), max_size=8))
@settings(max_examples=6)
def test_a_tier_is_refused_exactly_when_fewer_rows_are_right(
    before: set[int], now: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = make_golden_project(tmp_path_factory.mktemp("law"), rows=24, tiers=("cheap",))
    made.answer("cheap", wrong=before)
    _evaluate(made)
    made.answer("cheap", wrong=now)
    report = _evaluate(made)
    change = report.changes[0]
    assert (change.kind == "worse") == (len(now) > len(before))
    assert change.paired is not None
    assert (change.paired.before, change.paired.now) == (24 - len(before), 24 - len(now))
    assert (change.paired.before_only, change.paired.now_only) == (len(now - before), len(before - now))
    recorded = made.record["tiers"]["cheap"]["hits"]
    worse = any(one.kind == "worse" for one in report.changes)
    assert recorded == (24 - len(before) if worse else 24 - len(now))


def test_the_first_evaluation_records_scores_and_what_made_them(made: GoldenProject) -> None:
    made.answer("cheap", wrong=range(6), silent=[7, 8])
    report = _evaluate(made)
    cheap = report.tiers["cheap"]
    assert (cheap.rows, cheap.answered, cheap.abstained, cheap.failed, cheap.hits) == (60, 58, 2, 0, 52)
    assert cheap.accuracy_of_answered == pytest.approx(52 / 58)
    assert cheap.cost_per_1000 == pytest.approx(0.1)
    assert set(_kinds(report).values()) == {"first"}
    assert made.record["tiers"]["cheap"]["hits"] == 52
    assert made.record["routing"]["hits"] == report.routing.hits
    assert (made.folder / "golden.json").stat().st_size < 4000


def test_an_evaluation_again_costs_nothing_and_changes_nothing(made: GoldenProject) -> None:
    assert _evaluate(made).spent == 60 * (100 + 1000)
    before = (made.folder / "golden.json").read_bytes()
    again = _evaluate(made, budget="0.066")
    assert (again.spent, again.recorded, set(_kinds(again).values())) == (0, None, {"same"})
    assert (made.folder / "golden.json").read_bytes() == before


def test_routing_buys_the_dear_answers_only_where_they_count_and_is_charged_for_them(made: GoldenProject) -> None:
    made.answer("cheap", wrong=range(0, 60, 12))
    report = _evaluate(made)
    asked = report.routed.asked
    assert asked["premium"] <= 12
    assert report.routed.cost == pytest.approx(asked["cheap"] * 100 + asked["premium"] * 1000)
    assert report.routing.hits >= report.tiers["cheap"].hits


def test_nothing_is_recorded_where_one_thing_is_worse_and_the_old_state_is_in_use_again_when_it_is_back(
    made: GoldenProject,
) -> None:
    _evaluate(made)
    before = made.record
    made.answer("cheap", wrong=range(20))
    made.edit("share = 0.2", "share = 0.25")
    report = _evaluate(made)
    assert _kinds(report)['tier "cheap"'] == "worse"
    assert report.recorded is None
    assert "60 of 60 right before, 40 now (20 lost, 0 gained), -33.3 points" in report.refused[0]
    assert made.record == before
    made.answer("cheap")
    made.edit("share = 0.25", "share = 0.2")
    assert set(_kinds(_evaluate(made)).values()) == {"same"}


def test_what_is_worse_is_recorded_when_told_to_and_stays_marked(made: GoldenProject) -> None:
    _evaluate(made)
    made.answer("cheap", wrong=range(20))
    assert _evaluate(made, accept_worse=True).recorded is not None
    assert made.record["tiers"]["cheap"]["worse"] is True
    assert made.record["tiers"]["cheap"]["hits"] == 40
    made.edit("hello", "hullo", "lfs.py")
    _evaluate(made, accept_worse=True)
    assert made.record["tiers"]["cheap"]["worse"] is True
    made.answer("cheap", wrong=range(10))
    _evaluate(made, accept_worse=True)
    assert made.record["tiers"]["cheap"]["worse"] is False


@pytest.mark.parametrize(("tolerance", "refused"), [("0.04", True), ("0.05", False)])
def test_a_tolerance_lets_a_small_loss_pass(made: GoldenProject, tolerance: str, refused: bool) -> None:
    made.edit("budget_usd = 0.5", f"budget_usd = 0.5\ntolerance = {tolerance}")
    _evaluate(made)
    made.answer("cheap", wrong=[0, 1, 2])  # 3 of 60
    assert (_kinds(_evaluate(made))['tier "cheap"'] == "worse") is refused


@pytest.mark.parametrize(
    ("before", "after", "file", "says"),
    [
        ("kind of message", "sort of message", "prompts.py", ['tier "cheap" changed since it was accepted (prompt)']),
        ("unwanted offer", "offer", "lfs.py", ['tier "cheap" changed since it was accepted (labels)']),
        ('model = "cheap"', 'model = "premium"\nprompt_id = "a"', "weaksup.toml", ["replay/cheap -> replay/premium"]),
        ('"cash", ', "", "lfs.py", ["routing changed since it was accepted (labeling functions)"]),
        ("share = 0.2", "share = 0.3", "weaksup.toml", ["routing changed", "order and terms of the tiers"]),
        ("[golden]", '[label_model]\nname = "majority"\n[golden]', "weaksup.toml", ["label model default -> majority"]),
        ('name = "cheap"', 'name = "other"', "weaksup.toml", ['tier "other" is new and was not accepted yet']),
    ],
)
def test_what_is_not_what_was_accepted_is_named(
    made: GoldenProject, before: str, after: str, file: str, says: list[str]
) -> None:
    _evaluate(made)
    assert check_in_use(made.load()) is None
    if "premium" in after:
        (made.folder / "cheap.jsonl").write_text((made.folder / "premium.jsonl").read_text())
    made.edit(before, after, file)
    line = check_in_use(made.load())
    assert line is not None
    assert "\n" not in line
    assert line.endswith("run `weaksup evaluate`")
    for part in says:
        assert part in line


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("share = 0.2", "share = 0.2\nconcurrency = 2"),
        ("[golden]", "[student]\nseed = 3\n[golden]"),
        ("budget_usd = 0.5", "budget_usd = 0.7"),
        ("[ask]\nbudget_usd = 1.0", "[ask]\nbudget_usd = 2.0"),
    ],
)
def test_what_changes_no_label_is_no_change(made: GoldenProject, before: str, after: str) -> None:
    _evaluate(made)
    made.edit(before, after)
    assert check_in_use(made.load()) is None


def test_nothing_is_checked_without_a_golden_section_and_nothing_is_in_use_before_the_first_evaluation(
    made: GoldenProject,
) -> None:
    line = check_in_use(made.load())
    assert line is not None
    assert "nothing was accepted yet" in line
    made.edit('[golden]\npath = "golden.csv"\nbudget_usd = 0.5\n', "")
    assert check_in_use(made.load()) is None


def test_the_same_settings_with_other_answers_are_compared_too(made: GoldenProject) -> None:
    """A model can change behind its name: here, the store is lost and the answers are asked for again."""
    made.edit("budget_usd = 0.5", "budget_usd = 5")
    _evaluate(made)
    record = made.record
    made.answer("cheap", wrong=range(9))
    _evaluate(made, accept_worse=True)
    worse = made.record["tiers"]["cheap"]
    kept = {"digest": worse["digest"], "parts": worse["parts"]}
    record["tiers"]["cheap"] |= kept
    (made.folder / "golden.json").write_text(json.dumps(record))
    change = _evaluate(made).changes[0]
    assert (change.kind, change.what) == ("worse", ("other answers",))


def test_a_new_golden_set_starts_a_new_record_and_the_old_one_is_remembered(made: GoldenProject) -> None:
    made.answer("cheap", wrong=[0, 1])
    old = _evaluate(made)
    lines = (made.folder / "golden.csv").read_text().splitlines()
    (made.folder / "golden.csv").write_text("\n".join(lines[:41]) + "\n")
    report = _evaluate(made)
    assert set(_kinds(report).values()) == {"rescored"}
    assert report.spent == 0
    assert made.record["golden"]["rows"] == 40
    past = made.record["history"]
    assert [(one["golden"]["rows"], one["tiers"]["cheap"]) for one in past] == [(60, round(58 / 60, 6))]
    assert past[0]["golden"]["digest"] == old.golden.digest


def test_a_golden_set_that_changes_together_with_a_tier_is_no_way_around_the_gate(made: GoldenProject) -> None:
    _evaluate(made)
    before = made.record
    made.answer("cheap", wrong=range(30))
    made.edit("g000,", "g999,", "golden.csv")
    for tier in ("cheap", "premium"):
        made.edit('"g000"', '"g999"', f"{tier}.jsonl")
    with pytest.raises(ShortfallError, match='the golden set changed, and so did tier "cheap"'):
        _evaluate(made)
    assert made.record == before
    assert _evaluate(made, accept_worse=True).recorded is not None


def test_rows_without_an_answer_count_as_wrong(made: GoldenProject) -> None:
    made.answer("cheap", missing=range(5))
    report = _evaluate(made)
    assert (report.failed, report.tiers["cheap"].failed, report.tiers["cheap"].hits) == (5, 5, 55)
    assert report.tiers["cheap"].cost_per_1000 == pytest.approx(0.1)
    made.answer("cheap")
    assert _kinds(_evaluate(made))['tier "cheap"'] == "replaces"


def test_a_tier_alone_is_routed_by_the_label_model(tmp_path: Path) -> None:
    made = make_golden_project(tmp_path, tiers=("cheap",))
    made.edit("share = 1.0", "share = 0.5")
    report = _evaluate(made)
    assert report.routed.asked == {"cheap": 30}
    assert report.routed.cost == pytest.approx(3000)
    assert report.routing.hits >= 50


@pytest.mark.parametrize("rows", [3, 7])
def test_a_tiny_golden_set_is_scored_too(tmp_path: Path, rows: int) -> None:
    report = _evaluate(make_golden_project(tmp_path, rows=rows))
    assert report.tiers["cheap"].hits == rows
    assert report.routing.rows == rows


def test_a_further_prompt_of_the_first_tier_is_scored_by_itself(made: GoldenProject) -> None:
    made.edit("[ask]", '[ask]\nprompt = "spam"\nalso = ["again"]')
    more = '\n@prompt_function\ndef again(x):\n    return "Is it an offer?"\n'
    (made.folder / "prompts.py").write_text((made.folder / "prompts.py").read_text() + more)
    report = _evaluate(made)
    assert set(report.tiers) == {"cheap", "premium", "cheap/again"}
    assert report.routed.asked["cheap/again"] == report.routed.asked["cheap"]
    assert set(made.record["tiers"]) == set(report.tiers)
    made.edit('also = ["again"]', "also = []")
    assert set(_kinds(_evaluate(made))) == {'tier "cheap"', 'tier "premium"', "routing"}
    assert set(made.record["tiers"]) == {"cheap", "premium"}


@pytest.mark.parametrize(
    ("settings", "calls"), [("samples = 3\nparams = {temperature = 0.7}", 36), ("items = 5", 3), ("", 12)]
)
def test_what_a_row_cost_is_known_however_it_was_asked(tmp_path: Path, settings: str, calls: int) -> None:
    def answer(text: str) -> dict[str, str]:
        return {"label": "SPAM" if "win" in text or "prize" in text else "HAM"}

    def say(body: Any) -> object:
        lines = [line for line in body["messages"][-1]["content"].splitlines() if line.startswith("Document")]
        if lines[0].startswith("Document:"):
            return answer(lines[0])
        return {line.split(" ", 2)[1].rstrip(":"): answer(line) for line in lines}

    made = make_golden_project(tmp_path, rows=12, tiers=("cheap",))
    tier = 'provider = "openai"\nmodel = "m"\nbase_url = "http://127.0.0.1:1/v1"\nprice = {input = 1, output = 2}\n'
    made.edit('provider = "replay"\npath = "cheap.jsonl"\nmodel = "cheap"', tier + settings)
    project = made.load()
    provider, _ = scripted(say)
    with open_store(project) as store:
        evaluation = prepare_evaluation(project)
        [(name, (real, prompt))] = evaluation.scored.shelf.items()
        provider.params = getattr(real.provider, "params", {})
        fake = dataclasses.replace(real, provider=provider)
        team = dataclasses.replace(evaluation.scored.team, tiers=(fake,))
        scored = dataclasses.replace(evaluation.scored, team=team, shelf={name: (fake, prompt)})
        evaluation = dataclasses.replace(evaluation, scored=scored)
        assert evaluation.estimates(store)[name].calls == calls
        report = evaluation.run(store, budget_usd=Decimal(1))
        assert evaluation.estimates(store)[name].cached == calls
    assert report.spent == calls * CALL_COST
    assert report.tiers[name].hits == 12
    assert report.tiers[name].cost_per_1000 == pytest.approx(calls * CALL_COST / 12 / 1000)


def test_people_are_not_asked(made: GoldenProject) -> None:
    with (made.folder / "weaksup.toml").open("a") as file:
        file.write(STAFF)
    report = _evaluate(made)
    assert set(report.tiers) == {"cheap", "premium"}
    assert not (made.folder / "q.csv").exists()


def test_a_budget_that_cannot_suffice_is_refused_before_anything_is_sent(made: GoldenProject) -> None:
    with pytest.raises(BudgetError, match=r"likely to cost \$0.066.*leaves \$0.05.*nothing was sent"):
        _evaluate(made, budget="0.05")
    with open_store(made.load()) as store:
        assert not store.ledger("golden")
    assert not (made.folder / "golden.json").exists()


def test_a_cap_of_the_day_holds_here_too_and_what_was_answered_is_kept(made: GoldenProject) -> None:
    made.edit("[golden]", "[ask.day]\ncalls = 20\n[golden]")
    with pytest.raises(BudgetError, match=r"the cap on .*calls.*20 of 60 rows of cheap are answered and kept"):
        _evaluate(made)
    assert not (made.folder / "golden.json").exists()
    made.edit("calls = 20", "calls = 200")
    assert _evaluate(made).spent == 40 * 100 + 60 * 1000


def test_a_provider_that_stops_answering_leaves_no_score(made: GoldenProject, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*arguments: Any, **more: Any) -> Asked:
        return dataclasses.replace(ask(*arguments, **more), stopped="provider")

    monkeypatch.setattr(golden_answers, "ask", stopped)
    with pytest.raises(ProviderError, match="60 of 60 rows of cheap are answered and kept, nothing is recorded"):
        _evaluate(made)
    assert not (made.folder / "golden.json").exists()


def test_an_interruption_keeps_the_answers_and_records_nothing(made: GoldenProject) -> None:
    def stop(name: str, done: int, total: int | None) -> None:
        if name == "premium" and done >= 10:
            raise KeyboardInterrupt

    project = made.load()
    with open_store(project) as store:
        with pytest.raises(KeyboardInterrupt):
            prepare_evaluation(project).run(store, budget_usd=Decimal("0.5"), watch=stop)
        paid = store.account("golden").spent
    assert paid >= 60 * 100 + 10 * 1000
    assert not (made.folder / "golden.json").exists()
    report = _evaluate(made)
    assert report.spent == 60 * (100 + 1000) - paid
    assert report.recorded is not None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{", ""),
        ('"version": 1', '"version": 2'),
        ('"golden"', '"silver"'),
        ('"hits": 60', '"hits": 59'),
        ('"rows": 60', '"rows": 61'),
        ('"right": "/', '"right": "?'),
    ],
)
def test_a_damaged_record_is_refused_not_replaced(made: GoldenProject, before: str, after: str) -> None:
    _evaluate(made)
    made.edit(before, after, "golden.json")
    damaged = (made.folder / "golden.json").read_bytes()
    for step in (lambda: _evaluate(made), lambda: check_in_use(made.load())):
        with pytest.raises(ConfigError, match=r"golden\.json: .*restore it from version control") as caught:
            step()
        assert "\n" not in str(caught.value)
    assert (made.folder / "golden.json").read_bytes() == damaged


@pytest.mark.parametrize(
    ("before", "after", "file", "says"),
    [
        ('name = "premium"', 'name = "cheap"', "weaksup.toml", 'expected different names, got "cheap" twice'),
        ('[golden]\npath = "golden.csv"\nbudget_usd = 0.5\n', "", "weaksup.toml", "expected --golden FILE"),
        ('path = "golden.csv"', 'path = "none.csv"', "weaksup.toml", "none.csv"),
        ("budget_usd = 0.5", "tolerance = 2", "weaksup.toml", "golden.tolerance"),
        ("[ask]\nbudget_usd = 1.0\n", "", "weaksup.toml", r"expected an \[ask\] section"),
        ("LABELS = ", "_LABELS = ", "lfs.py", "expected a LabelSpace"),
        ("@prompt_function", "", "prompts.py", "expected"),
    ],
)
def test_a_project_that_cannot_be_scored_says_so_in_one_line(
    made: GoldenProject, before: str, after: str, file: str, says: str
) -> None:
    made.edit(before, after, file)
    with pytest.raises(UsageError, match=says) as caught:
        prepare_evaluation(made.load())
    assert "\n" not in str(caught.value)


def test_a_project_without_tiers_or_with_people_alone_has_nothing_to_score(made: GoldenProject) -> None:
    text = (made.folder / "weaksup.toml").read_text().split("[[tiers]]")[0]
    (made.folder / "weaksup.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"expected a project with \[\[tiers\]\]"):
        prepare_evaluation(made.load())
    assert check_in_use(made.load()) is None
    (made.folder / "weaksup.toml").write_text(text + STAFF)
    with pytest.raises(ConfigError, match="people are not scored"):
        prepare_evaluation(made.load())
