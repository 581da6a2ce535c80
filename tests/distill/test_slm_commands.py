"""A language model from the command line: trained and scored there, asked as a tier, refused where it would be run."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from distill.tiny_causal import write_tiny_causal
from distill.toy import SPACE, make_corpus

from weaksup.cli import cli
from weaksup.errors import ConfigError
from weaksup.labels import SoftLabels
from weaksup.project import Project
from weaksup.votes import Source, VoteMatrix

TEXTS, GOLD = make_corpus(90)
IDS = tuple(f"r{i}" for i in range(90))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model, a corpus, its votes and its labels."""
    write_tiny_causal(tmp_path / "tiny", TEXTS)
    SoftLabels(IDS, np.eye(3)[GOLD], np.ones(90, np.bool_), SPACE).save(str(tmp_path / "labels.parquet"))
    votes = np.column_stack([GOLD, GOLD, np.roll(GOLD, 1)]).astype(np.int16)
    VoteMatrix(votes, IDS, tuple(map(Source, "abc")), SPACE).save(tmp_path / "votes.parquet")
    with (tmp_path / "corpus.csv").open("w", newline="", encoding="utf-8") as file:
        names = [SPACE.names[c] for c in GOLD.tolist()]
        csv.writer(file).writerows([("id", "text", "gold"), *zip(IDS, TEXTS, names, strict=True)])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(line: str) -> Result:
    return CliRunner().invoke(cli, line.split())


def test_it_is_trained_scored_and_asked_as_a_tier(here: Path) -> None:
    pytest.importorskip("xllamacpp")
    distill = "distill labels.parquet corpus.csv -o slm --kind slm --set model=tiny --set epochs=1"
    told = call(f"{distill} --gold gold")
    assert told.exit_code == 0, told.output
    assert "the model tiny -> slm" in told.output
    asked = call(
        "ask votes.parquet corpus.csv --prompts slm/prompts.py --tier slm/tiers.toml --set threads=1 --budget 0 "
        "--share 0.1 -o more.parquet"
    )
    assert asked.exit_code == 0, asked.output
    more = VoteMatrix.load("more.parquet")
    assert more.sources[-1].name == "slm/slm"
    assert (np.asarray(more.values)[:, -1] >= 0).sum() == 9
    again = call(f"{distill} --set rank=x")
    assert isinstance(again.exception, Exception)
    assert "expected rank to be a whole number" in str(again.exception)
    for verb in ("predict slm corpus.csv -o out.csv", "export slm -o out --format hf"):
        assert "which a tier serves" in str(call(verb).exception)


def test_a_run_wants_a_student_that_labels_here(tmp_path: Path) -> None:
    (tmp_path / "weaksup.toml").write_text('[corpus]\npath = "a.csv"\n[student]\nkind = "slm"\n')
    with pytest.raises(ConfigError, match='expected a kind that labels the rows here, got "slm"; make it by') as told:
        Project.load(tmp_path)
    assert "\n" not in str(told.value)
