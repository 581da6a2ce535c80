from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from faults.fakeprov import CANARY, fake_provider

from weaksup.cli import main
from weaksup.votes import VoteMatrix

Run = Callable[..., tuple[int, str, str]]

LFS = """
from weaksup.labeling_functions import labeling_function
from weaksup.labels import LabelSpace

LABELS = LabelSpace({"HAM": "from a person", "SPAM": "an unwanted offer"})

@labeling_function
def wins(x):
    return "SPAM" if "win" in x.text else None

@labeling_function
def greets(x):
    return "HAM" if "hello" in x.text else None
"""
PROMPTS = """
from weaksup.labeling_functions import prompt_function

@prompt_function
def spam(x):
    return "What kind of message is this?"
"""
TIER = """
[[tiers]]
name = "sim"
provider = "simulated"
truth = "corpus.csv"
truth_column = "gold"
error_rate = 0
price = {input = 1, output = 2}

[[tiers]]
name = "nobody"
provider = "simulated"
truth = "empty.csv"
truth_column = "gold"
free = true
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Make a folder with votes in which 12 of 30 rows are in doubt, and give a way to call weaksup in it."""
    monkeypatch.chdir(tmp_path)
    texts = [("win", "hello", "win hello", "other", "hello you")[i % 5] + f" {i}" for i in range(30)]
    gold = ["SPAM" if "win" in text else "HAM" for text in texts]
    lines = [f"r{i},{text},{label}" for i, (text, label) in enumerate(zip(texts, gold, strict=True))]
    Path("corpus.csv").write_text("\n".join(["id,text,gold", *lines]) + "\n")
    Path("empty.csv").write_text("id,gold\n")
    for name, content in (("lfs.py", LFS), ("prompts.py", PROMPTS), ("tiers.toml", TIER)):
        Path(name).write_text(content)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            main(list(arguments))
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    assert call("apply", "lfs.py", "corpus.csv", "-o", "votes.parquet")[0] == 0
    return call


ASK = ("ask", "votes.parquet", "--prompts", "prompts.py")
SIM = (*ASK, "--tier", "tiers.toml", "--tier-name", "sim")


def test_the_rows_in_doubt_are_asked_and_become_a_source(run: Run) -> None:
    code, out, err = run(*SIM, "--share", "0.4", "--budget", "1", "-o", "more.parquet")
    assert code == 0, err
    assert "12 rows: 12 answered" in out
    assert "12 rows to ask" in err
    assert "likely $" in err
    votes = VoteMatrix.load("more.parquet")
    assert votes.names == ("wins", "greets", "SIMULATED sim/spam")
    assert votes.asked is not None
    asked = votes.asked[:, 2]
    before = np.asarray(votes)[:, :2]
    assert asked.sum() == 12
    assert all(set(row) in ({-1}, {0, 1}) for row in before[asked].tolist())  # nobody voted, or two disagree
    truth = {f"r{i}": int(i % 5 in (0, 2)) for i in range(30)}
    assert {i: v for i, v, a in zip(votes.ids, votes.values[:, 2].tolist(), asked, strict=True) if a} == {
        i: truth[i] for i, a in zip(votes.ids, asked, strict=True) if a
    }


def test_asking_again_pays_nothing_and_asking_more_keeps_what_was_said(run: Run) -> None:
    first = run(*SIM, "--share", "0.4", "--budget", "1", "-o", "a.parquet", "--json")
    again = run(*SIM, "--share", "0.4", "--budget", "1", "-o", "b.parquet", "--json")
    assert json.loads(again[1])["spent_usd"] == 0
    assert json.loads(again[1])["cached"] == 12
    assert json.loads(first[1])["spent_usd"] == json.loads(again[1])["run_spent_usd"] > 0
    more = ("ask", "a.parquet", *SIM[2:], "--share", "1", "--budget", "1", "-o", "c.parquet", "--json")
    assert json.loads(run(*more)[1])["rows"] == 18
    votes = VoteMatrix.load("c.parquet")
    assert votes.asked is None or votes.asked.all()
    assert (votes.values[:, 2] >= 0).all()
    nothing = run("ask", "c.parquet", *SIM[2:], "--share", "1", "--budget", "1", "-o", "d.parquet", "--json")
    assert json.loads(nothing[1])["rows"] == 0
    assert VoteMatrix.load("d.parquet").values.tolist() == votes.values.tolist()


def test_a_dry_run_shows_the_cost_and_sends_nothing(run: Run) -> None:
    code, out, _ = run(*SIM, "--share", "0.4", "--dry-run", "--json")
    plan = json.loads(out)
    assert code == 0
    assert (plan["rows"], plan["calls"], plan["cached"]) == (12, 12, 0)
    assert 0 < plan["likely_usd"] < plan["at_most_usd"]
    spent = json.loads(run(*SIM, "--share", "0.4", "--budget", "1", "-o", "a.parquet", "--json")[1])["spent_usd"]
    assert spent == pytest.approx(plan["likely_usd"])


def test_a_dry_run_needs_no_key(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    code, _, err = run(*ASK, "--tier", "openai:gpt-4o-mini", "--dry-run")
    assert code == 0
    assert "gpt-4o-mini at https://api.openai.com/v1; price from genai-prices" in err
    code, _, err = run(*ASK, "--tier", "openai:gpt-4o-mini", "--budget", "1", "-o", "x.parquet")
    assert (code, "OPENAI_API_KEY" in err) == (2, True)


def test_a_budget_that_is_reached_is_exit_4_and_the_votes_are_kept(run: Run) -> None:
    code, out, err = run(*SIM, "--share", "1", "--budget", "0.001", "-o", "a.parquet")
    assert code == 4
    assert "not asked (budget)" in out
    assert "the budget of $0.001 is reached" in err.splitlines()[-1]
    assert VoteMatrix.load("a.parquet").names[-1] == "SIMULATED sim/spam"


def test_rows_that_failed_are_exit_3(run: Run) -> None:
    code, out, err = run(*ASK, "--tier", "tiers.toml", "--tier-name", "nobody", "--budget", "0", "-o", "a.parquet")
    assert code == 3
    assert "no true label" in out
    assert "3 of 3 rows failed" in err  # a tenth of the rows, where nothing else is said


def test_a_provider_that_is_down_is_exit_75(run: Run) -> None:
    with fake_provider(faults=lambda _: "429:100000") as server:
        tier = ("--tier", "openai:m", "--set", f"base_url={server.base_url}", "--set", "free=true")
        code, _, err = run(*ASK, *tier, "--share", "0.2", "--budget", "0", "-o", "a.parquet")
    assert code == 75
    assert "stopped answering" in err


def test_a_real_endpoint_is_asked_with_the_named_key_which_nobody_sees(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", CANARY)
    with fake_provider(faults={1: "echo"}) as server:
        price = ("--set", "price={input=1, output=2}", "--set", "api_key_env=MY_KEY")
        tier = ("--tier", "openai:fake-1", "--set", f"base_url={server.base_url}", *price)
        code, out, err = run(*ASK, *tier, "--share", "0.2", "--budget", "1", "-o", "a.parquet")
        assert server.log[0].authorization == f"Bearer {CANARY}"
        assert server.calls == 6
    assert code == 0
    assert CANARY not in out + err
    assert all(CANARY.encode() not in path.read_bytes() for path in Path().iterdir() if path.is_file())


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (SIM, "--budget DOLLARS and -o FILE"),
        ((*SIM, "-o", "x", "--budget", "lots"), "budget"),
        ((*SIM, "-o", "x", "--budget", "-1"), "budget"),
        ((*SIM, "-o", "x", "--budget", "nan"), "budget"),
        ((*ASK, "--tier", "tiers.toml", "--set", "share=0.5", "--dry-run"), "choose it with --tier-name NAME"),
        ((*ASK, "--tier", "tiers.toml", "--share", "0.5", "--dry-run"), "--share and --labels are for one tier"),
        ((*ASK, "--tier", "tiers.toml", "--tier-name", "x", "--dry-run"), 'a tier named "x"'),
        ((*SIM, "--gold", "gold", "--dry-run"), "--gold and --also are for several tiers"),
        ((*SIM, "--also", "spam", "--dry-run"), "--gold and --also are for several tiers"),
        ((*ASK, "--tier", "gone.toml", "--dry-run"), "gone.toml"),
        ((*ASK, "--tier", "openai:gpt-99", "--dry-run"), "known price"),
        ((*ASK, "--tier", "openai:gpt-4.1", "--set", "novalue", "--dry-run"), "KEY=VALUE"),
        ((*SIM, "--prompt", "other", "--dry-run"), '"other"'),
        ((*SIM, "--prompts", "lfs.py", "--dry-run"), "one @prompt_function"),
        ((*SIM, "--dry-run", "--store", "."), "folder"),
        (("ask", "gone.parquet", *SIM[2:], "--dry-run"), "gone.parquet"),
    ],
)
def test_wrong_use_is_exit_2_and_one_line(run: Run, arguments: tuple[str, ...], word: str) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert word in err
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err


def test_several_prompts_need_a_name(run: Run) -> None:
    more = PROMPTS.replace("def spam", "def other").replace("from weaksup", "# from weaksup")
    Path("prompts.py").write_text(PROMPTS + more.replace("@prompt", "@prompt"))
    code, _, err = run(*SIM, "--dry-run")
    assert (code, "--prompt NAME" in err, "spam, other" in err) == (2, True, True)
    assert run(*SIM, "--prompt", "other", "--dry-run")[0] == 0


def test_votes_whose_corpus_is_another_are_refused(run: Run) -> None:
    Path("short.csv").write_text("id,text\nr0,win\n")
    code, _, err = run("ask", "votes.parquet", "short.csv", *SIM[2:], "--dry-run")
    assert (code, "name the right CORPUS" in err) == (2, True)


def test_a_killed_run_is_reported(run: Run) -> None:
    from weaksup.store import Charge, Store
    from weaksup.store import turns as module

    with Store("store.db") as store:
        store.reserve(Charge("k", "ask", "t", "m", "p", 7), cap=100)
    module._UNDER_WAY.clear()
    _, _, err = run(*SIM, "--dry-run")
    assert "1 calls of a run that was killed have no stored answer; $0.000007 charged in full" in err


TEAM = """
[[tiers]]
name = "cheap"
provider = "simulated"
truth = "corpus.csv"
truth_column = "gold"
error_rate = 0.3
price = {input = 1, output = 2}

[[tiers]]
name = "premium"
provider = "simulated"
truth = "corpus.csv"
truth_column = "gold"
error_rate = 0
price = {input = 100, output = 200}
share = 0.5

[[tiers]]
name = "desk"
people = "questions.csv"
hourly_rate = 30.0
items_per_hour = 60
share = 0.1

[policy]
below = {desk = 0.8}
"""
ROUTED = (*ASK, "--tier", "team.toml")


def test_several_tiers_are_routed_between_and_people_get_the_rest(run: Run) -> None:
    Path("team.toml").write_text(TEAM)
    code, out, err = run(*ROUTED, "--budget", "5", "-o", "more.parquet", "--write-labels", "labels.parquet")
    assert "SIMULATED cheap/spam" in out
    assert "wrote more.parquet and labels.parquet" in out
    assert "at most" in err
    kinds = {source.kind for source in VoteMatrix.load("more.parquet").sources}
    assert kinds == ({"lf", "tier", "person"} if code == 3 else {"lf", "tier"})
    again = run(*ROUTED, "--budget", "5", "-o", "again.parquet", "--json")
    tiers = json.loads(again[1])["tiers"]
    assert sum(tier["spent_usd"] for tier in tiers) == 0


def test_a_dry_run_of_several_tiers_is_a_plan(run: Run) -> None:
    Path("team.toml").write_text(TEAM)
    code, out, _ = run(*ROUTED, "--dry-run", "--json")
    assert code == 0
    assert [tier["tier"] for tier in json.loads(out)["tiers"]] == ["SIMULATED cheap", "SIMULATED premium", "desk"]
    assert not Path("questions.csv").exists()


def test_caps_on_calls_and_days_hold_from_the_command_line(run: Run) -> None:
    code, _, err = run(*SIM, "--share", "1", "--budget", "1", "--calls", "3", "-o", "a.parquet")
    assert (code, "the cap on calls of the run" in err) == (4, True)
    code, _, err = run(
        *SIM, "--share", "1", "--budget", "1", "--day-budget", "0.00001", "--run", "b", "-o", "b.parquet"
    )
    assert (code, "the cap on dollars of the day" in err) == (4, True)
    Path("team.toml").write_text(TEAM)
    code, _, err = run(*ROUTED, "--budget", "5", "--calls", "2", "--run", "c", "-o", "c.parquet")
    assert (code, "the cap on calls of the run is reached" in err) == (4, True)


def test_gold_is_used_by_several_tiers(run: Run) -> None:
    Path("team.toml").write_text(TEAM)
    run(*ROUTED, "--budget", "5", "--gold", "gold", "-o", "a.parquet", "--write-labels", "labels.parquet")
    from weaksup.labels import SoftLabels

    soft = SoftLabels.load("labels.parquet")
    assert (soft.confidence == 1).all()
    code, _, err = run(*ROUTED, "--budget", "5", "--gold", "nothing", "-o", "a.parquet")
    assert (code, "nothing" in err) == (2, True)


def test_an_output_that_cannot_be_written_is_refused_before_anything_is_paid(run: Run) -> None:
    code, _, err = run(*SIM, "--budget", "1", "-o", "gone/more.parquet")
    assert (code, "expected the folder" in err) == (74, True)
    assert not Path("store.db").exists()


def test_two_tiers_of_one_name_are_refused(run: Run) -> None:
    Path("team.toml").write_text(TEAM.replace('"premium"', '"cheap"'))
    code, _, err = run(*ROUTED, "--dry-run")
    assert (code, 'got "SIMULATED cheap" twice' in err) == (2, True)


def test_votes_without_a_row_are_refused(run: Run) -> None:
    Path("corpus.csv").write_text("id,text,gold\n")
    assert run("apply", "lfs.py", "corpus.csv", "-o", "none.parquet")[0] == 0
    code, _, err = run("ask", "none.parquet", *SIM[2:], "--dry-run")
    assert (code, "expected votes on at least one row" in err) == (2, True)


def test_a_policy_that_names_nobody_is_refused(run: Run) -> None:
    Path("team.toml").write_text(TEAM.replace("desk = 0.8", "dsek = 0.8"))
    code, _, err = run(*ROUTED, "--budget", "5", "-o", "a.parquet")
    assert (code, 'did you mean "desk"' in err) == (2, True)


def test_a_policy_may_name_tiers_that_are_not_asked_now(run: Run) -> None:
    Path("team.toml").write_text(TEAM)
    code, _, err = run(*ROUTED, "--tier-name", "cheap", "--tier-name", "premium", "--budget", "5", "-o", "a.parquet")
    assert code == 0, err
    Path("team.toml").write_text(TEAM.replace("[policy]", "[[policy]]"))
    code, _, err = run(*ROUTED, "--budget", "5", "-o", "a.parquet")
    assert (code, "expected one table [policy], got list" in err) == (2, True)
