"""A model that reads more of a row than its text, over HTTP, by the command line and in Python."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from serve.live import JSON, Live, serving

from weaksup import LabelSpace
from weaksup.cli import main
from weaksup.distill import load_bundle, save_bundle, train
from weaksup.distill.bundle.fields import learn_fields
from weaksup.label_sets import SoftLabelSets

ROWS: list[dict[str, Any]] = [
    {"text": "hello there", "sender": "shop" if i % 2 else "friend", "amount": i} for i in range(120)
]


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fields = learn_fields(ROWS, ["sender", "amount"])
    gold = np.array([row["sender"] == "shop" for row in ROWS]).astype(int)
    student = train([fields.read(row) for row in ROWS], np.eye(2)[gold], labels=LabelSpace(["HAM", "SPAM"]))
    return save_bundle(student, tmp_path_factory.mktemp("mail") / "student", fields=fields)


@pytest.fixture(scope="module")
def live(mail: Path) -> Iterator[Live]:
    with serving(load_bundle(mail)) as found:
        yield found


def test_rows_get_the_same_labels_over_http_by_the_command_line_and_in_python(
    live: Live, mail: Path, tmp_path: Path
) -> None:
    said = load_bundle(mail).predict(ROWS)
    assert len(set(said)) == 2
    answered = live.call("POST", "/predict", json.dumps({"rows": ROWS}).encode(), JSON).json["predictions"]
    assert [one["label"] for one in answered] == said
    corpus, output = tmp_path / "mail.csv", tmp_path / "labels.csv"
    with corpus.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["text", "sender", "amount"])
        writer.writeheader()
        writer.writerows(ROWS)
    with pytest.raises(SystemExit) as done:
        main(["predict", str(mail), str(corpus), "-o", str(output)])
    assert not done.value.code
    with output.open() as file:
        assert [row["label"] for row in csv.DictReader(file)] == said


def test_the_server_says_what_it_reads(live: Live) -> None:
    assert live.get("/labels").json["fields"] == ["sender", "amount"]
    assert live.get("/labels").json["multi"] is False
    assert live.call("POST", "/predict", b'{"text": "hello"}', JSON).status == 200


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (b'{"rows": [{"text": "a", "sendr": "x"}]}', 422, "expected the fields text, sender, amount, got 'sendr'"),
        (b'{"rows": [{"text": 3}]}', 422, 'expected a string in the field "text", got int'),
        (b'{"rows": [{"text": "a"}, {"text": [1]}]}', 422, "rows.1.text: expected a string, a number, true, false or"),
        (b'{"rows": [{"text": "a"}, {"text": 3}]}', 422, 'rows.1: expected a string in the field "text"'),
        (
            b'{"rows": [{"amount": {"a": 1}}]}',
            422,
            'rows.0.amount: expected a string, a number, true, false or null, got {"a": 1}',
        ),
        (b'{"rows": "a"}', 422, 'rows: expected a list of objects, got "a"'),
        (b'{"rows": [3]}', 422, 'rows.0: expected an object such as {"text": "..."}, got 3'),
        (b'{"rows": [], "text": "a"}', 422, "got rows and text"),
        (json.dumps({"rows": [{}] * 20_000}).encode(), 413, "rows in a request"),
    ],
)
def test_a_wrong_row_is_told_in_one_line(live: Live, body: bytes, status: int, expected: str) -> None:
    reply = live.call("POST", "/predict", body, JSON)
    assert reply.status == status
    assert expected in reply.error


def test_a_corpus_without_the_fields_is_refused(mail: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = tmp_path / "c.csv"
    corpus.write_text("text,sender\nhello,shop\n")
    with pytest.raises(SystemExit) as done:
        main(["predict", str(mail), str(corpus), "-o", str(tmp_path / "out.csv")])
    assert done.value.code == 2
    assert 'expected the column "amount", which this student reads' in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_a_model_that_gives_any_number_of_labels_answers_with_lists_by_every_route(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["refund and crash", "crash again", "hello there", "refund please"] * 10
    gold = np.array([[1, 1], [0, 1], [0, 0], [1, 0]] * 10)
    ids = tuple(map(str, range(40)))
    soft = SoftLabelSets(ids, 0.1 + 0.8 * gold, np.ones_like(gold, bool), LabelSpace(["money", "bug"], multi=True))
    folder = save_bundle(train(texts, soft), tmp_path / "student")
    said = load_bundle(folder).predict_sets(texts[:4])
    assert said == [("money", "bug"), ("bug",), (), ("money",)]
    with serving(load_bundle(folder)) as live:
        answered = live.call("POST", "/predict", json.dumps({"texts": texts[:4], "proba": True}).encode(), JSON).json
        assert [tuple(one["labels"]) for one in answered["predictions"]] == said
        assert live.get("/labels").json["multi"] is True
        unsure = live.call("POST", "/predict", b'{"text": "hm", "abstain_below": 1}', JSON).json["predictions"]
        assert unsure[0]["labels"] is None
        counted = live.get("/metrics").body.decode()
        assert 'weaksup_labels_total{label="bug"} 2.0' in counted
        assert "weaksup_abstains_total 1.0" in counted
    (tmp_path / "c.csv").write_text("text\n" + "\n".join(texts[:4]) + "\n")
    for name in ("o.csv", "o.jsonl", "o.parquet"):
        with pytest.raises(SystemExit) as done:
            main(["predict", str(folder), str(tmp_path / "c.csv"), "-o", str(tmp_path / name)])
        assert not done.value.code
    with (tmp_path / "o.csv").open() as file:
        assert [row["labels"] for row in csv.DictReader(file)] == ["money|bug", "bug", "[]", "money"]
    lines = (tmp_path / "o.jsonl").read_text().splitlines()
    assert [tuple(json.loads(line)["labels"]) for line in lines] == said
    assert [tuple(row) for row in pq.read_table(tmp_path / "o.parquet")["labels"].to_pylist()] == said
