"""`weaksup distill`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus

from weaksup import SoftLabels
from weaksup.cli import main
from weaksup.distill import hold_out, load_bundle

TEXTS, GOLD = make_corpus(200)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A corpus with gold on all rows (label) and on 20 (few), and labels of it that are wrong on a tenth."""
    monkeypatch.chdir(tmp_path)
    names = [SPACE.names[c] for c in GOLD]
    lines = [
        f"r{i},{text},{name},{name if i < 20 else ''}" for i, (text, name) in enumerate(zip(TEXTS, names, strict=True))
    ]
    Path("c.csv").write_text("id,text,label,few\n" + "\n".join(lines) + "\n", encoding="utf-8")
    said = np.where(np.arange(200) % 10 == 0, (GOLD + 1) % 3, GOLD)
    covered = np.arange(200) % 7 > 0
    soft = SoftLabels(tuple(f"r{i}" for i in range(200)), 0.7 * np.eye(3)[said] + 0.1, covered, SPACE)
    origin = {"paths": [str(tmp_path / "c.csv")], "text": "text", "id": "id", "encoding": "utf-8"}
    soft.save("l.parquet", {"origin": origin, "lineage": {"model": "default"}})
    return tmp_path


def run(*args: object) -> int:
    with pytest.raises(SystemExit) as done:
        main(["distill", *map(str, args)])
    return int(str(done.value.code))


def test_a_student_is_trained_scored_and_packed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("l.parquet", "-o", "student", "--gold", "label") == 0
    out = capsys.readouterr().out
    assert "-> student (" in out
    assert "the votes, where they cover" in out
    assert "F1 (mean over classes)" in out
    model = load_bundle("student")
    assert model.classes == SPACE.names
    assert model.metrics["gold"]["accuracy"] > 0.9
    assert model.manifest["lineage"]["labels"] == "l.parquet"
    assert model.manifest["lineage"]["made_from"] == {"model": "default"}
    assert str(here) not in Path("student/manifest.json").read_text()


def test_the_rows_that_score_are_not_the_rows_that_train(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("l.parquet", "-o", "a", "--json") == 0
    everything = json.loads(capsys.readouterr().out)["training"]["rows"]
    assert everything == sum(i % 7 > 0 for i in range(200))
    assert run("l.parquet", "-o", "b", "--gold", "few", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["gold"]["rows"] == 20  # few enough to keep all of them out
    kept_out = {TEXTS[i] for i in range(20)}
    assert found["training"]["rows"] == sum(i % 7 > 0 and text not in kept_out for i, text in enumerate(TEXTS))
    assert run("l.parquet", "-o", "c", "--gold", "label", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert 20 <= found["gold"]["rows"] <= 60
    assert found["votes_on_covered"]["rows"] < found["gold"]["rows"]


def test_clamped_rows_teach_what_is_true(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("l.parquet", "-o", "s", "--gold", "label", "--clamp", "label", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["training"]["gold_rows"] == found["training"]["rows"] == 200 - found["gold"]["rows"]


def test_without_gold_it_says_so(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("l.parquet", "-o", "s") == 0
    assert "not scored: --gold COLUMN" in capsys.readouterr().out
    assert load_bundle("s").metrics == {}


def test_the_same_labels_give_the_same_bytes(here: Path) -> None:
    for name in ("a", "b"):
        assert run("l.parquet", "-o", name, "--gold", "label") == 0
    for path in Path("a").iterdir():
        assert path.read_bytes() == (Path("b") / path.name).read_bytes()


def test_another_corpus_may_lack_rows_which_are_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Path("c.csv").read_text(encoding="utf-8").replace("id,text", "key,body", 1).splitlines(keepends=True)
    Path("d.csv").write_text("".join(lines[:-5]), encoding="utf-8")
    assert run("l.parquet", "d.csv", "--text", "body", "--id", "key", "-o", "s") == 0
    assert "5 labeled rows are not in the corpus" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["nope.parquet", "-o", "s"], "which does not exist"),
        (["c.csv", "-o", "s"], "expected a file of soft labels"),
        (["l.parquet", "other.csv", "-o", "s"], 'without row "r0"'),
        (["l.parquet", "-o", "s", "--gold", "nope"], 'expected a column "nope"'),
        (["l.parquet", "-o", "s", "--positive", "eggs"], "expected one of billing, bug, how"),
        (["l.parquet", "-o", "s", "--gold", "one", "--clamp", "one"], "expected enough true labels"),
        (["l.parquet", "-o", "."], "holds other files"),
        (["l.parquet", "-o", "no/s"], "cannot write no/s"),
    ],
)
def test_bad_input_is_one_line(here: Path, capsys: pytest.CaptureFixture[str], args: list[str], expected: str) -> None:
    text = Path("c.csv").read_text(encoding="utf-8").splitlines()
    more = [f"{line},{'' if i else 'one'}" for i, line in enumerate(text)]
    more[1 + next(i for i, text in enumerate(TEXTS) if not hold_out([text])[0])] += "how"
    Path("c.csv").write_text("\n".join(more) + "\n", encoding="utf-8")
    Path("other.csv").write_text("id,text\nzzz,hello\n")
    assert run(*args) in {2, 74}
    told = capsys.readouterr().err
    assert expected in told
    assert told.count("\n") == 1
