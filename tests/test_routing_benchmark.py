"""The benchmark of routing: any file of recorded answers, one JSON object, every answer charged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import recorded_answers

    return recorded_answers


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Write 120 items answered by five sources; one answer is null, one is no label."""
    random, n = np.random.default_rng(0), 120
    gold = np.where(np.arange(n) % 3 == 0, "spam", "ham")
    parts = []
    for model, prompt, right, price in (
        ("small", "p", 0.75, 0.01),
        ("small", "q", 0.75, 0.01),
        ("tiny", "p", 0.7, 0.0),
        ("middle", "p", 0.9, 0.5),
        ("big", "p", 1.0, 1.0),
    ):
        said = np.where(random.random(n) < right, gold, np.where(gold == "ham", "spam", "ham")).astype(object)
        if model == "tiny":
            said[0], said[1] = None, "neither"
        items = [f"i{i}" for i in range(n)]
        texts = [f"text {i} {'free prize' if g == 'spam' else 'home'}" for i, g in enumerate(gold)]
        columns = {"item_id": items, "text": texts, "gold": gold, "model": model, "prompt_id": prompt, "label": said}
        parts.append(pd.DataFrame({**columns, "confidence": np.nan, "cost_usd": price}))
    pd.concat(parts).to_parquet(tmp_path / "recorded.parquet")
    return tmp_path / "recorded.parquet"


def test_signals_are_other_prompts_and_models_at_a_tenth_of_the_price_unless_named(
    answers: ModuleType, path: Path
) -> None:
    def signals(named: list[str] | None) -> tuple[str, ...]:
        recording = answers.read_recording(path, cheap="small", premium="big", signals=named)
        found: tuple[str, ...] = recording.ladder.signals
        return found

    assert signals(None) == ("small/q", "tiny/p")
    assert signals(["middle"]) == ("small/q", "middle/p")
    assert signals([]) == ()


def test_null_and_foreign_answers_are_abstains(answers: ModuleType, path: Path) -> None:
    recording = answers.read_recording(path, cheap="tiny", premium="big")
    assert recording.cheap.label[:2].tolist() == [-1, -1]
    assert recording.labels.names == ("ham", "spam")


def test_every_answer_is_charged_once(answers: ModuleType, path: Path) -> None:
    recording = answers.read_recording(path, cheap="small", premium="big")
    votes = recording.nothing_asked()
    assert recording.cost(votes) == 0
    for rows in (np.arange(60), np.arange(30, 90)):
        votes = recording.buy(votes, "small/p", rows)
    votes = recording.buy(votes, "big/p", np.arange(12))
    assert recording.cost(votes) == pytest.approx((90 * 0.01 + 12) / 120)


def test_a_model_or_prompt_that_is_not_there_is_named(answers: ModuleType, path: Path) -> None:
    with pytest.raises(SystemExit, match='expected answers of "huge" to prompt'):
        answers.read_recording(path, cheap="small", premium="huge", prompt="p")
    with pytest.raises(SystemExit, match="expected Parquet with the columns item_id"):
        answers.read_recording(path.parent / "none.parquet", cheap="small", premium="big")


def test_the_command_prints_one_json_object_and_writes_nothing(path: Path) -> None:
    command: list[str | Path] = [sys.executable, BENCHMARKS / "routing.py", "--answers", path]
    command += ["--cheap", "small", "--premium", "big"]
    done = subprocess.run([*command, "--share", "0.2", "--json"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert {"accuracy", "recovered", "cost_fraction", "cheap", "premium"} <= set(found)
    assert found["premium"] == 1.0
    assert found["escalated"] <= 0.2
    assert found["accuracy"] > found["cheap"]
    assert found["recovered"] == pytest.approx((found["accuracy"] - found["cheap"]) / (1 - found["cheap"]))
    assert [p.name for p in path.parent.iterdir()] == [path.name]
