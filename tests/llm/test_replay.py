from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from weaksup.errors import PriceError, UsageError
from weaksup.llm import NotSent, Replay, Tier, ask, estimate, make_tier
from weaksup.protocols import PromptFunctionProtocol
from weaksup.store import Store

RECORDS: list[dict[str, Any]] = [
    {"item_id": "001", "text": "one", "model": "big", "label": "HAM", "confidence": 0.9, "cost_usd": 0.0000535},
    {"item_id": "2", "text": "two", "model": "big", "label": "SPAM", "confidence": None, "cost_usd": 0.00002},
    {"item_id": "3", "text": "three", "model": "big", "label": None, "confidence": None, "cost_usd": None},
    {"item_id": "001", "text": "one", "model": "small", "label": "SPAM", "confidence": None, "cost_usd": 0.000001},
]
ROWS = [{"id": i, "text": t} for i, t in (("001", "one"), ("2", "two"), ("3", "three"), ("4", "four"))]


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(records[0]))
            writer.writeheader()
            writer.writerows(records)
    return path


def tier(path: Path, **settings: Any) -> Tier:
    return make_tier({"name": "rec", "provider": "replay", "path": str(path), "model": "big", **settings})


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_recorded_answers_and_costs_are_those_of_the_file(
    tmp_path: Path, store: Store, prompt: PromptFunctionProtocol, ending: str
) -> None:
    made = tier(write(tmp_path / f"a.{ending}", RECORDS))
    asked = ask(ROWS, prompt, made, store, run="r", budget_usd=1)
    assert asked.votes == {"001": 0, "2": 1, "3": -1}
    assert asked.confidence == {"001": 0.9}
    assert asked.reasons == {"3": "the recorded answer could not be used", "4": "no recorded answer"}
    # Rounded up, each: 54 + 20, and for the record without a cost the highest of the file.
    assert asked.spent == 54 + 20 + 54
    assert asked.outcomes.rows == 4


def test_an_estimate_of_recorded_answers_is_exact(tmp_path: Path, store: Store, prompt: PromptFunctionProtocol) -> None:
    made = tier(write(tmp_path / "a.parquet", RECORDS))
    before = estimate(ROWS, prompt, made, store)
    asked = ask(ROWS, prompt, made, store, run="r", budget_usd=1)
    assert before.likely == before.most == asked.spent
    after = estimate(ROWS, prompt, made, store)
    assert (after.calls, after.cached, after.most) == (1, 3, 0)


def test_tokens_at_a_price_are_charged_where_a_price_is_given(
    tmp_path: Path, store: Store, prompt: PromptFunctionProtocol
) -> None:
    records = [{**r, "input_tokens": 100.0, "output_tokens": float("nan")} for r in RECORDS[:2]]
    records.append({**RECORDS[2], "input_tokens": 10.0, "output_tokens": 7.0})
    made = tier(write(tmp_path / "a.parquet", records), price={"input": 1, "output": 10})
    asked = ask(ROWS[:3], prompt, made, store, run="r", budget_usd=1)
    assert asked.spent == 2 * (100 + 70) + 10 + 70  # a count that is missing is the highest of the file


def test_the_list_price_is_used_where_the_file_states_no_cost(tmp_path: Path) -> None:
    records = [{"text": "one", "label": "HAM", "input_tokens": 10, "output_tokens": 1}]
    made = tier(write(tmp_path / "a.parquet", records), model="gpt-4.1")
    assert "gpt-4.1" in made.price.source
    with pytest.raises(PriceError):
        tier(tmp_path / "a.parquet", model="no-such-model")


def test_rows_find_their_record_by_text_too(tmp_path: Path, store: Store, prompt: PromptFunctionProtocol) -> None:
    path = write(tmp_path / "a.csv", RECORDS)
    rows = [{"id": "x", "text": "two"}, {"id": "y", "text": "two "}]
    asked = ask(rows, prompt, tier(path, join="text"), store, run="r", budget_usd=1)
    assert asked.votes == {"x": 1}
    assert asked.reasons == {"y": "no recorded answer"}


def test_a_record_of_another_text_is_never_used(tmp_path: Path, prompt: PromptFunctionProtocol, store: Store) -> None:
    rows = [{"id": "2", "text": "something else"}]
    with pytest.raises(UsageError, match="different texts"):
        ask(rows, prompt, tier(write(tmp_path / "a.parquet", RECORDS)), store, run="r", budget_usd=1)


def test_another_file_or_model_asks_again(tmp_path: Path, store: Store, prompt: PromptFunctionProtocol) -> None:
    path = write(tmp_path / "a.parquet", RECORDS)
    assert ask(ROWS[:1], prompt, tier(path), store, run="r", budget_usd=1).votes == {"001": 0}
    small = ask(ROWS[:1], prompt, tier(path, model="small"), store, run="r", budget_usd=1)
    assert (small.votes, small.outcomes.cached) == ({"001": 1}, 0)
    changed = write(tmp_path / "b.parquet", [{**RECORDS[0], "label": "SPAM"}])
    assert ask(ROWS[:1], prompt, tier(changed), store, run="r", budget_usd=1).votes == {"001": 1}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"model": "nobody"}, "has no records of model"),
        ({"prompt_id": "zero"}, ""),
        ({"join": "text"}, 'no column "text"'),
    ],
)
def test_settings_that_fit_no_record_are_named(tmp_path: Path, change: dict[str, str], word: str) -> None:
    records = [{k: v for k, v in r.items() if k != "text"} for r in RECORDS[:2]]
    path = write(tmp_path / "a.parquet", records)
    if not word:
        assert tier(path, **change).model == "big"  # there is no such column: nothing to choose by
        return
    with pytest.raises(UsageError, match=word):
        tier(path, **change)


def test_two_answers_for_one_item_are_refused_with_the_prompts_to_choose_from(tmp_path: Path) -> None:
    records = [{**RECORDS[0], "prompt_id": "a"}, {**RECORDS[0], "prompt_id": "b", "label": "SPAM"}]
    path = write(tmp_path / "a.parquet", records)
    with pytest.raises(UsageError, match="one of a, b"):
        tier(path)
    assert tier(path, prompt_id="b").model == "big"
    with pytest.raises(UsageError, match="keep one"):
        tier(write(tmp_path / "b.parquet", [RECORDS[0], {**RECORDS[0], "label": "SPAM"}]))


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.parquet", b"no parquet", "cannot read"),
        ("a.jsonl", b'{"label": "HAM"}\n[1]', "line 2"),
        ("a.jsonl", b"\xff", "cannot read"),
        ("a.txt", b"x", "unknown ending"),
        ("a.csv", b"text,other\nx,y\n", 'no column "label"'),
        ("a.csv", b"text,label,input_tokens\nx,HAM,many\n", "expected a number"),
        ("a.csv", b"text,label,input_tokens\nx,HAM,-4\n", "number of tokens"),
        ("a.csv", b"text,label,cost_usd\nx,HAM,-4\n", "expected dollars"),
        ("a.csv", b"model,label\nbig,HAM\n", 'no column "text"'),
    ],
)
def test_a_file_that_is_no_recording_is_one_line(tmp_path: Path, name: str, content: bytes, word: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=word) as caught:
        tier(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        tier(tmp_path / "gone.parquet")


def test_a_row_without_a_record_is_not_sent(tmp_path: Path) -> None:
    made = Replay(write(tmp_path / "a.parquet", RECORDS), "big")
    made.open()
    with pytest.raises(NotSent, match="no recorded answer"):
        made.send({"id": "none"})
