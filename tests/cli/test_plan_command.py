"""`weaksup plan`: tables and JSON, from votes and from a project; nothing is sent, nothing is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults.fakeprov import fake_provider

from weaksup.cli import main

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
PROJECT = """
[corpus]
path = "corpus.csv"

[ask]
budget_usd = 0.5

[[tiers]]
name = "cheap"
provider = "openai"
model = "fake-1"
base_url = "{url}"
price = {{ input = 1, output = 2 }}
share = 1.0
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Make a folder with votes in which all 60 rows are in some doubt, and give a way to call weaksup in it."""
    monkeypatch.chdir(tmp_path)
    texts = [("win", "hello", "win hello", "other", "hello you")[i % 5] + f" {i}" for i in range(60)]
    Path("corpus.csv").write_text("\n".join(["id,text", *(f"r{i},{text}" for i, text in enumerate(texts))]) + "\n")
    for name, content in (("lfs.py", LFS), ("prompts.py", PROMPTS)):
        Path(name).write_text(content)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            main(list(arguments))
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    assert call("apply", "lfs.py", "corpus.csv", "-o", "votes.parquet")[0] == 0
    return call


def at(url: str, *more: str) -> tuple[str, ...]:
    """Plan for one tier at an address."""
    settings = [f"base_url={url}", "price={input=1, output=2}", *more]
    tier = ("--tier", "openai:fake-1", *(word for text in settings for word in ("--set", text)))
    return ("plan", "votes.parquet", "--prompts", "prompts.py", *tier)


def test_the_plan_is_a_table_and_sends_nothing(run: Run) -> None:
    with fake_provider() as server:
        code, out, err = run(*at(server.base_url), "--share", "1", "--budget", "1")
        assert server.calls == 0
    assert (code, err) == (0, "")
    for words in ("Rows to ask, by slice", "wins=SPAM", "uncovered", "Who is asked", "assumed from its place"):
        assert words in out
    for words in ("cost      likely $0.0", "at most", "$1.00 left of the budget", "expected accuracy", "next  "):
        assert words in out
    assert sorted(path.name for path in Path().iterdir()) == ["corpus.csv", "lfs.py", "prompts.py", "votes.parquet"]


def test_json_says_the_same_and_adds_up(run: Run) -> None:
    with fake_provider() as server:
        plan = json.loads(run(*at(server.base_url), "--share", "1", "--budget", "1", "--json")[1])
        assert plan["limits"] == {"fake-1/spam": 60}
        assert sum(part["asked"]["fake-1/spam"] for part in plan["slices"]) == plan["calls"] == 60
        assert plan["low_usd"] < plan["likely_usd"] < plan["high_usd"] <= plan["budget_usd"] == 1
        assert plan["accuracy_after"] > plan["accuracy_before"]
        ask = ("ask", *at(server.base_url)[1:], "--share", "1", "--budget", "1", "-o", "more.parquet", "--json")
        spent = json.loads(run(*ask)[1])["spent_usd"]
        assert server.calls == 60
        assert spent == pytest.approx(plan["likely_usd"], rel=0.1)
        assert server.billed == pytest.approx(spent * 1e6)
        again = json.loads(run(*at(server.base_url), "--share", "1", "--budget", "1", "--json")[1])
        assert (again["cached"], again["calls"], again["likely_usd"]) == (60, 0, 0)
        assert again["tiers"][0]["tokens_basis"] == "measured on 60 answers"


def test_without_a_budget_it_says_what_budgets_buy(run: Run) -> None:
    code, out, _ = run(*at("http://127.0.0.1:9/v1"), "--share", "1", "--accuracy", "fake-1=0.99")
    assert code == 0
    assert "What a budget buys" in out
    assert "99%" in out
    assert "given" in out


def test_every_cap_is_heeded(run: Run) -> None:
    url = "http://127.0.0.1:9/v1"
    caps: list[tuple[tuple[str, ...], str, float]] = [
        (("--calls", "7"), "calls", 7),
        (("--tokens", "3000"), "tokens", 3000),
        (("--budget", "0.003"), "likely_usd", 0.003),
        (("--share", "0.1"), "calls", 6),
        (("--share", "fake-1=0.05"), "calls", 3),
    ]
    for words, what, most in caps:
        plan: dict[str, Any] = json.loads(run(*at(url), "--share", "1", *words, "--json")[1])
        assert 0 < plan[what] <= most, words
    accepting: dict[str, Any] = json.loads(run(*at(url), "--share", "1", "--accept", "0.2", "--json")[1])
    assert accepting["calls"] == 0


def test_a_project_is_planned_with_its_own_settings(run: Run) -> None:
    with fake_provider() as server:
        Path("weaksup.toml").write_text(PROJECT.format(url=server.base_url))
        code, _, err = run("plan", ".")
        assert (code, "run `weaksup run`" in err) == (2, True)
        Path("out").mkdir()
        Path("votes.parquet").rename("out/votes.parquet")
        plan = json.loads(run("plan", ".", "--json")[1])
        assert (plan["budget_usd"], plan["calls"], plan["limits"]) == (0.5, 60, {"cheap/spam": 60})
        assert json.loads(run("plan", ".", "--budget", "0", "--json")[1])["calls"] == 0
        assert server.calls == 0
    assert [path.name for path in Path("out").iterdir()] == ["votes.parquet"]
    code, _, err = run("plan", ".", "--share", "0.5")
    assert (code, "leave out --share" in err) == (2, True)
    Path("weaksup.toml").write_text('[corpus]\npath = "corpus.csv"\n[ask]\nbudget_usd = 1\n')
    code, _, err = run("plan", ".")
    assert (code, "expected [[tiers]]" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("plan", "votes.parquet"), "expected --prompts FILE and --tiers FILE"),
        (("plan", "gone.parquet", "--prompts", "prompts.py", "--tiers", "ollama:q"), "gone.parquet"),
        ((*at("http://127.0.0.1:9/v1"), "--share", "2"), "from 0 to 1"),
        ((*at("http://127.0.0.1:9/v1"), "--share", "x=0.2"), 'got one of "x"'),
        ((*at("http://127.0.0.1:9/v1"), "--accuracy", "fake-1"), "--accuracy: expected"),
        ((*at("http://127.0.0.1:9/v1"), "--budget", "lots"), "budget"),
        (("plan", "votes.parquet", "--prompts", "prompts.py", "--tiers", "openai:gpt-99"), "known price"),
    ],
)
def test_wrong_use_is_exit_2_and_one_line(run: Run, words: tuple[str, ...], says: str) -> None:
    code, _, err = run(*words)
    assert code == 2
    assert says in err
    assert len(err.splitlines()) == 1
