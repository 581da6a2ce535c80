"""`weaksup distill` on label sets, and with other fields than text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from weaksup.cli import main
from weaksup.distill import hold_out, load_bundle

LFS = """
from weaksup import LabelSpace
from weaksup.labeling_functions import keywords
LABELS = LabelSpace(["money", "bug"], multi=True)
money = keywords("money", ["invoice", "refund"], label={"money": True})
bug = keywords("bug", ["crash", "error"], label={"bug": True})
fine = keywords("fine", ["thanks"], label={"bug": False, "money": False})
"""
WORDS = {"money": ["invoice", "refund", "card"], "bug": ["crash", "error", "frozen"]}


def run(*args: object) -> int:
    with pytest.raises(SystemExit) as done:
        main(list(map(str, args)))
    return int(done.value.code or 0)


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    lines = []
    for i in range(300):
        has = [name for name in WORDS if rng.random() < 0.4]
        words = [str(rng.choice(WORDS[name])) for name in has] or ["thanks"]
        row = {"id": str(i), "text": f"hello the {' '.join(words)} today {i % 7}", "gold": has}
        lines.append(json.dumps(row))
    Path("c.jsonl").write_text("\n".join(lines) + "\n")
    Path("lfs.py").write_text(LFS)
    assert run("apply", "lfs.py", "c.jsonl", "-o", "v.parquet") == 0
    assert run("fit", "v.parquet", "-o", "l.parquet") == 0
    return tmp_path


def test_label_sets_give_a_classifier_of_any_number_of_labels(sets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run("distill", "l.parquet", "-o", "student", "--gold", "gold") == 0
    shown = capsys.readouterr().out
    assert "micro F1" in shown
    assert "Student by label" in shown
    assert load_bundle("student").predict_sets(["the invoice and a crash"]) == [("money", "bug")]
    assert run("distill", "l.parquet", "-o", "student", "--gold", "gold", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["gold"]["rows"] > 20
    assert set(found["votes"]["labels"]) == {"money", "bug"}
    assert run("distill", "l.parquet", "-o", "student") == 0
    assert "not scored: --gold COLUMN" in capsys.readouterr().out


@pytest.mark.parametrize(
    "option", [["--worth", "--gold", "gold"], ["--suspects", "s.csv"], ["--positive", "bug"], ["--precision", "0.9"]]
)
def test_what_label_sets_cannot_have_is_refused(
    sets: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("distill", "l.parquet", "-o", "student", *option) == 2
    assert f"{option[0]}: expected labels with one label a row" in capsys.readouterr().err
    assert not Path("student").exists()


def test_gold_too_little_to_score_label_sets_is_told(sets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in Path("c.jsonl").read_text().splitlines()]
    one = next(row for row in rows if not hold_out([row["text"]])[0])
    one["one"] = one["gold"]
    Path("c.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    capsys.readouterr()
    assert run("distill", "l.parquet", "-o", "student", "--gold", "one", "--clamp", "one") == 2
    assert "expected enough true labels to keep some rows for scoring, got 1 in 300" in capsys.readouterr().err


@pytest.fixture
def mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [f"{i},hello there,{'shop' if i % 3 else 'friend'},{i}" for i in range(200)]
    Path("c.csv").write_text("id,text,sender,amount\n" + "\n".join(rows) + "\n")
    Path("lfs.py").write_text(
        "from weaksup import LabelSpace\nfrom weaksup.labeling_functions import lookup\n"
        "LABELS = LabelSpace(['HAM', 'SPAM'])\n"
        "who = lookup('who', {'shop': 'SPAM', 'friend': 'HAM'}, field='sender')\n"
    )
    return tmp_path


def test_a_student_reads_the_columns_that_it_is_told(mail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("apply", "lfs.py", "c.csv", "-o", "v.parquet") == 0
    assert run("fit", "v.parquet", "-o", "l.parquet") == 0
    assert run("distill", "l.parquet", "-o", "student", "--field", "sender", "--field", "amount") == 0
    student = load_bundle("student")
    assert student.fields.names == ("sender", "amount")
    rows = [{"text": "hello there", "sender": who, "amount": 5} for who in ("shop", "friend")]
    assert student.predict(rows) == ["SPAM", "HAM"]
    capsys.readouterr()
    assert run("distill", "l.parquet", "-o", "other", "--field", "sendr") == 2
    assert "sendr" in capsys.readouterr().err


def test_a_project_names_the_columns_of_its_student(mail: Path) -> None:
    Path("weaksup.toml").write_text('[corpus]\npath = "c.csv"\nid = "id"\n[student]\nfields = ["sender"]\n')
    assert run("run", ".") == 0
    assert load_bundle("out/student").fields.names == ("sender",)
    labels = Path("out/predictions.csv").read_text().splitlines()[1:]
    assert [line.split(",")[1] for line in labels] == ["SPAM" if i % 3 else "HAM" for i in range(200)]
    Path("weaksup.toml").write_text('[corpus]\npath = "c.csv"\nid = "id"\n[student]\nfields = ["amount"]\n')
    assert run("run", ".") == 0
    assert load_bundle("out/student").fields.names == ("amount",)


def test_a_student_may_not_read_the_truth_or_the_text_twice(mail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("apply", "lfs.py", "c.csv", "-o", "v.parquet") == 0
    assert run("fit", "v.parquet", "-o", "l.parquet") == 0
    for extra in (["--gold", "sender"], ["--clamp", "sender"]):
        assert run("distill", "l.parquet", "-o", "student", "--field", "sender", *extra) == 2
        assert f"--field sender: expected another column than that of {extra[0]}" in capsys.readouterr().err
    assert run("distill", "l.parquet", "-o", "student", "--field", "text") == 2
    assert "than that of the text" in capsys.readouterr().err
    for name in ("text", "sender"):
        project = f'[corpus]\npath = "c.csv"\nid = "id"\ngold = "sender"\n[student]\nfields = ["{name}"]\n'
        Path("weaksup.toml").write_text(project)
        assert run("run", ".") == 2
        assert "student.fields: expected other columns than [corpus]" in capsys.readouterr().err


def test_columns_named_without_a_corpus_are_those_of_the_corpus_the_labels_came_from(
    mail: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("apply", "lfs.py", "c.csv", "-o", "v.parquet", "--id", "id") == 0
    assert run("fit", "v.parquet", "-o", "l.parquet") == 0
    assert run("distill", "l.parquet", "-o", "student", "--text", "nope") != 0
    assert "nope" in capsys.readouterr().err
    assert run("distill", "l.parquet", "-o", "student", "--text", "sender") == 0
    assert load_bundle("student").predict(["shop", "friend"]) == ["SPAM", "HAM"]
    capsys.readouterr()
    assert run("distill", "l.parquet", "-o", "student", "--id", "amount") == 0  # ids are the same numbers
    assert run("distill", "l.parquet", "-o", "student", "--id", "") == 2
    assert "ids are made of all columns" in capsys.readouterr().err


def test_a_folder_that_cannot_take_the_bundle_is_refused_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("a file")
    assert run("distill", "no_such_labels.parquet", "-o", tmp_path / "mine") == 2
    assert "expected a folder to write the bundle to" in capsys.readouterr().err


def test_rows_with_a_field_are_held_out_as_they_are_without_it(mail: Path) -> None:
    gold = ["id,text,sender,amount,truth"]
    gold += [f"{i},hello {i},{'shop' if i % 3 else 'friend'},{i},{'SPAM' if i % 3 else 'HAM'}" for i in range(200)]
    Path("c.csv").write_text("\n".join(gold) + "\n")
    assert run("apply", "lfs.py", "c.csv", "-o", "v.parquet", "--id", "id") == 0
    assert run("fit", "v.parquet", "-o", "l.parquet") == 0
    rows = []
    for fields in ([], ["--field", "sender"], ["--field", "amount"]):
        assert run("distill", "l.parquet", "-o", "student", "--gold", "truth", *fields) == 0
        rows.append(load_bundle("student").metrics["gold"]["rows"])
    assert len(set(rows)) == 1


def test_a_label_that_is_never_given_is_said(sets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = LFS.replace('["crash", "error"], label={"bug": True}', '["crash", "error"], label={"bug": None}')
    Path("lfs.py").write_text(text)
    assert run("apply", "lfs.py", "c.jsonl", "-o", "v.parquet") == 0
    assert run("fit", "v.parquet", "-o", "l.parquet") == 0
    capsys.readouterr()
    assert run("distill", "l.parquet", "-o", "student", "--gold", "gold") == 0
    assert "it never gives bug: the labels it learned from hardly say" in capsys.readouterr().out
