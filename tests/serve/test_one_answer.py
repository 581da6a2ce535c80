"""The command line, Python and HTTP give the same answer, in batches of any size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from distill.toy import make_corpus
from serve.live import Live

from weaksup.distill import Predictor, Student

SIZES = (1, 7, 64)
THRESHOLD = 0.8


@pytest.fixture(scope="module")
def texts() -> list[str]:
    rough = [
        "",
        " ",
        "\u0000",
        "ＩＮＶＯＩＣＥ",
        "crash " * 3000,
        "👍" * 50,
        "where\nare\tmy\r\nsettings",
        '"quoted", 1',
        "=1+1",
    ]
    return [*make_corpus(491, seed=9)[0], *rough]


@pytest.fixture(scope="module")
def expected(model: Predictor, texts: list[str]) -> tuple[list[str | None], np.ndarray]:
    return model.predict(texts, abstain_below=THRESHOLD), model.predict_proba(texts)


def predict(folder: Path, *args: str, given: bytes = b"") -> bytes:
    env = {**os.environ, "LC_ALL": "C"}
    command = [sys.executable, "-m", "weaksup", "predict", *args, "--abstain-below", str(THRESHOLD), "--proba"]
    done = subprocess.run(command, input=given, capture_output=True, cwd=folder, env=env, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("size", SIZES)
def test_python_gives_it_in_batches_of_any_size(
    packed: Path, model: Predictor, texts: list[str], expected: tuple[list[str | None], np.ndarray], size: int
) -> None:
    for threads in (1, 2):
        assert model.predict(texts, abstain_below=THRESHOLD, batch_size=size, threads=threads) == expected[0]
        found = model.predict_proba(texts, batch_size=size, threads=threads)
        assert np.abs(found - expected[1]).max() <= 1e-6
    assert Student.load(packed).predict(texts, abstain_below=THRESHOLD, batch_size=size) == expected[0]
    parts = [texts[start : start + size] for start in range(0, len(texts), size)]
    assert [label for part in parts for label in model.predict(part, abstain_below=THRESHOLD)] == expected[0]


@pytest.mark.parametrize("size", SIZES)
def test_http_gives_it_in_requests_of_any_size(
    live: Live, texts: list[str], expected: tuple[list[str | None], np.ndarray], size: int
) -> None:
    rows = []
    for start in range(0, len(texts), size):
        reply = live.predict(texts=texts[start : start + size], abstain_below=THRESHOLD, proba=True)
        rows += reply.json["predictions"]
    assert [row["label"] for row in rows] == expected[0]
    assert np.abs([list(row["proba"].values()) for row in rows] - expected[1]).max() <= 1e-6


def test_the_command_line_gives_it_for_files_and_stdin(
    packed: Path, model: Predictor, texts: list[str], expected: tuple[list[str | None], np.ndarray], tmp_path: Path
) -> None:
    names = [f"p({name})" for name in model.classes]
    wire = "".join(json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate(texts)).encode()
    (tmp_path / "c.jsonl").write_bytes(wire)
    predict(tmp_path, str(packed), "c.jsonl", "-o", "o.parquet")
    predict(tmp_path, str(packed), "c.jsonl", "-o", "one.parquet", "--threads", "1")
    assert (tmp_path / "o.parquet").read_bytes() == (tmp_path / "one.parquet").read_bytes()
    piped = predict(tmp_path, str(packed), "-", "--from", "jsonl", "-o", "-", "--to", "jsonl")
    assert piped == b""
    piped = predict(tmp_path, str(packed), "-", "--from", "jsonl", "-o", "-", "--to", "jsonl", given=wire)
    for rows in (pq.read_table(tmp_path / "o.parquet").to_pylist(), list(map(json.loads, piped.splitlines()))):
        assert [row["label"] for row in rows] == expected[0]
        assert np.abs([[row[name] for name in names] for row in rows] - expected[1]).max() <= 1e-6


def test_some_rows_have_a_label_and_some_have_none(expected: tuple[list[str | None], np.ndarray]) -> None:
    missing = expected[0].count(None)
    assert 10 < missing < len(expected[0]) - 10
