"""`weaksup fit` and `weaksup slices`, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from weaksup import LabelSpace, SoftLabels, Source, VoteMatrix
from weaksup.cli import main

TRUTH = np.random.default_rng(0).integers(0, 2, 200)


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    """Write votes of 4 sources on 200 rows (10 uncovered), and their corpus with gold on 100 rows."""
    rng = np.random.default_rng(1)
    values = np.where(rng.random((200, 4)) < 0.8, TRUTH[:, None], 1 - TRUTH[:, None])
    values = np.where(rng.random((200, 4)) < 0.7, values, -1)
    values[:10] = -1
    corpus = tmp_path / "corpus.csv"
    gold = [("HAM", "SPAM")[t] if i < 100 else "" for i, t in enumerate(TRUTH.tolist())]
    corpus.write_text("id,text,label\n" + "".join(f"r{i},text {i},{g}\n" for i, g in enumerate(gold)))
    origin = {"paths": [str(corpus)], "text": "text", "id": "id", "encoding": "utf-8"}
    matrix = VoteMatrix(
        values.astype(np.int16),
        tuple(f"r{i}" for i in range(200)),
        tuple(Source(f"lf_{j}") for j in range(4)),
        LabelSpace(["HAM", "SPAM"]),
        origin=origin,
    )
    matrix.save(tmp_path / "votes.parquet")
    return tmp_path / "votes.parquet"


def run(*args: object) -> int:
    with pytest.raises(SystemExit) as done:
        main([str(arg) for arg in args])
    return int(str(done.value.code))


def test_fit_writes_labels_with_lineage_and_shows_majority_vote_beside_the_model(
    votes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "labels.parquet"
    assert run("fit", votes, "-o", labels, "--gold", "label") == 0
    out = capsys.readouterr().out
    assert "200 rows, 190 with a vote" in out
    assert "labels differ from majority vote" in out
    assert "On 90 covered rows with gold" in out
    assert out.count("majority vote") >= 3
    soft = SoftLabels.load(str(labels))
    assert soft.covered.tolist() == [False] * 10 + [True] * 190
    assert (soft.hard() == TRUTH)[10:].mean() > 0.8
    meta = json.loads(pq.read_schema(labels).metadata[b"weaksup.labels"])
    assert meta["lineage"]["model"] == "default"
    assert meta["lineage"]["votes"] == "votes.parquet"
    assert len(meta["lineage"]["votes_sha256"]) == 64
    assert [s["name"] for s in meta["lineage"]["sources"]] == ["lf_0", "lf_1", "lf_2", "lf_3"]
    assert meta["origin"]["text"] == "text"


def test_json_holds_every_number(votes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fit", votes, "-o", tmp_path / "l.parquet", "--gold", "label", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["rows"], result["covered"], result["model"]) == (200, 190, "default")
    assert result["gold"]["rows"] == 90
    for scored in (result["gold"]["model"], result["gold"]["majority"]):
        assert 0 <= scored["low"] <= scored["accuracy"] <= scored["high"] <= 1
    assert sum(result["class_balance"].values()) == pytest.approx(1)
    assert [s["name"] for s in result["sources"]] == ["lf_0", "lf_1", "lf_2", "lf_3"]
    assert all(0.6 < s["accuracy"] < 1 for s in result["sources"])
    assert sum(c["model"] for c in result["counts"].values()) == 190 - result["undecided"]


def test_the_same_votes_give_the_same_bytes(votes: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert run("fit", votes, "-o", tmp_path / name) == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_class_balance_by_name_is_used_and_recorded(
    votes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ("fit", votes, "-o", tmp_path / "l", "--class-balance", "HAM=0.8, SPAM=0.2", "--json")
    assert run(*args) == 0
    assert json.loads(capsys.readouterr().out)["class_balance"] == {"HAM": 0.8, "SPAM": pytest.approx(0.2)}


def test_health_findings_are_shown_with_what_to_do(
    votes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix = VoteMatrix.load(votes)
    one_sided = VoteMatrix(
        np.where(matrix.values == 1, 1, -1).astype(np.int16), matrix.ids, matrix.sources, matrix.labels
    )
    one_sided.save(tmp_path / "one.parquet")
    assert run("fit", tmp_path / "one.parquet", "-o", tmp_path / "l", "--model", "majority") == 0
    out = capsys.readouterr().out
    assert 'one-sided: every vote is for "SPAM"' in out
    assert "add labeling functions for the other labels" in out


def test_without_any_vote_the_labels_are_written_but_the_command_does_not_succeed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in (0, 3):
        VoteMatrix.from_array(np.full((n, 2), -1)).save(tmp_path / "v.parquet")
        assert run("fit", tmp_path / "v.parquet", "-o", tmp_path / "l") == 3
        assert "no votes" in capsys.readouterr().out
        assert run("slices", tmp_path / "v.parquet") == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--model", "oracle"), "expected one of default, majority"),
        (("--class-balance", "HAM=x,SPAM=.5"), "expected LABEL=SHARE"),
        (("--class-balance", "HAM"), "expected LABEL=SHARE"),
        (("--class-balance", "HAM=.5,HAM=.5"), '"HAM" twice'),
        (("--class-balance", "HAM=.5,SPAM=.6"), "sum to 1"),
        (("--class-balance", "HAM=.5,EGGS=.5"), "a share for each of HAM, SPAM"),
        (("--gold", "nope"), 'expected a column "nope"'),
        (("--gold", "text"), 'column "text"'),
        (("--gold", "label", "--corpus", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    args: tuple[str, ...], message: str, votes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("fit", votes, "-o", tmp_path / "l", *args) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "l").exists()


def test_gold_on_uncovered_rows_alone_is_refused(
    votes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "corpus.csv").write_text("id,text,label\n" + "".join(f"r{i},t,HAM\n" for i in range(10)))
    assert run("fit", votes, "-o", tmp_path / "l", "--gold", "label") == 2
    assert "on at least one row with a vote" in capsys.readouterr().err


def test_a_file_that_is_no_votes_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fit", tmp_path / "none.parquet", "-o", tmp_path / "l") == 2
    assert "does not exist" in capsys.readouterr().err


def test_slices_lists_the_worst_first_and_counts_the_rest(votes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("slices", votes, "--top", "3") == 0
    out = capsys.readouterr().out
    assert "Slices of 200 rows" in out
    assert "more slices" in out
    assert " vs " in out


def test_slices_takes_the_labels_that_fit_wrote(
    votes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "labels.parquet"
    run("fit", votes, "-o", labels)
    capsys.readouterr()
    assert run("slices", votes, "--labels", labels, "--json", "--top", "4") == 0
    result = json.loads(capsys.readouterr().out)
    assert len(result["slices"]) == 4
    scores = [s["score"] for s in result["slices"]]
    assert scores == sorted(scores, reverse=True)
    assert run("slices", votes, "--labels", votes) == 2
    assert "expected a file of soft labels" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["fit", "slices"])
def test_help_shows_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(verb, "--help") == 0
    assert f"weaksup {verb} votes.parquet" in capsys.readouterr().out


def test_compare_shows_every_model_and_writes_nothing(
    votes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.iterdir())
    assert run("fit", votes, "--compare", "--gold", "label", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {"default", "majority", "snorkel"} <= {model["name"] for model in found["models"]}
    assert sorted(tmp_path.iterdir()) == before


def test_a_page_holds_the_reliability_diagram(votes: Path, tmp_path: Path) -> None:
    page = tmp_path / "fit.html"
    args = ("fit", votes, "-o", tmp_path / "l.parquet", "--gold", "label", "--learn", "--calibrate", "temperature")
    assert run(*args, "--html", page) == 0
    assert "Calibrated by a temperature" in page.read_text()
    meta = json.loads(pq.read_schema(tmp_path / "l.parquet").metadata[b"weaksup.labels"])["lineage"]
    assert meta["gold_learned"] == 100
    assert meta["calibration"]["method"] == "temperature"


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("--compare", "-o", "l"),
        ("--compare", "--html", "x.html"),
        ("--compare", "--model", "majority"),
        ("-o", "l", "--learn"),
        ("-o", "l", "--calibrate", "auto"),
        ("-o", "l", "--corpus", "c.csv"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    votes: Path, args: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(votes.parent)
    assert run("fit", votes, *args) == 2
    assert capsys.readouterr().err.startswith("error: fit: expected")


@pytest.mark.parametrize("args", [("-o", "votes.parquet"), ("-o", "corpus.csv"), ("-o", "l", "--html", "./l")])
def test_an_output_never_falls_on_what_is_read_or_written(
    votes: Path, args: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(votes.parent)
    before = {path: path.read_bytes() for path in votes.parent.iterdir()}
    assert run("fit", "votes.parquet", *args) == 2
    assert "expected a file of its own to write" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in votes.parent.iterdir()} == before
