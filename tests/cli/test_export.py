"""`weaksup export`, and `--precision` of predict and serve, as a user calls them."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from distill.scored import score
from distill.toy import SPACE, make_corpus

from weaksup.cli import main
from weaksup.distill import Student, load_bundle, save_bundle, train


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, gold = make_corpus(240)
    card = score(train(texts, np.eye(3)[gold], labels=SPACE, strengths=(10.0,)), *make_corpus(200, seed=3))
    target = tmp_path_factory.mktemp("cli") / "student"
    return save_bundle(card.student, target, metrics=card.metrics, thresholds=card.thresholds)


@pytest.fixture
def here(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(packed, "student")
    Path("t.csv").write_text("id,text\n1,the invoice\n2,crash again\n3,zzz\n", encoding="utf-8")
    return tmp_path


def run(*args: object) -> int:
    with pytest.raises(SystemExit) as done:
        main([*map(str, args)])
    return int(str(done.value.code))


def test_an_export_is_written_and_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "student", "--format", "sklearn-free", "-o", "out") == 0
    told = capsys.readouterr().out
    assert told.startswith("student as sklearn-free -> out (")
    assert "predict.py" in told
    assert run("export", "student/model.onnx", "--format", "onnx", "-o", "spam.onnx", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"output": "spam.onnx", "format": "onnx", "files": {"spam.onnx": Path("spam.onnx").stat().st_size}}


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["student", "--format", "hf", "-o", "student"], "outside the bundle"),
        (["t.csv", "--format", "hf", "-o", "x"], "which is no folder"),
        (["student", "--format", "hf", "-o", "."], "which holds other files"),
        (["student", "--format", "hf", "-o", "x.onnx"], "expected a folder for hf, got x.onnx"),
        (["student", "--format", "onnx", "-o", "x.safetensors"], "expected NAME.onnx or a folder for onnx"),
        (["student", "--format", "hf"], "Missing option '-o'"),
        (["student", "--format", "tflite", "-o", "x"], "is not one of"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(
    here: Path, capsys: pytest.CaptureFixture[str], args: list[str], expected: str
) -> None:
    assert run("export", *args) == 2
    assert expected in capsys.readouterr().err
    assert sorted(path.name for path in here.iterdir()) == ["student", "t.csv"]


def test_a_precision_is_the_threshold_that_promises_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    threshold = load_bundle("student").threshold_for(0.9)
    assert run("predict", "student", "t.csv", "-o", "p.csv", "--precision", "0.9") == 0
    assert f"--precision 0.9 is --abstain-below {threshold:g}" in capsys.readouterr().err
    assert run("predict", "student", "t.csv", "-o", "q.csv", "--abstain-below", threshold) == 0
    assert Path("p.csv").read_bytes() == Path("q.csv").read_bytes()
    rows = list(csv.DictReader(Path("p.csv").read_text(encoding="utf-8").splitlines()))
    assert [bool(row["label"]) for row in rows] == [float(row["confidence"]) >= threshold for row in rows]


@pytest.mark.parametrize("verb", [["predict", "student", "t.csv", "-o", "p.csv"], ["serve", "student"]])
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--precision", "0.9999"], "this bundle promises 0.9"),
        (["--precision", "95"], "expected a share between 0 and 1"),
        (["--precision", "0.9", "--abstain-below", "0.5"], "got both; keep one"),
    ],
)
def test_what_is_not_promised_is_refused_before_any_work(
    here: Path, capsys: pytest.CaptureFixture[str], verb: list[str], options: list[str], expected: str
) -> None:
    assert run(*verb, *options) == 2
    told = capsys.readouterr().err
    assert expected in told
    assert told.count("\n") == 1
    assert not Path("p.csv").exists()


def test_a_bundle_that_was_not_scored_promises_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts, gold = make_corpus(60)
    made: Student = train(texts, np.eye(3)[gold], labels=SPACE, strengths=(10.0,))
    save_bundle(made, "plain")
    assert run("predict", "plain", "t.csv", "-o", "p.csv", "--precision", "0.9") == 2
    assert "it was not scored; distill it again with --gold" in capsys.readouterr().err
