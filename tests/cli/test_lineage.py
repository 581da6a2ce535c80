"""What labels were made from goes from step to step, by single commands and by `weaksup run`, into the bundle."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from weaksup.cli import main
from weaksup.distill import load_bundle

LFS = """
from weaksup.labeling_functions import labeling_function, model_vote
from weaksup.labels import LabelSpace

LABELS = LabelSpace({"HAM": "from a person", "SPAM": "an unwanted offer"}, guideline="be kind", version="7")

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
name = "sim"
provider = "simulated"
truth = "corpus.csv"
truth_column = "gold"
error_rate = 0
price = {input = 100, output = 200}
"""
TOML = """
[corpus]
path = "corpus.csv"
[labeling]
module = "lfs.py"
[ask]
prompts = "prompts.py"
budget_usd = 5
[[tiers]]
"""
WORDS = ["prize", "cash", "lunch", "tomorrow", "hello you", "win this"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    texts = [
        f"{('win', 'hello', 'win hello', 'other')[i % 4]} {WORDS[i % 6]} {WORDS[i * 7 % 6]} {i}" for i in range(80)
    ]
    lines = [f"r{i},{text},{'SPAM' if 'win' in text else 'HAM'}" for i, text in enumerate(texts)]
    Path("corpus.csv").write_text("\n".join(["id,text,gold", *lines]) + "\n")
    for name, content in {"lfs.py": LFS, "prompts.py": PROMPTS, "tier.toml": TIER}.items():
        Path(name).write_text(content)
    return tmp_path


def call(*arguments: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert not caught.value.code, arguments


def by_commands(output: str = "student") -> dict[str, Any]:
    call("apply", "lfs.py", "corpus.csv", "-o", "v.parquet")
    tier = ["--tier", "tier.toml", "--budget", "1", "--share", "0.5"]
    call("ask", "v.parquet", "--prompts", "prompts.py", *tier, "-o", "more.parquet")
    call("fit", "more.parquet", "-o", "l.parquet")
    call("distill", "l.parquet", "-o", output)
    found: dict[str, Any] = load_bundle(output).manifest["lineage"]
    return found


def sha256(name: str) -> str:
    return hashlib.sha256(Path(name).read_bytes()).hexdigest()


def test_a_bundle_says_who_voted_who_was_asked_and_what_it_cost(here: Path) -> None:
    found = by_commands()
    assert (found["labels"], found["labels_sha256"]) == ("l.parquet", sha256("l.parquet"))
    assert found["corpus"] == {"files": ["corpus.csv"]}
    assert found["labeling_functions"] == {"module": "lfs.py", "sha256": sha256("lfs.py")}
    assert [source["name"] for source in found["made_from"]["sources"]][:2] == ["wins", "greets"]
    (asked,) = found["asked"]
    assert (asked["provider"], asked["prompt"], asked["prompt_sha256"]) == ("simulated", "spam", sha256("prompts.py"))
    assert (asked["rows"], asked["answered"]) == (40, 40)
    assert found["cost_usd"] > 0
    card = Path("student/README.md").read_text()
    assert "Guideline (version 7): be kind" in card
    assert "The answers cost $" in card
    assert "SIMULATED sim" in card
    assert not [path for path in Path("student").iterdir() if str(here).encode() in path.read_bytes()]


def test_the_same_steps_give_the_same_bundle_wherever_they_run(here: Path, tmp_path: Path) -> None:
    by_commands()
    first = {path.name: path.read_bytes() for path in Path("student").iterdir()}
    by_commands("again")  # nothing is paid for twice, and the cost is that of the whole run still
    assert {path.name: path.read_bytes() for path in Path("again").iterdir()} == first


def test_a_student_that_votes_is_a_parent(here: Path) -> None:
    by_commands("models")
    seal = load_bundle("models").manifest["seal"]
    Path("lfs.py").write_text(LFS + '\nbefore = model_vote("models", name="before")\n')
    call("apply", "lfs.py", "corpus.csv", "-o", "v.parquet")
    call("fit", "v.parquet", "-o", "l.parquet")
    call("distill", "l.parquet", "-o", "next")
    assert load_bundle("next").manifest["lineage"]["parents"] == [{"source": "before", "seal": seal}]
    assert seal[:16] in Path("next/README.md").read_text()


def test_a_student_that_was_asked_is_a_parent(here: Path) -> None:
    by_commands("models")
    seal = load_bundle("models").manifest["seal"]
    call("apply", "lfs.py", "corpus.csv", "-o", "v.parquet")
    tier = ["--tier", "student:models", "--run", "other", "--budget", "0", "--share", "0.2"]
    call("ask", "v.parquet", "--prompts", "prompts.py", *tier, "-o", "m.parquet", "--write-labels", "l.parquet")
    call("distill", "l.parquet", "-o", "next")
    found = load_bundle("next").manifest["lineage"]
    assert [parent["seal"] for parent in found["parents"]] == [seal]
    assert found["cost_usd"] == 0
    assert found["made_from"]["model"] == "default"


def test_a_run_says_the_same(here: Path) -> None:
    Path("weaksup.toml").write_text(TOML + TIER + "share = 0.5\n")
    call("run", ".")
    found = load_bundle("out/student").manifest["lineage"]
    assert found["labels_sha256"] == sha256("out/labels.parquet")
    assert found["labeling_functions"]["sha256"] == sha256("lfs.py")
    assert (found["asked"][0]["tier"], found["asked"][0]["rows"]) == ("SIMULATED sim", 40)
    assert found["made_from"]["model"] == "default"
    first = Path("out/student/manifest.json").read_bytes()
    shutil.rmtree("out/student")
    call("run", ".")
    assert Path("out/student/manifest.json").read_bytes() == first
    assert json.loads(first)["lineage"] == found
