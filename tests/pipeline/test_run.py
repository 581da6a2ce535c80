"""The path end to end: what runs, what is reused, what an interruption costs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from weaksup import SoftLabels, VoteMatrix
from weaksup.cli import cli
from weaksup.demo import load_tickets, write_starter
from weaksup.distill import load_bundle
from weaksup.errors import BudgetError, ConfigError, CorpusError, WeaksupError
from weaksup.pipeline import run_project
from weaksup.project import Project
from weaksup.store import Store

STEPS = ("apply", "analyze", "fit", "plan", "ask", "refit", "distill")
ROWS = 240


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A starter project, small, run once."""
    folder = tmp_path_factory.mktemp("made")
    write_starter(folder)
    for name in ("tickets", "gold"):
        path = folder / "data" / f"{name}.csv"
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))[: ROWS + 1]
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    run_project(Project.load(folder))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of the finished project."""
    import shutil

    copy = tmp_path / "p"
    shutil.copytree(made, copy)
    return copy


def _change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_every_step_leaves_its_files(made: Path) -> None:
    out = made / "out"
    votes, asked = VoteMatrix.load(out / "votes.parquet"), VoteMatrix.load(out / "votes_asked.parquet")
    assert len(votes) == len(asked) == ROWS
    assert asked.sources[-1].kind == "tier"
    assert "SIMULATED" in asked.names[-1]
    assert len(SoftLabels.load(str(out / "labels.parquet"))) == ROWS
    assert "<html" in (out / "report.html").read_text(encoding="utf-8")
    student = load_bundle(out / "student")
    with (out / "predictions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    texts = {t.id: t.text for t in load_tickets()}
    assert [row["id"] for row in rows] == list(votes.ids)
    assert [row["label"] for row in rows] == student.predict([texts[i] for i in votes.ids])


def test_a_second_run_does_nothing_again_and_says_the_same(folder: Path) -> None:
    first = json.loads((folder / "out" / "state.json").read_text())
    summary = run_project(Project.load(folder))
    assert summary.reused == STEPS
    assert {name: step["summary"] for name, step in first.items()} == dict(summary.steps)


@pytest.mark.parametrize(
    ("file", "before", "after", "again"),
    [
        ("lfs.py", "invoice", "invoyce", STEPS),
        ("weaksup.toml", "share = 0.30", "share = 0.20", STEPS[3:]),
        ("weaksup.toml", 'kind = "linear"', 'kind = "linear"\nseed = 1', STEPS[6:]),
        ("data/gold.csv", "cancellation", "billing", ("analyze", "fit", "ask", "refit", "distill")),
    ],
)
def test_what_changed_runs_again_and_nothing_before_it(
    folder: Path, file: str, before: str, after: str, again: tuple[str, ...]
) -> None:
    _change(folder / file, before, after)
    assert set(run_project(Project.load(folder)).reused) == set(STEPS) - set(again)


def test_an_output_that_was_damaged_is_made_again(folder: Path) -> None:
    before = (folder / "out" / "labels.parquet").read_bytes()
    (folder / "out" / "labels.parquet").write_bytes(before[:-9] + b"x" * 9)
    assert "ask" not in run_project(Project.load(folder)).reused
    assert (folder / "out" / "labels.parquet").read_bytes() == before


def test_answers_are_paid_once_however_often_the_project_runs(folder: Path) -> None:
    def spent() -> float:
        with Store(folder / "out" / "store.db") as store:
            return store.account("project").spent

    before = spent()
    assert before > 0
    (folder / "out" / "state.json").unlink()
    tiers = run_project(Project.load(folder)).tiers
    assert tiers[0]["cached"] == tiers[0]["rows"]
    assert spent() == before


def test_an_interruption_while_asking_keeps_what_was_paid(folder: Path) -> None:
    (folder / "out" / "store.db").unlink()
    (folder / "out" / "state.json").unlink()

    def stop_in_the_middle(step: str, done: int, total: int | None) -> None:
        if step == "ask" and done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_project(Project.load(folder), watch=stop_in_the_middle)
    with Store(folder / "out" / "store.db") as store:
        paid = [row for row in store.ledger() if row["state"] == "done"]
        assert len(paid) >= 20
    summary = run_project(Project.load(folder))
    assert summary.reused[:3] == STEPS[:3]
    assert summary.tiers[0]["cached"] == len(paid)
    with Store(folder / "out" / "store.db") as store:
        keys = [row["key"] for row in store.ledger() if row["state"] == "done"]
    assert len(keys) == len(set(keys)) == summary.tiers[0]["answered"]


def test_the_cap_that_ended_asking_is_named(folder: Path) -> None:
    (folder / "out" / "store.db").unlink()
    _change(folder / "weaksup.toml", "budget_usd = 0.05", "budget_usd = 0.05\ncalls = 3")
    done = CliRunner().invoke(cli, ["run", str(folder)])
    assert isinstance(done.exception, BudgetError)
    assert str(done.exception).startswith("the cap on calls of the run is reached; ")
    assert "raise budget_usd" not in str(done.exception)


def test_a_budget_that_ends_is_kept_told_and_goes_on_when_raised(folder: Path) -> None:
    (folder / "out" / "store.db").unlink()
    _change(folder / "weaksup.toml", "budget_usd = 0.05", "budget_usd = 0.0005")
    done = CliRunner().invoke(cli, ["run", str(folder)])
    assert isinstance(done.exception, WeaksupError)
    assert done.exception.exit_code == 4
    assert "not asked (budget)" in done.output
    with Store(folder / "out" / "store.db") as store:
        assert 0 < store.account("project").spent <= 500
    _change(folder / "weaksup.toml", "budget_usd = 0.0005", "budget_usd = 0.05")
    assert CliRunner().invoke(cli, ["run", str(folder)]).exit_code == 0


def test_rows_without_an_answer_are_told_and_asked_again(folder: Path) -> None:
    gold = folder / "data" / "gold.csv"
    whole = gold.read_text(encoding="utf-8")
    with gold.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    with gold.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows[: ROWS // 2])
    done = CliRunner().invoke(cli, ["run", str(folder)])
    assert isinstance(done.exception, WeaksupError)
    assert done.exception.exit_code == 3
    gold.write_text(whole, encoding="utf-8")
    assert CliRunner().invoke(cli, ["run", str(folder)]).exit_code == 0


def test_a_project_without_gold_and_tiers_runs_on_votes_alone(folder: Path) -> None:
    toml = (folder / "weaksup.toml").read_text(encoding="utf-8")
    head = toml.split("[ask]")[0].replace('gold = "label"\n', "").split("\n")
    text = "\n".join(line for line in head if not line.startswith("gold"))
    (folder / "weaksup.toml").write_text(text, encoding="utf-8")
    summary = run_project(Project.load(folder))
    assert set(summary.steps) == {"apply", "analyze", "fit", "distill"}
    done = CliRunner().invoke(cli, ["run", str(folder)])
    assert done.exit_code == 0
    assert "no gold to keep from training, so not scored" in done.output


def test_the_summary_fits_one_screen_and_has_the_whole_story(folder: Path) -> None:
    done = CliRunner().invoke(cli, ["run", str(folder)])
    assert done.exit_code == 0, done.output
    assert len(done.output.splitlines()) <= 16
    for word in ("rows", "votes", "majority vote", "SIMULATED", "$", "student", "held-out", "report.html"):
        assert word in done.output
    found = json.loads(CliRunner().invoke(cli, ["run", str(folder), "--json"]).output)
    assert set(STEPS) <= set(found)


@pytest.mark.parametrize(
    ("file", "before", "after", "error", "says"),
    [
        ("weaksup.toml", 'path = "data/tickets.csv"', 'path = "data/none.csv"', CorpusError, "does not exist"),
        ("weaksup.toml", 'prompts = "prompts.py"', 'prompts = "lfs.py"', ConfigError, "expected one @prompt_function"),
        ("weaksup.toml", 'provider = "simulated"', 'provider = "psychic"', ConfigError, '"psychic"'),
        ("weaksup.toml", "price = {", "prize = {", WeaksupError, "price"),
        ("weaksup.toml", 'name = "default"', 'name = "oracle"', WeaksupError, "oracle"),
        ("lfs.py", "LABELS = LabelSpace(", "LABELS = dict(", ConfigError, "LabelSpace"),
    ],
)
def test_a_project_that_cannot_run_says_so_in_one_line_and_spends_nothing(
    folder: Path, file: str, before: str, after: str, error: type[WeaksupError], says: str
) -> None:
    import shutil

    shutil.rmtree(folder / "out")
    _change(folder / file, before, after)
    with pytest.raises(error, match=says) as caught:
        run_project(Project.load(folder))
    assert "\n" not in str(caught.value)
    assert not (folder / "out" / "store.db").exists() or not _ledger(folder)


def _ledger(folder: Path) -> list[Any]:
    with Store(folder / "out" / "store.db") as store:
        return store.ledger()
