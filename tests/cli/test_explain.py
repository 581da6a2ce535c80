"""`weaksup explain`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from weaksup.cli import cli, main
from weaksup.labels import LabelSpace
from weaksup.votes import VoteMatrix


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    """Write votes of 4 sources on 60 rows, and their corpus; row r0 has no vote, r2 a text that plays tricks."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 60)
    values = np.where(rng.random((60, 4)) < 0.8, truth[:, None], 1 - truth[:, None])
    values = np.where(rng.random((60, 4)) < 0.7, values, -1)
    values[0], values[1], values[2] = -1, [1, 1, 0, -1], [0, 0, 0, 1]
    corpus = tmp_path / "corpus.jsonl"
    texts = ["nobody speaks", "first line\nsecond line", "\x1b[2J red \u202e alert", *map(str, range(57))]
    lines = [json.dumps({"id": f"r{i}", "text": text}) for i, text in enumerate(texts)]
    corpus.write_text("\n".join(lines), encoding="utf-8")
    matrix = VoteMatrix.from_array(
        values,
        labels=LabelSpace(["HAM", "SPAM"]),
        ids=[f"r{i}" for i in range(60)],
        sources=["prize", "link", "noon", "shouting"],
    )
    origin = {"paths": [str(corpus)], "text": "text", "id": "id", "encoding": "utf-8"}
    VoteMatrix(matrix.values, matrix.ids, matrix.sources, matrix.labels, origin=origin).save(tmp_path / "v.parquet")
    return tmp_path / "v.parquet"


def run(*args: object) -> Result:
    return CliRunner().invoke(cli, ["explain", *map(str, args)])


def test_a_row_shows_its_label_its_text_and_what_each_vote_says(votes: Path) -> None:
    result = run(votes, "r1", "r2")
    assert result.exit_code == 0, result.output
    assert "r1: SPAM; P(SPAM) = 0." in result.stdout
    assert "majority vote: SPAM" in result.stdout
    assert "first line\n" in result.stdout
    assert "second line" not in result.stdout
    assert "For SPAM (+), for HAM (-)" in result.stdout
    assert "For HAM (+), for SPAM (-)" in result.stdout
    for said in (
        "prize",
        "noon",
        "(class balance)",
        "= log-odds",
        "++++++++++++++++++++",
        "accuracy (model's opinion)",
    ):
        assert said in result.stdout, said
    assert result.stderr == ""


def test_a_text_cannot_play_tricks_on_the_terminal(votes: Path) -> None:
    out = run(votes, "r2").stdout
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\\x1b[2J red \\u202e alert" in out


def test_a_row_without_a_vote_has_no_label(votes: Path) -> None:
    assert "r0: no label (no source voted); P(HAM) = " in run(votes, "r0").stdout


def test_json_holds_the_parts_and_their_accuracies(votes: Path) -> None:
    result = json.loads(run(votes, "r1", "--json", "--class-balance", "HAM=0.6,SPAM=0.4").stdout)
    assert (result["model"], result["influence"]) == ("default", [])
    (row,) = result["rows"]
    assert (row["id"], row["label"], row["text"]) == ("r1", "SPAM", "first line")
    total = row["balance"] + row["together"] + sum(c["nats"] for c in row["contributions"])
    assert total == pytest.approx(row["log_odds"])
    assert row["balance"] < 0
    for c in row["contributions"]:
        assert c["accuracy"]["low"] <= c["accuracy"]["accuracy"] <= c["accuracy"]["high"]
        assert c["accuracy"]["basis"] == "opinion"


def test_influence_ranks_the_sources_by_the_labels_that_change(votes: Path) -> None:
    result = run(votes, "--influence", "--model", "majority")
    assert result.exit_code == 0, result.output
    assert 'Labels of "majority", fitted without each source' in result.stdout
    ranked = json.loads(run(votes, "--influence", "--json").stdout)
    assert ranked["rows"] == []
    assert {s["source"] for s in ranked["influence"]} == {"prize", "link", "noon", "shouting"}
    changed = [s["changed"] for s in ranked["influence"]]
    assert changed == sorted(changed, reverse=True)


def test_without_the_corpus_the_row_is_explained_all_the_same(votes: Path) -> None:
    (votes.parent / "corpus.jsonl").unlink()
    result = run(votes, "r1")
    assert result.exit_code == 0
    assert "r1: SPAM" in result.stdout
    assert result.stderr.startswith("note: no texts are shown: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "expected the id of a row, or --influence"),
        (("r111",), 'such as "r11"'),
        (("zebra",), 'such as "r0", "r1", "r2"; got "zebra"'),
        (("r1", "--model", "oracle"), "expected one of default"),
        (("r1", "--class-balance", "HAM=x"), "expected LABEL=SHARE"),
        (("r1", "--corpus", "gone.csv"), "gone.csv"),
    ],
)
def test_a_wrong_use_is_one_line(
    votes: Path, args: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as done:
        main(["explain", str(votes), *args])
    said = capsys.readouterr().err
    assert done.value.code != 0
    assert message in said
    assert len(said.splitlines()) == 1


def test_votes_without_rows_have_no_ids_to_offer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    VoteMatrix.from_array(np.empty((0, 2), int)).save(tmp_path / "v.parquet")
    with pytest.raises(SystemExit):
        main(["explain", str(tmp_path / "v.parquet"), "a"])
    assert "the file has no rows" in capsys.readouterr().err
    assert run(tmp_path / "v.parquet", "--influence").exit_code == 0
