"""`weaksup predict`, as a user calls it."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distill.toy import make_corpus

from weaksup.cli import main
from weaksup.distill import load_bundle


@pytest.fixture
def here(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(packed, "student")
    Path("c.csv").write_text("id,text\n001,the invoice\nNA,crash again\n", encoding="utf-8")
    return tmp_path


def run(*args: object) -> int:
    with pytest.raises(SystemExit) as done:
        main(["predict", *map(str, args)])
    return int(str(done.value.code))


def test_rows_are_labeled_and_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("student", "c.csv", "-o", "out.csv") == 0
    assert "2 rows labeled -> out.csv (0 rejected, 0 duplicates)" in capsys.readouterr().out
    lines = Path("out.csv").read_bytes().decode().split("\n")
    assert [line.rpartition(",")[0] for line in lines] == ["id,label", "001,billing", "NA,bug", ""]


def test_command_line_python_and_any_route_to_the_model_agree(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts, _ = make_corpus(50, seed=5)
    Path("c.jsonl").write_text("".join(json.dumps({"body": text, "n": i}) + "\n" for i, text in enumerate(texts)))
    assert (
        run("student/model.onnx", "c.jsonl", "--text", "body", "--id", "n", "--proba", "-o", "o.jsonl", "--json") == 0
    )
    found = json.loads(capsys.readouterr().out)
    rows = [json.loads(line) for line in Path("o.jsonl").read_text().splitlines()]
    model = load_bundle("student")
    assert [row["label"] for row in rows] == model.predict(texts)
    assert np.allclose([[row[f"p({n})"] for n in model.classes] for row in rows], model.predict_proba(texts), atol=1e-6)
    assert found["rows"] == sum(found["labels"].values()) == 50


def test_a_few_bad_rows_are_told_and_many_are_exit_3(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = "".join(f"{i},the invoice {i}\n" for i in range(300))
    Path("few.csv").write_text(f"id,text\n{good}x,y,z\n")
    assert run("student", "few.csv", "-o", "o.csv") == 0
    assert "rejected few.csv:302" in capsys.readouterr().err
    Path("many.csv").write_text(f"id,text\n{good}" + "x,y,z\n" * 8)
    assert run("student", "many.csv", "-o", "o.csv") == 3
    told = capsys.readouterr()
    assert "300 rows labeled" in told.out
    assert "and 3 rejected rows more" in told.err
    assert told.err.endswith(
        "8 of 308 rows could not be read; the others are done; mend or remove the ones named above\n"
    )
    assert len(Path("o.csv").read_text().splitlines()) == 301


def test_a_corpus_without_rows_gives_a_header(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("e.csv").write_text("id,text\n")
    assert run("student", "e.csv", "-o", "o.csv") == 0
    assert Path("o.csv").read_text() == "id,label,confidence\n"
    assert "0 rows labeled" in capsys.readouterr().out


def test_rows_below_the_threshold_get_no_label(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("c.csv").write_text("id,text\na,invoice refund charged\nb,qqq\n")
    for name in ("o.csv", "o.jsonl", "o.parquet"):
        assert run("student", "c.csv", "-o", name, "--abstain-below", "0.9") == 0
        assert f"1 of 2 rows labeled, 1 left open as too unsure -> {name}" in capsys.readouterr().out
    assert Path("o.csv").read_text().splitlines()[2].startswith("b,,0.")
    rows = [json.loads(line) for line in Path("o.jsonl").read_text().splitlines()]
    assert rows == pq.read_table("o.parquet").to_pylist()
    assert [row["label"] for row in rows] == ["billing", None]
    assert run("student", "c.csv", "-o", "o.csv", "--abstain-below", "0.9", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["abstained"], sum(found["labels"].values())) == (1, 1)


def piped(given: bytes, *args: str) -> tuple[bytes, str]:
    command = [sys.executable, "-m", "weaksup", "predict", "student", "-", *args]
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    return done.stdout, f"{done.returncode} {done.stderr.decode()}"


def test_lines_of_stdin_become_rows_of_stdout(here: Path) -> None:
    out, told = piped(b'\xef\xbb\xbfthe invoice\r\n\ncrash, "again"', "-o", "-")
    assert [row.rpartition(b",")[0] for row in out.splitlines()[:2]] == [b"id,label", b"1,billing"]
    assert [row.partition(b",")[0] for row in out.splitlines()] == [b"id", b"1", b"2", b"3"]
    assert told == "0 3 rows labeled -> stdout (0 rejected, 0 duplicates)\n"
    out, told = piped("Rechnung\nÄrger\n".encode("latin-1"), "-o", "-", "--to", "jsonl", "--encoding", "latin-1")
    assert [json.loads(line)["label"] for line in out.splitlines()] == ["billing", "bug"]
    out, told = piped(b"", "-o", "-")
    assert (out, told[0]) == (b"id,label,confidence\n", "0")


def test_a_line_that_cannot_be_read_is_told_by_its_number(here: Path) -> None:
    out, told = piped(b"the invoice\n" * 200 + b"\xff\xfe\n" + b"crash\n", "-o", "-", "--to", "jsonl")
    assert [json.loads(line)["id"] for line in out.splitlines()][-2:] == ["200", "202"]
    assert told.startswith("0 rejected stdin:201: bytes that the encoding cannot decode")
    out, told = piped(b"a\xff\x00\xd8", "-o", "-", "--encoding", "utf-16")
    assert told.startswith("2 error: expected text in utf-16 on stdin")
    assert told.count("\n") == 1


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_stdin_and_stdout_have_any_format(here: Path, kind: str) -> None:
    table = pa.table({"id": ["a", "b"], "body": ["the invoice", "crash"]})
    pq.write_table(table, "c.parquet")
    Path("c.csv").write_text("id,body\na,the invoice\nb,crash\n")
    Path("c.tsv").write_text("id\tbody\na\tthe invoice\nb\tcrash\n")
    Path("c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    out, told = piped(Path(f"c.{kind}").read_bytes(), "--from", kind, "--text", "body", "-o", "-", "--to", "parquet")
    assert pq.read_table(io.BytesIO(out)).select(["id", "label"]).to_pylist() == [
        {"id": "a", "label": "billing"},
        {"id": "b", "label": "bug"},
    ], told
    out, told = piped(Path(f"c.{kind}").read_bytes(), "--from", kind, "-o", "-")
    assert (out, told[0]) == (b"", "2")
    assert 'expected a column "text"' in told


def test_what_is_no_such_format_is_named_after_stdin(here: Path) -> None:
    for kind in ("csv", "jsonl", "parquet"):
        _out, told = piped(b"", "--from", kind, "-o", "o.csv")
        if kind != "jsonl":
            assert told.startswith("2 error: stdin: expected")
        assert "weaksup-" not in told
        assert told.count("\n") == 1
    assert run("student", "-", "-o", "-", "--json") == 2


def test_a_folder_is_labeled_from_parquet_to_parquet(here: Path) -> None:
    Path("year").mkdir()
    texts, _ = make_corpus(9000, seed=3)
    for month in range(3):
        part = texts[month * 3000 : month * 3000 + 3000]
        ids = [f"{month}-{i}" for i in range(3000)]
        pq.write_table(pa.table({"id": ids, "text": part}), f"year/{month}.parquet", row_group_size=700)
    for threads in ("1", "3"):
        assert run("student", "year", "-o", f"o{threads}.parquet", "--threads", threads) == 0
    assert Path("o1.parquet").read_bytes() == Path("o3.parquet").read_bytes()
    rows = pq.read_table("o1.parquet").to_pylist()
    assert [row["id"] for row in rows] == [f"{month}-{i}" for month in range(3) for i in range(3000)]
    assert [row["label"] for row in rows] == load_bundle("student").predict(texts)


def test_a_reader_that_goes_away_is_no_error_of_ours(here: Path) -> None:
    command = [sys.executable, "-m", "weaksup", "predict", "student", "-", "-o", "-"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdout
        process.stdout.close()
        assert process.stdin
        process.stdin.write(b"the invoice\n" * 20_000)
        process.stdin.close()
        assert process.stderr
        assert process.stderr.read() == b""
        assert process.wait(60) in {1, 141}  # click says 1


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["student", "c.csv", "-o", "o.csv", "--abstain-below", "2"], "expected a probability from 0 to 1, got 2.0"),
        (["nope", "c.csv", "-o", "o.csv"], "but there is no folder nope"),
        (["nope/model.onnx", "c.csv", "-o", "o.csv"], "but there is no folder nope"),
        (["student", "t.txt", "-o", "o.csv"], "weaksup predict student - -o labels.csv < t.txt"),
        (["student", "two", "-o", "o.csv"], "read one file at a time, or keep those of each format in a folder of"),
        (["student", "other.csv", "-o", "o.csv"], "got a corpus with ticket, body; choose one with"),
        (["c.csv", "c.csv", "-o", "o.csv"], "got c.csv, which is no folder"),
        ([".", "c.csv", "-o", "o.csv"], "which has no manifest.json"),
        (["student", "nope.csv", "-o", "o.csv"], "nope.csv"),
        (["student", "c.csv", "-o", "o.txt"], "expected an output named"),
        (["student", "c.csv", "-o", "c.csv"], "than the corpus itself"),
        (["student", "c.csv", "-o", "no/o.csv"], "cannot write no/o.csv"),
        (["student", "c.csv", "--text", "body", "-o", "o.csv"], 'expected a column "body"'),
        (["changed", "c.csv", "-o", "o.csv"], "model.onnx is not what was packed"),
    ],
)
def test_bad_input_is_one_line(here: Path, capsys: pytest.CaptureFixture[str], args: list[str], expected: str) -> None:
    shutil.copytree("student", "changed")
    Path("t.txt").write_text("the invoice\n")
    Path("other.csv").write_text("ticket,body\n1,the invoice\n")
    Path("two").mkdir()
    for name in ("two/a.csv", "two/b.jsonl"):
        Path(name).write_text("text\n")
    data = bytearray(Path("changed/model.onnx").read_bytes())
    data[500] ^= 1
    Path("changed/model.onnx").write_bytes(data)
    assert run(*args) in {2, 74}
    told = capsys.readouterr().err
    assert expected in told
    assert told.count("\n") == 1
    assert not Path("o.csv").exists()


def test_it_needs_no_torch_sklearn_pandas_or_scipy(here: Path) -> None:
    # Refused, not only absent from sys.modules: pyarrow imports pandas on its own where it finds one.
    code = (
        "import sys\n"
        "class Without:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in 'torch sklearn pandas scipy onnx snorkel spacy'.split():\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Without())\n"
        "from weaksup.cli import main\n"
        "main(['predict', 'student', 'c.csv', '-o', 'o.csv'])\n"
    )
    env = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    assert len(Path("o.csv").read_text().splitlines()) == 3


def test_it_loads_no_torch_sklearn_or_scipy(here: Path) -> None:
    code = (
        "import sys\n"
        "from weaksup.cli import main\n"
        "try:\n    main(['predict', 'student', 'c.csv', '-o', 'o.csv', '--json'])\n"
        "finally:\n    print('loaded:', *sorted({'torch', 'sklearn', 'scipy', 'onnx', 'spacy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded:"
