"""Reading a golden set: what is scored never sees a label, and the order and kind of the file do not matter."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.errors import UsageError
from weaksup.labels import LabelSpace
from weaksup.pipeline.golden.rows import GoldenSet, read_golden
from weaksup.project import Project

LABELS = LabelSpace(["HAM", "SPAM"])
ROWS = [{"id": f"r{i:02}", "text": f"text {i}", "lang": "en", "label": LABELS.names[i % 2]} for i in range(12)]
PROJECT = Project.model_validate({"corpus": {"path": "corpus.csv"}})


def _csv(path: Path, rows: list[dict[str, Any]], columns: list[str] | None = None) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns or list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def _read(path: Path, label: str = "label", id: str | None = None) -> GoldenSet:  # noqa: A002
    return read_golden(PROJECT, path, LABELS, label=label, id=id)


@given(order=st.permutations(range(len(ROWS))))
def test_the_order_of_the_file_does_not_matter(order: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("order")
    one = _read(_csv(folder / "a.csv", ROWS))
    other = _read(_csv(folder / "b.csv", [ROWS[i] for i in order]))
    assert (one.ids, one.gold.tolist(), one.digest) == (other.ids, other.gold.tolist(), other.digest)


@given(at=st.integers(0, len(ROWS) - 1), field=st.sampled_from(["id", "text", "lang", "label"]))
def test_any_change_of_a_row_or_its_label_is_another_set(
    at: int, field: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("change")
    rows = [dict(row) for row in ROWS]
    rows[at][field] = {"label": "HAM" if rows[at]["label"] == "SPAM" else "SPAM"}.get(field, "other")
    assert _read(_csv(folder / "a.csv", ROWS)).digest != _read(_csv(folder / "b.csv", rows)).digest


def test_the_kind_of_the_file_and_the_name_of_the_label_column_do_not_matter(tmp_path: Path) -> None:
    first = _read(_csv(tmp_path / "a.csv", ROWS))
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    table = pa.Table.from_pylist(ROWS)
    pq.write_table(table.rename_columns(["id", "text", "lang", "truth"]), tmp_path / "a.parquet")
    for other in (_read(tmp_path / "a.jsonl"), _read(tmp_path / "a.parquet", label="truth")):
        assert other.digest == first.digest


def test_rows_have_their_fields_but_not_their_label(tmp_path: Path) -> None:
    golden = _read(_csv(tmp_path / "a.csv", ROWS))
    assert golden.rows[3].as_dict() == {"id": "r03", "text": "text 3", "lang": "en"}
    assert [golden.labels.names[c] for c in golden.gold] == [row["label"] for row in ROWS]
    assert golden.corpus.columns == ("id", "text", "lang")


@pytest.mark.parametrize(("gold", "left"), [("lang", ("id", "text")), ("label", ("id", "text", "lang"))])
def test_the_gold_column_of_the_corpus_is_hidden_too(tmp_path: Path, gold: str, left: tuple[str, ...]) -> None:
    project = Project.model_validate({"corpus": {"path": "c.csv", "gold": gold}})
    golden = read_golden(project, _csv(tmp_path / "a.csv", ROWS), LABELS, label="label", id=None)
    assert golden.corpus.columns == left


def test_rows_without_a_label_are_left_out_and_told(tmp_path: Path) -> None:
    rows = [{**row, "label": "" if i < 3 else row["label"]} for i, row in enumerate(ROWS)]
    golden = _read(_csv(tmp_path / "a.csv", rows))
    assert golden.ids[0] == "r03"
    assert golden.notes == ("rows without a label, left out: 3",)


def test_equal_rows_count_once_and_texts_that_repeat_are_told(tmp_path: Path) -> None:
    more = {**ROWS[0], "id": "again"}
    golden = _read(_csv(tmp_path / "a.csv", [*ROWS, ROWS[0], more]))
    assert len(golden) == len(ROWS) + 1
    assert golden.notes[0] == "rows repeated, counted once: 1"
    assert "with the text of another: 1" in golden.notes[1]


def test_ids_can_come_from_another_column_or_from_the_content(tmp_path: Path) -> None:
    path = _csv(tmp_path / "a.csv", [{"nr": row["id"], **{k: row[k] for k in ("text", "label")}} for row in ROWS])
    assert _read(path, id="nr").ids[0] == "r00"
    assert len(set(_read(path).ids)) == len(ROWS)


@pytest.mark.parametrize(
    ("change", "options", "says"),
    [
        ({}, {"label": "topic"}, 'expected a column "topic" of true labels, got id, text, lang, label; .*--label'),
        ({}, {"label": "text"}, 'expected a column of true labels, got "text"'),
        ({}, {"id": "nr"}, 'expected a column "nr"'),
        ({"label": "MAYBE"}, {}, r'a\.csv: column "label", row 1: expected one of HAM, SPAM.*MAYBE'),
        ({"id": "r01"}, {}, '1 of 12 rows cannot be used; the first: .*the id "r01" came before'),
        ({"text": "text 1"}, {}, r'one label for each text, got "HAM" \(row r00\) and "SPAM" \(row r01\)'),
    ],
)
def test_each_mistake_is_one_line_that_says_what_to_do(
    tmp_path: Path, change: dict[str, str], options: dict[str, str], says: str
) -> None:
    path = _csv(tmp_path / "a.csv", [{**ROWS[0], **change}, *ROWS[1:]])
    with pytest.raises(UsageError, match=says) as caught:
        _read(path, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "id,text,label\n", "id,text,label\na,hello,\n"])
def test_a_file_without_labels_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"expected|empty") as caught:
        _read(path)
    assert "\n" not in str(caught.value)
