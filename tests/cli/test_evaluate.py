"""`weaksup evaluate` as a user meets it: a prompt or a model that got worse, money, bad input, interruptions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from faults.fakeprov import FakeProvider, fake_provider
from golden_project import GoldenProject, make_golden_project

from weaksup.cli.evaluate import command
from weaksup.errors import WeaksupError

Run = Callable[..., Result]


def _run(made: GoldenProject, *arguments: str) -> Result:
    return CliRunner().invoke(command, [str(made.folder), *arguments])


def _code(done: Result) -> int:
    if isinstance(done.exception, WeaksupError):
        assert "\n" not in str(done.exception)
        return done.exception.exit_code
    return done.exit_code


@pytest.fixture
def made(tmp_path: Path) -> GoldenProject:
    return make_golden_project(tmp_path / "p")


@pytest.fixture
def server() -> Iterator[FakeProvider]:
    """A model that finds all offers, but no prizes once it is asked for the sort of the message."""

    def label(body: Mapping[str, Any]) -> str:
        user = body["messages"][-1]["content"]
        offers = ("win",) if "sort of" in user else ("win", "prize")
        return "SPAM" if any(word in user.rpartition("Document:")[2] for word in offers) else "HAM"

    with fake_provider(label=label) as provider:
        yield provider


@pytest.fixture
def served(tmp_path: Path, server: FakeProvider) -> GoldenProject:
    """A project whose one tier is that model."""
    made = make_golden_project(tmp_path / "p", tiers=("cheap",))
    tier = f'provider = "openai"\nmodel = "m"\nbase_url = "{server.base_url}"\nprice = {{input = 1, output = 2}}'
    made.edit('provider = "replay"\npath = "cheap.jsonl"\nmodel = "cheap"', tier)
    return made


def test_a_prompt_that_makes_it_worse_is_refused_with_the_numbers_and_exit_3(
    served: GoldenProject, server: FakeProvider
) -> None:
    assert _code(_run(served)) == 0
    calls = server.calls
    assert calls == 60
    before = served.record
    served.edit("kind of", "sort of", "prompts.py")
    done = _run(served)
    assert _code(done) == 3
    assert 'tier "cheap" is worse (prompt): 60 of 60 right before, 50 now (10 lost, 0 gained)' in str(done.exception)
    assert "nothing is recorded" in str(done.exception)
    assert served.record == before
    served.edit("sort of", "kind of", "prompts.py")
    assert _code(_run(served)) == 0
    assert server.calls == 120  # the first answers were kept


def test_a_model_that_is_worse_is_refused_until_told_otherwise(made: GoldenProject) -> None:
    made.answer("cheap", wrong=range(6))
    made.answer("premium", wrong=range(2))
    assert _code(_run(made)) == 0
    made.answer("other", wrong=range(30))
    made.answer("premium")
    made.edit('path = "cheap.jsonl"\nmodel = "cheap"', 'path = "other.jsonl"\nmodel = "other"')
    done = _run(made)
    assert _code(done) == 3
    assert 'tier "cheap" is worse (model replay/cheap -> replay/other, files)' in str(done.exception)
    assert "not worse, but not recorded" in done.output  # the premium tier's
    assert _code(_run(made, "--accept-worse")) == 0
    assert made.record["tiers"]["cheap"]["worse"] is True


def test_the_screen_has_the_scores_the_money_and_the_verdict(made: GoldenProject) -> None:
    made.answer("cheap", wrong=[0, 1], silent=[2])
    done = _run(made)
    assert _code(done) == 0
    for part in (
        "cheap: 60 rows, 60 calls: likely $0.006",
        "budget of all evaluations $0.50, spent so far $0.00",
        "Golden set: 60 rows",
        "accuracy",
        "0.950",
        "macro F1",
        "Recall / precision by label",
        "taken for",
        "routing asked about: cheap",
        "recorded for the first time",
        "golden.json",
    ):
        assert part in done.output
    again = _run(made)
    assert "60 answers are in the store" in again.output
    assert "only before" in again.output
    assert "what is in use did not change" in again.output


def test_json_is_one_object_with_everything_refused_or_not(made: GoldenProject) -> None:
    _run(made)
    made.answer("cheap", wrong=range(6))
    done = _run(made, "--json")
    assert _code(done) == 3
    found = json.loads(done.stdout)
    assert found["tiers"]["cheap"]["right"] == 54
    assert found["tiers"]["cheap"]["labels"]["SPAM"]["recall"] == pytest.approx(27 / 30, abs=0.1)
    change = found["changes"][0]
    assert (change["kind"], change["paired"]["before_only"], change["paired"]["p"]) == ("worse", 6, 2 * 0.5**6)
    assert found["recorded"] is None
    assert len(found["refused"]) >= 1


def test_options_replace_the_golden_section(made: GoldenProject, tmp_path: Path) -> None:
    made.edit('[golden]\npath = "golden.csv"\nbudget_usd = 0.5\n', "")
    text = (made.folder / "golden.csv").read_text().replace("id,text,label", "nr,text,truth")
    (tmp_path / "other.csv").write_text(text)
    golden = ("--golden", str(tmp_path / "other.csv"), "--label", "truth", "--id", "nr")
    done = _run(made, *golden)
    assert _code(done) == 2
    assert "expected --budget DOLLARS" in str(done.exception)
    assert "likely to cost $0.066" in str(done.exception)
    done = _run(made, *golden, "--budget", "0.1")
    assert _code(done) == 0
    assert "name the file in [golden]" in done.output
    assert _code(_run(made, *golden)) == 0  # all answers are kept: no budget is needed


def test_another_file_than_the_project_s_is_scored_and_no_more(made: GoldenProject, tmp_path: Path) -> None:
    _run(made)
    record = made.record
    made.answer("cheap", wrong=range(30))
    lines = (made.folder / "golden.csv").read_text().splitlines()
    (tmp_path / "few.csv").write_text("\n".join(lines[:9]) + "\n")
    done = _run(made, "--golden", str(tmp_path / "few.csv"))
    assert _code(done) == 0
    assert "scored only" in done.output
    assert made.record == record
    same = _run(made, "--golden", str(made.folder / "golden.csv"))
    assert _code(same) == 3


def test_a_new_golden_set_is_told(made: GoldenProject) -> None:
    _run(made)
    lines = (made.folder / "golden.csv").read_text().splitlines()
    (made.folder / "golden.csv").write_text("\n".join(lines[:31]) + "\n")
    done = _run(made)
    assert _code(done) == 0
    assert "the golden set changed (60 rows before, 30 now)" in done.output
    assert "scored anew" in done.output


def test_people_are_named_as_not_asked(made: GoldenProject) -> None:
    staff = '[[tiers]]\nname = "staff"\npeople = "q.csv"\nhourly_rate = 20\nitems_per_hour = 60\n'
    with (made.folder / "weaksup.toml").open("a") as file:
        file.write(staff)
    assert "staff: people are not asked" in _run(made).output


def test_answers_that_are_missing_are_told_and_exit_3(made: GoldenProject) -> None:
    made.answer("cheap", missing=[0, 1])
    done = _run(made)
    assert _code(done) == 3
    assert "2 answers are missing and count as wrong; run again" in str(done.exception)


def test_a_provider_that_is_down_ends_it_and_nothing_is_recorded(served: GoldenProject, server: FakeProvider) -> None:
    server.faults = lambda number: "401" if number >= 20 else "ok"
    done = _run(served)
    assert _code(done) == 2
    assert not (served.folder / "golden.json").exists()
    server.faults = {}
    assert _code(_run(served)) == 0
    answered = [one for one in server.log if one.fault == "ok"]
    assert len(answered) == len({one.user for one in answered}) == 60


def test_the_budget_is_never_passed_and_nothing_is_recorded(served: GoldenProject, server: FakeProvider) -> None:
    done = _run(served, "--budget", "0.000001")
    assert _code(done) == 4
    assert (server.calls, (served.folder / "golden.json").exists()) == (0, False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--golden", "nowhere.csv"], "nowhere.csv"),
        (["--label", "topic"], 'expected a column "topic"'),
        (["--id", "nr"], 'expected a column "nr"'),
        (["--budget", "much"], "budget"),
        (["--budget", "-1"], "budget"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(made: GoldenProject, arguments: list[str], says: str) -> None:
    done = _run(made, *arguments)
    assert _code(done) == 2
    assert says in str(done.exception)
    assert not (made.folder / "golden.json").exists()


def test_the_record_cannot_be_the_golden_set(made: GoldenProject) -> None:
    _run(made)
    assert _code(_run(made, "--golden", str(made.folder / "golden.json"))) == 2
