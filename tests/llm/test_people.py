from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from weaksup.errors import ConfigError, UsageError
from weaksup.labeling_functions import prompt_function
from weaksup.labels import LabelSpace
from weaksup.llm import Asked, Tier, ask, estimate, make_tier
from weaksup.llm.failures import Ambiguous
from weaksup.store import Store

ROWS = [
    {"id": "a", "text": "lunch, at 8?"},
    {"id": "=2+2", "text": '=cmd("x")\nsecond "line"'},
    {"id": "c", "text": "ünï"},
]


@prompt_function(labels=LabelSpace(["HAM", "SPAM"]))
def kind(x: Any) -> str:
    return "= or what is it?"


def people(path: Path, **settings: Any) -> Tier:
    return make_tier({"name": "desk", "people": str(path), "hourly_rate": 30, "items_per_hour": 60, **settings})


def fill(path: Path, **labels: str) -> None:
    """Fill in labels by row id, as a person with a spreadsheet would: all cells are written again."""
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    else:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    for row in rows:
        row["label"] = labels.get(row["id"].strip("'="), row["label"])
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".jsonl":
            file.writelines(json.dumps(row) + "\n" for row in rows)
        else:
            writer = csv.DictWriter(file, [*list(rows[0])[::-1], "note"], restval="!", quoting=csv.QUOTE_ALL)
            writer.writeheader()
            writer.writerows(rows)


@pytest.fixture(params=["q.csv", "q.jsonl"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def go(path: Path, store: Store, rows: list[dict[str, str]] = ROWS, **settings: Any) -> Asked:
    return ask(rows, kind, people(path, **settings), store, run="r", budget_usd=10)


def test_questions_go_out_and_answers_come_back_at_their_price(path: Path, store: Store) -> None:
    first = go(path, store)
    assert (first.votes, first.spent) == ({}, 0)
    assert dict(first.outcomes.failed) == {f"waits for a person: fill in {path.name}": 3}
    fill(path, a="ham", c="SPAM")
    second = go(path, store)
    assert second.votes == {"a": 0, "c": 1}
    assert second.spent == store.account("r").spent == 1_000_000  # two at 50 cents
    assert dict(second.outcomes.failed) == {f"waits for a person: fill in {path.name}": 1}
    third = go(path, store, [*ROWS, {"id": "d", "text": "more"}])
    assert (third.spent, third.outcomes.cached, third.votes) == (0, 2, second.votes)
    assert dict(third.outcomes.failed) == {f"waits for a person: fill in {path.name}": 2}
    fill(path, **{"2+2": "SPAM", "d": "HAM"})
    fourth = go(path, store, [*ROWS, {"id": "d", "text": "more"}])
    assert fourth.votes == {"a": 0, "c": 1, "=2+2": 1, "d": 0}
    assert store.account("r").spent == 2_000_000


def test_the_price_is_known_before_anybody_is_asked(path: Path, store: Store) -> None:
    tier = people(path, hourly_rate=24.5, items_per_hour=90)
    planned = estimate(ROWS, kind, tier, store)
    assert planned.likely == planned.most == 3 * 272_223  # 24.50 / 90, rounded up
    assert tier.price.source == "$24.5 an hour, 90 items an hour"
    assert not path.exists()


def test_the_budget_holds_for_people_too(path: Path, store: Store) -> None:
    go(path, store)
    fill(path, a="HAM", c="SPAM")
    tier = people(path)
    asked = ask(ROWS, kind, tier, store, run="r", budget_usd=0.99)
    assert len(asked.votes) == 1
    assert asked.stopped == "budget"


def test_a_word_that_is_no_label_waits_to_be_mended(path: Path, store: Store) -> None:
    go(path, store)
    fill(path, a="spamm")
    assert dict(go(path, store).outcomes.failed) == {
        f"waits for a person: fill in {path.name}": 2,
        "what a person wrote is not a label": 1,
    }
    fill(path, a="SPAM")
    assert go(path, store).votes == {"a": 1}


def test_who_changes_an_answer_is_heard(path: Path, store: Store) -> None:
    go(path, store)
    fill(path, a="SPAM")
    assert go(path, store).votes == {"a": 1}
    fill(path, a="HAM")
    assert go(path, store).votes == {"a": 0}


def test_a_question_is_written_once_and_no_cell_runs_in_a_spreadsheet(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "q.csv"
    go(path, store)
    before = path.read_bytes()
    go(path, store)
    assert path.read_bytes() == before
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"a", "'=2+2", "c"}
    assert rows["a"] | {"key": ""} == {
        "key": "",
        "id": "a",
        "question": '\'= or what is it?\n\nDocument: {"text": "lunch, at 8?"}',
        "choices": "HAM | SPAM",
        "label": "",
        "reason": "",
    }
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows.values() for cell in row.values())


def test_no_key_is_a_number_that_a_spreadsheet_would_write_in_its_own_way(tmp_path: Path) -> None:
    tier = people(tmp_path / "q.csv")
    prompt = tier.fitted(kind)
    for i in range(3000):
        row = {"id": str(i), "text": f"text {i}"}
        key = str(tier.provider.request(prompt.render(row), row)["key"])
        with pytest.raises(ValueError, match="could not convert"):
            float(key)


def test_a_table_with_a_byte_order_mark_and_no_last_line_end_is_added_to(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "q.csv"
    path.write_text("\ufefflabel,key,id", encoding="utf-8")
    go(path, store)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [list(row) for row in rows] == [["label", "key", "id"]] * 3
    assert [row["id"] for row in rows] == ["a", "'=2+2", "c"]


def test_two_labels_for_one_question_are_refused(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "q.csv"
    path.write_text("key,label,reason\nk1,HAM,\nk2,,\nk1,HAM,twice\n")
    assert go(path, store).votes == {}
    path.write_text("key,label\nk1,HAM\nk1,SPAM\n")
    with pytest.raises(UsageError, match='two labels for the question "k1"'):
        go(path, store)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"people": "q.xlsx"}, "expected a .csv or .jsonl file"),
        ({"people": "nowhere/q.csv"}, "expected the folder"),
        ({"hourly_rate": -1}, "hourly_rate of 0 or more"),
        ({"items_per_hour": 0}, "items_per_hour above 0"),
        ({"hourly_rate": float("nan")}, "hourly_rate of 0 or more"),
        ({"items_per_hour": float("nan")}, "items_per_hour above 0"),
        ({"items_per_hour": float("inf")}, "items_per_hour above 0"),
        ({"hourly_rate": None}, '"hourly_rate" is missing'),
    ],
)
def test_a_setting_that_is_wrong_is_named(tmp_path: Path, change: dict[str, Any], word: str) -> None:
    settings = {"name": "desk", "people": "q.csv", "hourly_rate": 30, "items_per_hour": 60, **change}
    with pytest.raises(ConfigError, match=word):
        make_tier(settings, folder=tmp_path)


def test_a_table_that_is_none_is_named(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "q.csv"
    for text in ("id,label\na,HAM\n", "id,label"):
        path.write_text(text)
        with pytest.raises(UsageError, match='no column "key"'):
            go(path, store)
    for body in (b"", b"{}", b'{"label": "A", "reason": "", "cost": null}'):
        with pytest.raises(Ambiguous):
            people(path).provider.read(body)
