"""Labels of a corpus, in files: every row, its own label, byte for byte."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import row_texts

from weaksup.corpus import open_corpus
from weaksup.distill import Predictor, label_corpus, load_bundle
from weaksup.errors import DiskError, UsageError

ROWS = [{"id": f"r{i}", "text": text} for i, text in enumerate(["invoice", "crash", "where settings", "", "refund"])]


@pytest.fixture(scope="module")
def model(bundle: Path) -> Predictor:
    return load_bundle(bundle)


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return [{**row, "confidence": float(row["confidence"])} for row in csv.DictReader(file)]
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(row_texts.filter(lambda text: text not in ("", "\ufeff")), unique=True, min_size=1, max_size=8))
def test_ids_come_back_as_they_were_in_every_format(model: Predictor, tmp_path: Path, ids: list[str]) -> None:
    corpus = open_corpus([{"id": row_id, "text": f"invoice {row_id}"} for row_id in ids])
    found = []
    for name in ("out.csv", "out.jsonl", "out.parquet"):
        assert label_corpus(model, corpus, tmp_path / name).rows == len(ids)
        rows = read(tmp_path / name)
        assert [row["id"] for row in rows] == ids
        found.append(rows)
    assert found[0] == found[1] == found[2]


def test_labels_and_probabilities_are_those_of_the_model(model: Predictor, tmp_path: Path) -> None:
    done: list[int] = []
    labeled = label_corpus(model, open_corpus(ROWS), tmp_path / "out.jsonl", proba=True, progress=done.append)
    rows = read(tmp_path / "out.jsonl")
    proba = model.predict_proba([row["text"] for row in ROWS])
    assert [row["label"] for row in rows] == model.predict([row["text"] for row in ROWS])
    assert np.allclose([[row[f"p({name})"] for name in model.classes] for row in rows], proba, atol=1e-6)
    assert np.allclose([row["confidence"] for row in rows], proba.max(axis=1), atol=1e-6)
    assert list(rows[0]) == ["id", "label", "confidence", *(f"p({name})" for name in model.classes)]
    assert labeled.labels == {name: [row["label"] for row in rows].count(name) for name in model.classes}
    assert done == [5]


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_an_empty_corpus_gives_a_header_and_rejects_are_counted(model: Predictor, tmp_path: Path, name: str) -> None:
    assert label_corpus(model, open_corpus([{"text": None}, {"text": None}]), tmp_path / name).counts.rejected == 2
    assert read(tmp_path / name) == []
    assert name != "out.csv" or (tmp_path / name).read_bytes() == b"id,label,confidence\n"


def test_the_output_is_not_the_input_nor_an_unknown_kind_nor_half_written(model: Predictor, tmp_path: Path) -> None:
    source = tmp_path / "c.csv"
    source.write_text("id,text\na,invoice\n")
    corpus = open_corpus(source)
    with pytest.raises(UsageError, match="than the corpus itself"):
        label_corpus(model, corpus, source)
    with pytest.raises(UsageError, match=r"\.csv, \.jsonl or \.parquet"):
        label_corpus(model, corpus, tmp_path / "out.txt")
    with pytest.raises(DiskError):
        label_corpus(model, corpus, tmp_path / "no" / "out.csv")
    with pytest.raises(ZeroDivisionError):
        label_corpus(model, corpus, tmp_path / "out.csv", progress=lambda _: 1 // 0)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["c.csv"]
    assert source.read_text() == "id,text\na,invoice\n"


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_stream_gets_the_bytes_of_a_file_on_any_number_of_threads(
    model: Predictor, tmp_path: Path, kind: str
) -> None:
    corpus = open_corpus([{"id": str(i), "text": f"invoice {i}"} for i in range(5000)])
    label_corpus(model, corpus, tmp_path / f"out.{kind}", abstain_below=0.8)
    for threads in (1, 5):
        stream = io.BytesIO()
        label_corpus(model, corpus, stream, kind=kind, abstain_below=0.8, threads=threads)
        assert stream.getvalue() == (tmp_path / f"out.{kind}").read_bytes()
    with pytest.raises(UsageError, match="csv, jsonl, parquet as the kind of a stream, got None"):
        label_corpus(model, corpus, io.BytesIO())


def test_rows_below_the_threshold_are_counted_and_have_no_label(model: Predictor, tmp_path: Path) -> None:
    labeled = label_corpus(model, open_corpus(ROWS), tmp_path / "out.jsonl", abstain_below=0.9)
    rows = read(tmp_path / "out.jsonl")
    assert [row["label"] for row in rows] == model.predict([row["text"] for row in ROWS], abstain_below=0.9)
    assert labeled.abstained == [row["label"] for row in rows].count(None)
    assert 0 < labeled.abstained < 5
    assert sum(labeled.labels.values()) + labeled.abstained == labeled.rows == 5
    with pytest.raises(UsageError, match="from 0 to 1"):
        label_corpus(model, open_corpus(ROWS), tmp_path / "out.jsonl", abstain_below=7)


def test_nothing_is_written_into_a_bundle_which_would_be_refused_from_then_on(bundle: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(bundle, mine)
    (tmp_path / "c.jsonl").write_text(json.dumps(ROWS[0]) + "\n")
    (tmp_path / "link").symlink_to(mine)
    before = sorted(path.name for path in mine.iterdir())
    for folder in (mine, tmp_path / "link"):
        with pytest.raises(UsageError, match="expected an output outside the bundle mine, which is sealed"):
            label_corpus(load_bundle(mine), open_corpus(tmp_path / "c.jsonl"), folder / "labels.csv")
    assert sorted(path.name for path in mine.iterdir()) == before
