from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from weaksup import LabelSpace, SoftLabels, open_corpus
from weaksup.cli import cli
from weaksup.distill import load_bundle
from weaksup.errors import WeaksupError

SPACE = LabelSpace(["HAM", "SPAM"])
ROWS = 200


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus, its soft labels, and a classifier."""
    folder = tmp_path_factory.mktemp("distill")
    ham, spam = "see you at {} for lunch", "win {} pounds, call now"
    texts = [(spam if i % 2 else ham).format(i) for i in range(ROWS)]
    with (folder / "c.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["id", "text", "gold"], *([f"r{i}", t, SPACE.names[i % 2]] for i, t in enumerate(texts))]
        )
    proba = np.array([[0.1, 0.9] if i % 2 else [0.9, 0.1] for i in range(ROWS)])
    soft = SoftLabels(tuple(f"r{i}" for i in range(ROWS)), proba, np.ones(ROWS, bool), SPACE)
    soft.save(str(folder / "labels.parquet"), {"origin": open_corpus(folder / "c.csv").origin()})
    done = run("distill", folder / "labels.parquet", "-o", folder / "model")
    assert done.exit_code == 0, done.output
    return folder


def run(*args: object) -> Result:
    return CliRunner().invoke(cli, [str(arg) for arg in args])


def test_the_corpus_is_found_again_and_the_classifier_works(made: Path) -> None:
    student = load_bundle(made / "model")
    assert student.predict(["call now to win", "lunch?"]) == ["SPAM", "HAM"]


def test_gold_is_kept_out_and_scored(made: Path, tmp_path: Path) -> None:
    args = ("distill", made / "labels.parquet", "-o", tmp_path / "m", "--gold", "gold")
    found = json.loads(run(*args, "--json").output)
    assert found["trained_on"] + found["held_out"]["rows"] == ROWS
    assert found["held_out"]["accuracy"] == 1.0
    assert load_bundle(tmp_path / "m").metrics["accuracy"] == 1.0
    assert "accuracy 1.000" in run(*args).output


def test_clamped_rows_are_certain(made: Path, tmp_path: Path) -> None:
    done = run("distill", made / "labels.parquet", "-o", tmp_path / "m", "--clamp", "gold", "--json")
    assert done.exit_code == 0, done.output
    assert load_bundle(tmp_path / "m").manifest["training"]["gold_rows"] == ROWS


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_predictions_are_the_same_by_every_route(made: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"p.{kind}"
    done = run("predict", made / "model", made / "c.csv", "-o", out, "--proba")
    assert done.exit_code == 0, done.output
    assert f"{ROWS} rows labeled" in done.output
    if kind == "csv":
        with out.open(newline="") as file:
            rows = [dict(row) for row in csv.DictReader(file)]
    elif kind == "jsonl":
        rows = [json.loads(line) for line in out.read_text().splitlines()]
    else:
        rows = pq.read_table(out).to_pylist()
    texts = next(open_corpus(made / "c.csv").scan()).batch.column("text").to_pylist()
    assert [row["label"] for row in rows] == load_bundle(made / "model").predict(texts)
    assert [row["id"] for row in rows] == [f"r{i}" for i in range(ROWS)]
    assert all(abs(float(row["p(HAM)"]) + float(row["p(SPAM)"]) - 1) < 1e-4 for row in rows)


def test_an_empty_corpus_gives_a_header_and_bad_rows_are_exit_3(made: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("id,text\n")
    assert run("predict", made / "model", tmp_path / "empty.csv", "-o", tmp_path / "e.csv").exit_code == 0
    assert (tmp_path / "e.csv").read_text() == "id,label,confidence\n"
    (tmp_path / "bad.csv").write_text("id,text\na,hello\nb,too,many\n")
    done = run("predict", made / "model", tmp_path / "bad.csv", "-o", tmp_path / "b.csv")
    assert isinstance(done.exception, WeaksupError)
    assert done.exception.exit_code == 3
    assert "bad.csv:3" in done.output
    assert len((tmp_path / "b.csv").read_text().splitlines()) == 2


def test_wrong_use_is_one_line(made: Path, tmp_path: Path) -> None:
    cases = [
        (("predict", tmp_path, made / "c.csv", "-o", tmp_path / "p.csv"), "expected a bundle"),
        (("predict", made / "model", made / "c.csv", "-o", tmp_path / "p.txt"), "ends in .csv"),
        (("predict", made / "model", tmp_path / "no.csv", "-o", tmp_path / "p.csv"), "does not exist"),
        (("predict", made / "model", made / "c.csv", "-o", tmp_path / "p.csv", "--text", "txt"), 'column "txt"'),
        (("distill", made / "c.csv", "-o", tmp_path / "m"), "soft labels"),
        (("distill", made / "labels.parquet", "-o", tmp_path / "m", "--gold", "nope"), 'column "nope"'),
    ]
    for args, says in cases:
        error = run(*args).exception
        assert isinstance(error, WeaksupError), args
        assert says in str(error)
        assert "\n" not in str(error)
    (tmp_path / "other.csv").write_text("id,text\nx,hello\n")
    error = run("distill", made / "labels.parquet", tmp_path / "other.csv", "-o", tmp_path / "m").exception
    assert "without row" in str(error)


def test_predicting_loads_nothing_that_training_needs(made: Path, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom weaksup.cli import main\n"
        f"try: main(['predict', {str(made / 'model')!r}, {str(made / 'c.csv')!r}, '-o', {str(tmp_path / 'p.csv')!r}])\n"
        "except SystemExit as end: assert not end.code\n"
        "print(*{'torch', 'sklearn', 'scipy', 'onnx', 'snorkel', 'spacy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""
