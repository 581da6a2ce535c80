from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from weaksup import VoteMatrix
from weaksup.cli import cli
from weaksup.errors import WeaksupError

LFS = """
from weaksup import LabelSpace, labeling_function
from weaksup.labeling_functions import keywords
LABELS = LabelSpace(["HAM", "SPAM"])
win = keywords("win", ["win"], label="SPAM", examples=[("you WIN", "SPAM")])
@labeling_function
def short(x):
    return "HAM" if len(x.text) < 6 else None
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("lfs.py").write_text(LFS)
    Path("c.csv").write_text('id,text\na,you win\nb,hi\nc,"ragged",x\n')
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, ["apply", *args])


def test_votes_are_written_and_bad_rows_told(here: Path) -> None:
    done = run("lfs.py", "c.csv", "-o", "v.parquet", "--max-rejected", "0.5")
    assert done.exit_code == 0, done.output
    assert "2 rows, 2 labeling functions -> v.parquet (1 rejected" in done.output
    assert "c.csv:4" in done.output
    votes = VoteMatrix.load("v.parquet")
    assert np.asarray(votes).tolist() == [[1, -1], [-1, 0]]
    assert votes.origin["paths"] == [str(here / "c.csv")]


def test_json_has_every_count(here: Path) -> None:
    found = json.loads(run("lfs.py", "c.csv", "-o", "v.parquet", "--json", "--max-rejected", "1").output)
    assert (found["rows"], found["read"], found["rejected"], found["faults"]) == (2, 3, 1, {"win": 0, "short": 0})


def test_examples_are_run_alone_or_before_the_corpus(here: Path) -> None:
    assert run("lfs.py", "--check-examples").exit_code == 0
    Path("lfs.py").write_text(LFS.replace('("you WIN", "SPAM")', '("you lose", "SPAM")'))
    done = run("lfs.py", "c.csv", "-o", "v.parquet", "--check-examples")
    assert isinstance(done.exception, WeaksupError)
    assert done.exception.exit_code == 3
    assert 'labeling function "win", example' in done.output
    assert not Path("v.parquet").exists()


def test_too_many_rejected_rows_fail_but_lose_nothing(here: Path) -> None:
    done = run("lfs.py", "c.csv", "-o", "v.parquet")
    assert isinstance(done.exception, WeaksupError)
    assert done.exception.exit_code == 3
    assert len(VoteMatrix.load("v.parquet")) == 2


def test_too_many_faults_fail_but_lose_nothing(here: Path) -> None:
    Path("lfs.py").write_text(LFS + "@labeling_function\ndef bad(x):\n    return 1 / 0\n")
    done = run("lfs.py", "c.csv", "-o", "v.parquet")
    assert isinstance(done.exception, WeaksupError)
    assert done.exception.exit_code == 3
    assert "2 faults" in done.output
    assert len(VoteMatrix.load("v.parquet")) == 2
    faults = [json.loads(line) for line in Path("v.faults.jsonl").read_text().splitlines()]
    assert [(f["lf"], f["row_id"]) for f in faults] == [("bad", "a"), ("bad", "b")]
    assert "ZeroDivisionError" in faults[0]["traceback"]


@pytest.mark.parametrize(
    ("value", "says"), [("7", "got 7"), ("'EGGS'", "got 'EGGS'"), ("0.7", "got 0.7"), ("[1]", r"got \[1\]")]
)
def test_a_vote_that_is_no_label_names_function_and_row(here: Path, value: str, says: str) -> None:
    Path("lfs.py").write_text(LFS + f"@labeling_function\ndef odd(x):\n    return {value}\n")
    done = run("lfs.py", "c.csv", "-o", "v.parquet")
    assert isinstance(done.exception, WeaksupError)
    assert done.exception.exit_code == 2
    with pytest.raises(WeaksupError, match=f'"odd".*"a".*{says}'):
        raise done.exception


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["lfs.py"], "expected a CORPUS and -o FILE"),
        (["nothing.py", "c.csv", "-o", "v"], "nothing.py"),
        (["lfs.py", "nothing.csv", "-o", "v"], "does not exist"),
        (["lfs.py", "c.csv", "-o", "v", "--text", "txt"], 'expected a column "txt".*did you mean "text"'),
        (["lfs.py", "c.csv", "-o", "no/v"], "cannot write"),
    ],
)
def test_wrong_use_is_one_line(here: Path, args: list[str], says: str) -> None:
    done = run(*args)
    assert isinstance(done.exception, WeaksupError)
    with pytest.raises(WeaksupError, match=says):
        raise done.exception
    assert "\n" not in str(done.exception)
