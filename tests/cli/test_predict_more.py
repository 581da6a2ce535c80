"""`weaksup predict` with rows that have fields, rows that have any number of labels, and what it says when it stops."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus

from weaksup import LabelSpace, SoftLabelSets
from weaksup.cli import main
from weaksup.corpus import open_corpus
from weaksup.corpus.gold import read_gold
from weaksup.distill import load_bundle, save_bundle, train
from weaksup.distill.bundle.fields import Fields

SETS = LabelSpace(["money|cash", "bug"], multi=True)
TEXTS = ["refund and crash", "crash again", "hello there", "refund please"] * 10


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with `fielded`, which reads the sender too, and `tagger`, which gives any number of labels."""
    texts, gold = make_corpus(120)
    folder = tmp_path_factory.mktemp("more")
    student = train(texts, np.eye(3)[gold], labels=SPACE, strengths=(10.0,))
    save_bundle(student, folder / "fielded", fields=Fields(("sender",)))
    marks = np.array([[1, 1], [0, 1], [0, 0], [1, 0]] * 10)
    soft = SoftLabelSets(tuple(map(str, range(40))), 0.1 + 0.8 * marks, np.ones_like(marks, bool), SETS)
    save_bundle(train(TEXTS, soft), folder / "tagger")
    return folder


@pytest.fixture
def here(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("fielded", "tagger"):
        shutil.copytree(packed / name, name)
    return tmp_path


def run(*args: object) -> int:
    with pytest.raises(SystemExit) as done:
        main(["predict", *map(str, args)])
    return int(str(done.value.code))


def piped(given: bytes, *args: str) -> tuple[bytes, str]:
    command = [sys.executable, "-m", "weaksup", "predict", *args]
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    return done.stdout, f"{done.returncode} {done.stderr.decode()}"


def test_lines_of_stdin_are_texts_without_fields(here: Path) -> None:
    out, told = piped(b"the refund\ncrash again\n", "fielded", "-", "-o", "-", "--to", "jsonl")
    said = load_bundle("fielded").predict(["the refund", "crash again"])
    assert [json.loads(line)["label"] for line in out.splitlines()] == said
    assert told == "0 2 rows labeled -> stdout (0 rejected, 0 duplicates)\n"


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_nothing_is_written_before_a_refusal(here: Path, kind: str) -> None:
    out, told = piped(b"text,Sender\nthe refund,Bob\n", "fielded", "-", "--from", "csv", "-o", "-", "--to", kind)
    assert out == b""
    assert told.startswith('2 error: expected the column "sender", which this student reads, got a corpus with')
    assert told.endswith('text, Sender; rename "Sender"\n')
    out, told = piped(b"text\nthe refund\n", "fielded", "-", "--from", "csv", "-o", "-", "--to", kind)
    assert out == b""
    assert told.endswith("add it, empty where there is no value\n")
    out, told = piped(b"\xff\xfe,a\n", "fielded", "-", "--from", "csv", "-o", "-", "--to", kind)
    assert (out, told[0]) == (b"", "2")


def test_a_row_without_labels_and_a_row_left_open_differ_in_csv(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {str(i): text for i, text in enumerate(TEXTS[:4])} | {"hm": "hm"}
    Path("c.csv").write_text("id,text\n" + "".join(f"{i},{text}\n" for i, text in rows.items()))
    sure = load_bundle("tagger").decide(load_bundle("tagger").predict_proba(list(rows.values()))).confidence
    limit = str((sorted(sure)[0] + sorted(sure)[1]) / 2)
    assert run("tagger", "c.csv", "-o", "o.csv", "--abstain-below", limit) == 0
    assert "4 of 5 rows labeled, 1 left open as too unsure -> o.csv" in capsys.readouterr().out
    with Path("o.csv").open(newline="") as file:
        cells = [row["labels"] for row in csv.DictReader(file)]
    assert cells == ['["money|cash", "bug"]', "bug", "[]", '["money|cash"]', ""]
    said = load_bundle("tagger").predict_sets(list(rows.values()), abstain_below=float(limit))
    gold = read_gold(open_corpus("o.csv", text="labels"), "text", list(rows), SETS)
    expected: list[list[int]] = [[-1, -1] if row is None else [int(name in row) for name in SETS.names] for row in said]
    assert gold.tolist() == expected


def test_a_precision_is_not_taken_where_it_is_never_promised(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("c.csv").write_text("id,text\na,refund\n")
    assert run("tagger", "c.csv", "-o", "o.csv", "--precision", "0.9") == 2
    told = capsys.readouterr().err
    assert "use --abstain-below" in told
    assert "--gold" not in told


SLOW = """
import sys, time
sys.argv = ["weaksup", *sys.argv[1:]]
import weaksup.distill, weaksup.cli
def slow(*args, **more):
    print("on", file=sys.stderr, flush=True)
    time.sleep(600)
weaksup.distill.label_corpus = slow
weaksup.cli.main()
"""


def test_an_interrupt_says_that_the_command_starts_again(here: Path) -> None:
    Path("c.csv").write_text("id,text\na,refund\n")
    command: list[Any] = [sys.executable, "-c", SLOW, "predict", "tagger", "c.csv", "-o", "o.csv"]
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    process = subprocess.Popen(command, text=True, stderr=subprocess.PIPE)
    signal.signal(signal.SIGINT, handler)
    with process:
        assert process.stderr is not None
        assert process.stderr.readline() == "on\n"
        os.kill(process.pid, signal.SIGINT)
        told = process.stderr.read()
    assert process.returncode == 130
    assert told.strip() == (
        "interrupted; no file is left half written; run the same command again, it starts from the beginning"
    )
    assert not Path("o.csv").exists()


@pytest.mark.parametrize("verb", ["ask", "demo", "evaluate", "run"])
def test_verbs_that_keep_what_is_done_say_so(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("weaksup.cli.cli.main", stop)
    with pytest.raises(SystemExit):
        main([verb])
    assert "answers that were finished are kept" in capsys.readouterr().err
