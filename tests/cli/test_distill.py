"""`weaksup distill`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus

from weaksup import SoftLabels, VoteMatrix
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


def save_votes(votes: np.ndarray, path: str) -> None:
    """Save votes [n, m] of the rows that the labels are of."""
    VoteMatrix.from_array(votes, labels=SPACE, ids=tuple(f"r{i}" for i in range(len(votes)))).save(path)


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
    assert json.loads(Path("s/calibration.json").read_text())["by"] == "votes"
    assert not Path("s/thresholds.json").exists()


def test_gold_calibrates_and_finds_thresholds(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ("l.parquet", "-o", "s", "--gold", "label", "--precision", "0.5", "--precision", "0.999")
    assert run(*args, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["calibration"]["by"] == "gold"
    assert found["gold"]["ece"] == found["calibration"]["ece_after"]
    half, most = found["thresholds"]["wanted"]
    assert half["share"] == 1
    assert half["at_least"] >= 0.5
    assert most["threshold"] is None
    assert found["fidelity"]["rows"] == found["votes_on_covered"]["rows"] == found["student_on_covered"]["rows"]
    assert json.loads(Path("s/thresholds.json").read_text()) == found["thresholds"]
    assert json.loads(Path("s/calibration.json").read_text()) == found["calibration"]
    assert run(*args) == 0
    out = capsys.readouterr().out
    assert "Answer only where it is sure (Clopper-Pearson" in out
    assert "calibrated by" in out
    assert "not promised by" in out


def test_votes_give_scores_by_slice_and_source_beside_majority_vote(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    votes = np.where(np.random.default_rng(0).random((200, 3)) < 0.6, GOLD[:, None], -1).astype(np.int16)
    save_votes(votes, "v.parquet")
    assert run("l.parquet", "-o", "s", "--gold", "label", "--votes", "v.parquet", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [source["name"] for source in found["sources"]] == ["source_0", "source_1", "source_2"]
    assert sum(part["rows"] for part in found["slices"]) == found["gold"]["rows"]
    assert found["majority_on_covered"]["rows"] == found["votes_on_covered"]["rows"]
    assert run("l.parquet", "-o", "s", "--gold", "label", "--votes", "v.parquet") == 0
    out = capsys.readouterr().out
    assert "Student by source" in out
    assert "majority vote, where it covers" in out


def test_the_worth_of_the_votes_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("l.parquet", "-o", "s", "--gold", "label", "--worth") == 0
    out = capsys.readouterr().out
    assert "your votes are worth" in out
    assert "Students on hand labels alone" in out
    assert load_bundle("s").metrics["worth"]["metric"] == "accuracy"
    assert run("l.parquet", "-o", "s", "--gold", "label", "--worth", "--positive", "bug") == 0
    assert load_bundle("s").metrics["worth"]["metric"] == "F1 (bug)"


def test_labels_in_doubt_are_listed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("l.parquet", "-o", "s", "--suspects", "doubt.csv") == 0
    lines = Path("doubt.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "id,label,says,confidence,text"
    assert f"{len(lines) - 1} label" in capsys.readouterr().out


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
        (["l.parquet", "-o", "s", "--worth"], "--worth: expected --gold"),
        (["l.parquet", "-o", "s", "--worth", "--gold", "one", "--clamp", "one"], "student of votes alone, got --clamp"),
        (["l.parquet", "-o", "s", "--votes", "few.parquet"], 'without row "r5"'),
        (["l.parquet", "-o", "no/s"], "cannot write no/s"),
    ],
)
def test_bad_input_is_one_line(here: Path, capsys: pytest.CaptureFixture[str], args: list[str], expected: str) -> None:
    text = Path("c.csv").read_text(encoding="utf-8").splitlines()
    more = [f"{line},{'' if i else 'one'}" for i, line in enumerate(text)]
    more[1 + next(i for i, text in enumerate(TEXTS) if not hold_out([text])[0])] += "how"
    Path("c.csv").write_text("\n".join(more) + "\n", encoding="utf-8")
    Path("other.csv").write_text("id,text\nzzz,hello\n")
    save_votes(np.zeros((5, 2), np.int16), "few.parquet")
    assert run(*args) in {2, 74}
    told = capsys.readouterr().err
    assert expected in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("made", [{"gold_learned": 100}, {"calibration": {"method": "temperature"}}])
def test_labels_that_gold_changed_are_not_scored_by_it_and_have_no_worth(
    here: Path, capsys: pytest.CaptureFixture[str], made: dict[str, object]
) -> None:
    origin = {"paths": [str(here / "c.csv")], "text": "text", "id": "id", "encoding": "utf-8"}
    SoftLabels.load("l.parquet").save("gold.parquet", {"origin": origin, "lineage": {"model": "default", **made}})
    assert run("gold.parquet", "-o", "s", "--gold", "label", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["labels_learned_from_gold"]
    assert "votes_on_covered" not in found
    assert run("gold.parquet", "-o", "s", "--gold", "label", "--worth") == 2
    assert "got labels that learned from gold" in capsys.readouterr().err
