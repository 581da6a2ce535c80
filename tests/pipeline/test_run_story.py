"""What `weaksup run` says of money, of tiers that were not reached, of ties, and of a student that it started from."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from weaksup import LabelSpace
from weaksup.cli import cli
from weaksup.demo import write_starter
from weaksup.distill import save_bundle, train
from weaksup.errors import BudgetError

ROWS = 200
SPACE = LabelSpace(["HAM", "SPAM"])
PREMIUM = """
[[tiers]]
name = "premium"
provider = "simulated"
truth = "data/gold.csv"
error_rate = 0.01
price = { input = 5, output = 15 }
share = 0.10
"""
STUDENT = '[[tiers]]\nname = "last month"\nprovider = "student"\nmodel = "last_month"\n'
LFS = """
from weaksup import LabelSpace
from weaksup.labeling_functions import keywords
LABELS = LabelSpace(["HAM", "SPAM"])
prize = keywords("prize", ["prize"], label="SPAM")
win = keywords("win", ["win"], label="SPAM")
lunch = keywords("lunch", ["lunch"], label="HAM")
noon = keywords("noon", ["noon"], label="HAM")
"""
TEXTS = ["win a prize, friend", "lunch at noon, friend", "friend, you win", "noon, friend"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A starter project, small, with a second tier."""
    write_starter(tmp_path)
    for name in ("tickets", "gold"):
        path = tmp_path / "data" / f"{name}.csv"
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))[: ROWS + 1]
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    change(tmp_path / "weaksup.toml", "[student]\n", f"{PREMIUM}\n[student]\n")
    return tmp_path


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def story(folder: Path) -> tuple[list[str], BaseException | None]:
    done = CliRunner().invoke(cli, ["run", str(folder)])
    return [line.strip() for line in done.stdout.splitlines()], done.exception


def starting(lines: list[str], what: str) -> list[str]:
    return [line.removeprefix(what).strip() for line in lines if line.startswith(what)]


def test_a_tier_tells_its_own_money_and_the_project_tells_all_of_it_once(folder: Path) -> None:
    change(folder / "weaksup.toml", "budget_usd = 0.05", "budget_usd = 5")
    lines, error = story(folder)
    assert error is None
    cheap, premium = starting(lines, "asked")
    own = [float(line.split("; $")[1].removesuffix(" now")) for line in (cheap, premium)]
    (spent,) = starting(lines, "spent")
    now, all_of_it = (float(part.split()[0]) for part in spent.split("$")[1:])
    assert spent.endswith(" by this project so far")
    assert now == all_of_it == pytest.approx(sum(own), abs=2e-4)
    lines, _ = story(folder)
    assert all("$" not in line for line in starting(lines, "asked"))
    assert starting(lines, "spent") == [f"nothing now, ${now:.4f} by this project so far"]


def test_a_tier_that_costs_nothing_tells_no_money(folder: Path) -> None:
    from weaksup.demo import load_tickets

    tickets = load_tickets()[-400:]
    names = sorted({ticket.label for ticket in load_tickets()})
    gold = np.eye(len(names))[[names.index(ticket.label) for ticket in tickets]]
    save_bundle(train([t.text for t in tickets], gold, labels=LabelSpace(names)), folder / "last_month")
    change(folder / "weaksup.toml", "# Tiers are asked", f"{STUDENT}\n# Tiers are asked")
    change(folder / "weaksup.toml", "budget_usd = 0.05", "budget_usd = 5")
    lines, error = story(folder)
    assert error is None
    (free,) = [line for line in starting(lines, "asked") if line.startswith("last month")]
    assert free.startswith(f"last month/ticket_intent: {ROWS} rows, {ROWS} answered")
    assert "$" not in free


def test_a_tier_that_the_budget_did_not_reach_is_named(folder: Path) -> None:
    change(folder / "weaksup.toml", "budget_usd = 0.05", "budget_usd = 0.001")
    lines, error = story(folder)
    assert isinstance(error, BudgetError)
    assert starting(lines, "asked")[-1] == "SIMULATED premium/ticket_intent: not asked, the budget was used up"


def test_what_is_planned_and_what_ties_is_said_in_words(folder: Path) -> None:
    lines, _ = story(folder)
    (planned,) = starting(lines, "planned")
    assert planned.endswith(" labels would change")
    (model,) = starting(lines, "label model")
    assert " labels differ where majority vote decides; on " in model
    assert model.endswith(" rows it ties and draws")


# --- a student to start from


def spam(folder: Path, *, flipped: bool) -> tuple[list[str], dict[str, object]]:
    """Run a project that starts from a student which is always right, or always wrong; return its story, and state."""
    texts = [f"{TEXTS[i % 4]} {i}" for i in range(120)]
    gold = [1 - i % 2 for i in range(120)]
    rows = [{"id": str(i), "text": texts[i], "label": SPACE.names[gold[i]]} for i in range(120)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "lfs.py").write_text(LFS, encoding="utf-8")
    told = '[corpus]\npath = "corpus.jsonl"\ngold = "label"\n[label_model]\nname = "majority"\n[student]\n'
    (folder / "weaksup.toml").write_text(f'{told}start_from = "earlier"\n', encoding="utf-8")
    taught = np.eye(2)[[1 - c if flipped else c for c in gold]] * 0.98 + 0.01
    save_bundle(train(texts, taught, labels=SPACE), folder / "earlier")
    lines, error = story(folder)
    assert error is None
    return starting(lines, "started from"), json.loads((folder / "out" / "state.json").read_text())["start"]["summary"]


@pytest.mark.parametrize("flipped", [True, False])
def test_a_student_that_makes_labels_worse_is_said_to_be_left_out(tmp_path: Path, flipped: bool) -> None:
    (line,), found = spam(tmp_path, flipped=flipped)
    paired = found["paired"]
    assert isinstance(paired, dict)
    assert (paired["p"] < 0.05) == flipped
    assert ("(worse with it: leave start_from out)" in line) == flipped
    assert "better with it" not in line
