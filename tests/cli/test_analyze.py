"""`weaksup analyze`: the table, the JSON, the report, and one line for each wrong use."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from weaksup.cli import cli, main
from weaksup.labels import LabelSpace
from weaksup.votes import VoteMatrix

ROWS = [
    ("a", "win a prize now", "SPAM"),
    ("b", "see you at noon", "HAM"),
    ("c", "a prize for mum", ""),
    ("d", "nothing to see", "SPAM"),
]
VOTES = [[1, -1, 1], [-1, 0, -1], [1, 0, 1], [-1, -1, -1]]


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    corpus = tmp_path / "texts.csv"
    with corpus.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "text", "label"), *ROWS])
    path = tmp_path / "votes.parquet"
    _save(path, {"paths": [str(corpus)], "encoding": "utf-8", "text": "text", "id": "id"})
    return path


def _save(path: Path, origin: dict[str, object]) -> None:
    matrix = VoteMatrix.from_array(
        VOTES, labels=LabelSpace(["HAM", "SPAM"]), ids=[row[0] for row in ROWS], sources=["prize", "noon", "twin"]
    )
    VoteMatrix(matrix.values, matrix.ids, matrix.sources, matrix.labels, origin=origin).save(path)


def _run(*args: object) -> Result:
    return CliRunner().invoke(cli, ["analyze", *map(str, args)])


def test_the_tables_show_every_source_with_its_figures(votes: Path) -> None:
    result = _run(votes, "--gold", "label")
    assert result.exit_code == 0, result.output
    assert "4 rows, 3 sources, 2 labels: 75.0% covered, 50.0% overlap, 25.0% conflict" in result.stdout
    for said in ("prize", "noon", "twin", "Against 3 gold rows", "1 row without a vote", "d: nothing to see"):
        assert said in result.stdout, said
    assert "prize - noon" in result.stdout
    assert "c: a prize for mum" in result.stdout
    assert "warning: 2 sources cast identical votes." in result.stdout
    assert result.stderr == ""


def test_without_gold_no_accuracy_is_shown(votes: Path) -> None:
    result = _run(votes)
    assert "accuracy" not in result.stdout
    assert "gold" not in result.stdout


def test_fifteen_sources_fit_in_100_columns(tmp_path: Path) -> None:
    names = [f"labeling_function_{j:02}" for j in range(15)]
    values = np.random.default_rng(0).integers(-1, 2, (300, 15))
    path = tmp_path / "v.parquet"
    VoteMatrix.from_array(values, labels=LabelSpace(["account_access", "billing"]), sources=names).save(path)
    lines = _run(path).stdout.splitlines()
    tables = [line for line in lines if not line.startswith(("  ", "warning", "note", "problem"))]
    assert max(map(len, tables)) <= 100
    assert not any(line.endswith(" ") for line in lines)


def test_json_is_the_whole_analysis(votes: Path) -> None:
    result = _run(votes, "--gold", "label", "--json", "--examples", 1)
    data = json.loads(result.stdout)
    assert data["rows"] == 4
    assert data["gold"] == 3
    assert data["conflicts"] == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    assert [s["name"] for s in data["sources"]] == ["prize", "noon", "twin"]
    assert data["fights"][0]["examples"][0]["text"] == "a prize for mum"


def test_the_report_names_its_files_and_shows_the_texts(votes: Path) -> None:
    report = votes.parent / "r.html"
    result = _run(votes, "--gold", "label", "--html", report)
    assert result.exit_code == 0
    assert result.stderr == f"report: {report}\n"
    html = report.read_text(encoding="utf-8")
    assert "<title>texts.csv</title>" in html
    assert "a prize for mum" in html
    assert str(votes.parent) not in html


def test_a_moved_corpus_is_named_by_option(votes: Path) -> None:
    (votes.parent / "texts.csv").rename(votes.parent / "moved.csv")
    alone = _run(votes)
    assert alone.exit_code == 0
    assert "note: no texts are shown" in alone.stderr
    assert alone.stderr.count("\n") == 1
    named = _run(votes, "--corpus", votes.parent / "moved.csv", "--gold", "label")
    assert named.exit_code == 0
    assert "d: nothing to see" in named.stdout


def test_votes_of_a_table_take_columns_by_option(votes: Path) -> None:
    _save(votes, {})
    other = votes.parent / "other.csv"
    other.write_text("key,body\n" + "".join(f"{i},{text}\n" for i, text, _ in ROWS), encoding="utf-8")
    assert "no texts are shown" in _run(votes).stderr
    result = _run(votes, "--corpus", other, "--text", "body", "--id", "key")
    assert result.stderr == ""
    assert "d: nothing to see" in result.stdout


def test_a_corpus_of_other_rows_is_told(votes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = votes.parent / "other.csv"
    other.write_text("id,text,label\nx,y,HAM\n", encoding="utf-8")
    assert 'note: no texts are shown: the corpus has no row "a"' in _run(votes, "--corpus", other).stderr
    with pytest.raises(SystemExit):
        main(["analyze", str(votes), "--corpus", str(other), "--gold", "label"])
    assert 'without row "a"' in capsys.readouterr().err


def test_votes_on_no_rows_are_told_as_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "v.parquet"
    VoteMatrix.from_array(np.empty((0, 2), np.int16)).save(path)
    result = _run(path)
    assert result.exit_code == 0
    assert "problem: There are no rows." in result.stdout


@pytest.mark.parametrize(
    ("args", "said", "code"),
    [
        (["nowhere.parquet"], "which does not exist", 2),
        (["{corpus}"], "written by weaksup", 2),
        (["{votes}", "--gold", "nope"], 'expected a column "nope"', 2),
        (["{votes}", "--gold", "text"], 'column "text", row 1: expected one of HAM, SPAM', 2),
        (["{votes}", "--corpus", "nowhere.csv"], "nowhere.csv", 2),
        (["{votes}", "--html", "{folder}/no/r.html"], "cannot write", 74),
        (["{votes}", "--html", "{folder}"], "expected a file name, got a folder", 74),
    ],
)
def test_wrong_use_is_one_line_and_an_exit_code(
    votes: Path, capsys: pytest.CaptureFixture[str], args: list[str], said: str, code: int
) -> None:
    names = {"votes": str(votes), "corpus": str(votes.parent / "texts.csv"), "folder": str(votes.parent)}
    with pytest.raises(SystemExit) as caught:
        main(["analyze", *(arg.format(**names) for arg in args)])
    error = capsys.readouterr().err
    assert caught.value.code == code
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert said in error


def test_gold_needs_a_corpus_and_at_least_one_label(votes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (votes.parent / "texts.csv").write_text("id,text,label\na,x,\nb,y,\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["analyze", str(votes), "--gold", "label"])
    assert "it is empty for all rows" in capsys.readouterr().err
    (votes.parent / "texts.csv").unlink()
    with pytest.raises(SystemExit) as caught:
        main(["analyze", str(votes), "--gold", "label"])
    assert caught.value.code == 2
    assert "texts.csv" in capsys.readouterr().err


def test_help_shows_examples() -> None:
    result = _run("--help")
    assert "weaksup analyze votes.parquet --gold label --html report.html" in result.stdout
