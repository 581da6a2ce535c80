"""`weaksup distill` on label sets, and with other fields than text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from weaksup.cli import main
from weaksup.distill import load_bundle

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
    "option", [["--worth"], ["--suspects", "s.csv"], ["--positive", "bug"], ["--precision", "0.9"]]
)
def test_what_label_sets_cannot_have_is_refused(
    sets: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("distill", "l.parquet", "-o", "student", *option) == 2
    assert f"{option[0]}: expected labels with one label a row" in capsys.readouterr().err
    assert not Path("student").exists()


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
