"""Multi-label votes on the command line: apply, analyze, the parts of fit, and one line from the verbs that refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from weaksup.cli import cli
from weaksup.cli.fit_multi import report_multi, tell_fit_multi
from weaksup.corpus import open_corpus
from weaksup.corpus.gold import read_gold
from weaksup.label_models.multi import MultiLabelModel
from weaksup.multi_votes import MultiVotes

LFS = """
from weaksup import LabelSpace, labeling_function
from weaksup.labeling_functions import keywords

LABELS = LabelSpace(["billing", "refund", "bug"], multi=True)
paid = keywords("paid", ["paid", "invoice"], label="billing", examples=[("an invoice", "billing"), ("hello", None)])
back = keywords("back", ["money back", "refund"], label=["refund", "billing"])
thanks = keywords("thanks", ["thanks"], label={"bug": False, "refund": False})
money = keywords("money", ["money"], label="billing")

@labeling_function
def crash(x):
    return "bug" if "crash" in x.text else None
"""
ROWS = [
    ("a", "paid the invoice twice, money back please", ["billing", "refund"]),
    ("b", "it does crash on start", ["bug"]),
    ("c", "thanks a lot", []),
    ("d", "how are you", None),
    ("e", "refund me, the thing does crash", ["refund", "bug", "billing"]),
]


def _run(*args: object) -> Result:
    return CliRunner().invoke(cli, [str(arg) for arg in args])


def _refusal(*args: object) -> str:
    result = _run(*args)
    lines = str(result.exception).splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    (tmp_path / "lfs.py").write_text(LFS, encoding="utf-8")
    rows = [json.dumps({"id": i, "text": text, "topics": topics}) for i, text, topics in ROWS]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    result = _run(
        "apply", tmp_path / "lfs.py", tmp_path / "rows.jsonl", "-o", tmp_path / "v.parquet", "--check-examples"
    )
    assert result.exit_code == 0, result.output
    return tmp_path / "v.parquet"


def test_analyze_shows_every_label_and_every_source_on_it(votes: Path) -> None:
    result = _run("analyze", votes, "--gold", "topics")
    assert result.exit_code == 0, result.output
    assert "5 rows, 5 sources, 3 labels: 80.0% covered" in result.stdout
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["billing", "3", "4", "0", "40.0%", "0.0%", "2", "4"] in lines
    assert ["thanks", "bug", "ABSENT", "1", "20.0%", "0.0%", "0.0%", "100.0%", "20.7-100.0", "1"] in lines
    assert "d: how are you" in result.stdout
    assert "No source votes ABSENT for this label" in result.stdout
    assert "--label NAME shows one label in full" in result.stdout


def test_analyze_shows_one_label_in_full_and_writes_its_report(votes: Path, tmp_path: Path) -> None:
    result = _run("analyze", votes, "--gold", "topics", "--label", "bug", "--html", tmp_path / "bug.html")
    assert result.exit_code == 0, result.output
    assert "5 rows, 2 sources, 2 labels" in result.stdout
    assert "Against 4 gold rows" in result.stdout
    assert "bug" in (tmp_path / "bug.html").read_text(encoding="utf-8")


def test_analyze_json_holds_each_label(votes: Path) -> None:
    told = json.loads(_run("analyze", votes, "--json").stdout)
    assert list(told["by_label"]) == ["billing", "refund", "bug"]
    assert told["by_label"]["bug"]["balance"][1]["votes"] == 2


def test_wrong_uses_of_label_are_one_line(votes: Path, tmp_path: Path) -> None:
    assert 'expected one of billing, refund, bug; got "x"' in _refusal("analyze", votes, "--label", "x")
    assert "add --label, one of billing, refund, bug" in _refusal("analyze", votes, "--html", tmp_path / "x.html")
    (tmp_path / "rows.jsonl").write_text('{"id": "a", "text": "x", "topics": ["spam"]}\n', encoding="utf-8")
    assert 'column "topics", row 1: expected the labels of a row' in _refusal("analyze", votes, "--gold", "topics")


def test_verbs_for_one_label_a_row_refuse_in_one_line(votes: Path, tmp_path: Path) -> None:
    matrix, labels = MultiVotes.load(votes), tmp_path / "labels.parquet"
    MultiLabelModel("majority").fit(matrix).soft_labels(matrix).save(str(labels))
    assert "got multi-label votes in" in _refusal("slices", votes)
    assert "got multi-label votes in" in _refusal("ask", votes, "--prompts", "p.py", "--tier", "t.toml", "--dry-run")
    rows = votes.parent / "rows.jsonl"
    refused = _refusal("distill", labels, rows, "-o", tmp_path / "s", "--suspects", tmp_path / "d.csv")
    assert "--suspects: expected labels with one label a row" in refused


def test_run_refuses_before_any_row_is_read(votes: Path) -> None:
    settings = '[corpus]\npath = "rows.jsonl"\n[labeling]\nmodule = "lfs.py"\n'
    (votes.parent / "weaksup.toml").write_text(settings, encoding="utf-8")
    assert _refusal("run", votes.parent).startswith("multi-label votes: not in `weaksup run` yet")


def test_fit_reports_every_label_with_its_majority_and_gold(votes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    matrix = MultiVotes.load(votes)
    truth = read_gold(open_corpus(str(votes.parent / "rows.jsonl")), "topics", matrix.ids, matrix.labels)
    model = MultiLabelModel().fit(matrix, class_balance={"billing": 0.4})
    report: dict[str, Any] = report_multi(model, matrix, model.soft_labels(matrix), truth)
    billing = report["by_label"]["billing"]
    assert (billing["covered"], billing["present"], billing["majority_present"]) == (2, 2, 2)
    assert (billing["share"], billing["share_given"]) == (0.4, True)
    assert billing["mean_probability"] == pytest.approx(0.4)
    assert billing["gold"]["model"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert set(billing["sources"]) == {"paid", "back", "money"}
    tell_fit_multi({"labels": "out.parquet", **json.loads(json.dumps(report))})
    told = capsys.readouterr().out
    assert "5 rows, 4 with a vote on any label -> out.parquet" in told
    assert "40.0%, given" in told
    assert "present-only: billing: nobody votes ABSENT" in told
    assert "likewise: " in told
    unjudged = report_multi(model, matrix, model.soft_labels(matrix), None)
    assert "gold" not in unjudged["by_label"]["bug"]
