"""Text is never changed: what goes in comes out, from every format and table."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import row_texts

from weaksup.corpus import open_corpus

# Any text that UTF-8 can hold, and those that readers like to change.
texts = st.lists(
    row_texts
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(["", "NA", "null", "None", "nan", "001", "1.0", "=1+1", "true", " ", "\ufeff", "\r\n", '"', '""'])
    | st.text(st.sampled_from('",\r\n\0\t\u2028\u0085 x'), max_size=12),
    max_size=8,
)


def as_csv(rows: list[str], delimiter: str = ",", ending: str = "\r\n") -> bytes:
    out = io.StringIO(newline="")
    # With "\n" as line end, Python's writer leaves a lone "\r" without quotes: no reader can tell it from an end.
    quoting: Literal[0, 1] = csv.QUOTE_MINIMAL if ending == "\r\n" else csv.QUOTE_ALL
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ending, quoting=quoting)
    writer.writerow(["id", "text"])
    writer.writerows((f"r{i}", text) for i, text in enumerate(rows))
    return out.getvalue().encode()


def as_one_column(rows: list[str]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r").writerows([["text"], *([text] for text in rows)])
    return out.getvalue().encode("utf-16")


def as_jsonl(rows: list[str], ascii_only: bool = False) -> bytes:
    lines = [json.dumps({"id": i, "text": text}, ensure_ascii=ascii_only) + "\n" for i, text in enumerate(rows)]
    return "".join(lines).encode()


def as_parquet(rows: list[str], kind: pa.DataType = pa.string()) -> bytes:  # noqa: B008
    out = io.BytesIO()
    pq.write_table(pa.table({"id": pa.array(range(len(rows))), "text": pa.array(rows, kind)}), out)
    return out.getvalue()


FORMATS: dict[str, tuple[str, Callable[[list[str]], bytes]]] = {
    "csv": ("csv", as_csv),
    "csv with LF": ("csv", lambda rows: as_csv(rows, ending="\n")),
    "csv of one column, CR, UTF-16": ("csv", as_one_column),
    "tsv": ("tsv", lambda rows: as_csv(rows, "\t")),
    "csv.gz": ("csv.gz", lambda rows: gzip.compress(as_csv(rows), 1)),
    "jsonl": ("jsonl", as_jsonl),
    "jsonl of ASCII": ("ndjson", lambda rows: as_jsonl(rows, ascii_only=True)),
    "jsonl.gz": ("jsonl.gz", lambda rows: gzip.compress(as_jsonl(rows), 1)),
    "parquet": ("parquet", as_parquet),
    "parquet of large strings": ("parquet", lambda rows: as_parquet(rows, pa.large_string())),
    "parquet of a dictionary": ("parquet", lambda rows: as_parquet(rows, pa.dictionary(pa.int32(), pa.string()))),
    "parquet.gz": ("parquet.gz", lambda rows: gzip.compress(as_parquet(rows), 1)),
}


@pytest.fixture(scope="module")
def trip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trip")


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=40)
@given(rows=texts)
@example(rows=["NA", "null", "", "001", "=1+1", "🙂", "\u2028", "\0", "a\r\nb"])
def test_texts_come_out_of_files_as_they_went_in(name: str, rows: list[str], trip: Path) -> None:
    ending, write = FORMATS[name]
    path = trip / f"a.{ending}"
    path.write_bytes(write(rows))
    for chunk_rows in (4096, 3):
        scan = open_corpus(path).scan(chunk_rows=chunk_rows)
        assert [row.text for chunk in scan for row in chunk.rows] == rows
        assert (scan.counts.read, scan.counts.kept) == (len(rows), len(rows))


TABLES: dict[str, Callable[[list[str]], object]] = {
    "pandas": lambda rows: pd.DataFrame({"text": rows}, dtype="object"),
    "pandas str": lambda rows: pd.DataFrame({"text": pd.Series(rows, dtype="str")}),
    "pandas category": lambda rows: pd.DataFrame({"text": pd.Series(rows, dtype="str").astype("category")}),
    "polars": lambda rows: pl.DataFrame({"text": pl.Series(rows, dtype=pl.String)}),
    "polars lazy": lambda rows: pl.LazyFrame({"text": pl.Series(rows, dtype=pl.String)}),
    "arrow": lambda rows: pa.table({"text": pa.array(rows, pa.string())}),
    "arrow view": lambda rows: pa.table({"text": pa.array(rows, pa.string_view())}),
    "arrow batch": lambda rows: pa.record_batch({"text": pa.array(rows, pa.string())}),
    "arrow batches": lambda rows: [pa.record_batch({"text": pa.array(part, pa.string())}) for part in (rows, [])],
    "arrow reader": lambda rows: pa.table({"text": pa.array(rows, pa.string())}).to_reader(),
    "dicts": lambda rows: [{"text": text} for text in rows],
}


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=40)
@given(rows=texts)
def test_texts_come_out_of_tables_as_they_went_in(name: str, rows: list[str]) -> None:
    corpus = open_corpus(TABLES[name](rows))
    for chunk_rows in (4096, 3):
        scan = corpus.scan(chunk_rows=chunk_rows)
        assert [row.text for chunk in scan for row in chunk.rows] == rows
        assert scan.counts.kept == len(rows)


@settings(max_examples=25)
@given(rows=texts.filter(bool))
def test_the_same_rows_have_one_fingerprint_in_every_table(rows: list[str]) -> None:
    assert len({open_corpus(make(rows)).fingerprint() for make in TABLES.values()}) == 1


@given(rows=texts, other=texts)
def test_other_rows_have_another_fingerprint(rows: list[str], other: list[str]) -> None:
    made = [open_corpus([{"text": text} for text in some]).fingerprint() for some in (rows, other)]
    assert (made[0] == made[1]) == (rows == other)


def test_other_columns_keep_their_names_values_and_types(tmp_path: Path) -> None:
    table = pa.table({"n": [1, 2], "text": ["a", "b"], "x": [0.5, None], "tags": [["p"], []], "id": ["i", "j"]})
    pq.write_table(table, tmp_path / "a.parquet")
    (chunk,) = open_corpus(tmp_path / "a.parquet").scan()
    assert chunk.batch.schema.names == ["id", "text", "n", "x", "tags"]
    assert [str(kind) for kind in chunk.batch.schema.types[2:4]] == ["int64", "double"]
    assert chunk.rows[1].as_dict() == {"id": "j", "text": "b", "n": 2, "x": None, "tags": ()}
    assert Path(tmp_path / "a.parquet").is_file()


TYPES = [
    ([1, 2], "int64", [1, 2]),
    ([1, 0.5], "double", [1.0, 0.5]),
    ([2**53 + 1, 0.5], "string", [str(2**53 + 1), "0.5"]),
    ([2**63, 1], "string", [str(2**63), "1"]),
    ([2**63 - 1, 1], "int64", [2**63 - 1, 1]),
    ([True, False], "bool", [True, False]),
    ([True, 1], "string", ["true", "1"]),
    (["a", "b"], "string", ["a", "b"]),
    (["a", 1], "string", ['"a"', "1"]),
    (["ä", None], "string", ["ä", None]),
    ([None, None], "string", [None, None]),
    ([{"k": "ä"}, [1, 2]], "string", ['{"k": "ä"}', "[1, 2]"]),
    ([{"k": 1}, "s"], "string", ['{"k": 1}', '"s"']),
]


@pytest.mark.parametrize(("values", "kind", "expected"), TYPES)
@pytest.mark.parametrize("chunk_rows", [1, 4096])
def test_json_columns_have_one_type_however_chunks_are_cut(
    values: list[object], kind: str, expected: list[object], chunk_rows: int, tmp_path: Path
) -> None:
    rows = [{"id": i, "text": "t", "x": value} for i, value in enumerate(values)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for source in (tmp_path / "a.jsonl", rows):
        chunks = list(open_corpus(source).scan(chunk_rows=chunk_rows))
        assert [row.x for chunk in chunks for row in chunk.rows] == expected
        assert {str(chunk.batch.schema.field("x").type) for chunk in chunks} == {kind}


def test_a_field_that_appears_late_is_null_before(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text":"a"}\n{"text":"b","lang":"en"}\n')
    rows = [row for chunk in open_corpus(tmp_path / "a.jsonl").scan(chunk_rows=1) for row in chunk.rows]
    assert [row.lang for row in rows] == [None, "en"]


def test_types_of_jsonl_are_settled_over_all_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text":"a","n":1}\n')
    (tmp_path / "b.jsonl").write_text('{"text":"b","n":"x","m":true}\n')
    rows = [row.as_dict() for chunk in open_corpus(tmp_path).scan() for row in chunk.rows]
    assert [(row["n"], row["m"]) for row in rows] == [("1", None), ('"x"', True)]


def test_a_jsonl_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text":"a"}\n')
    corpus = open_corpus(path)
    before = corpus.columns
    path.write_text('{"text":"a","lang":"en"}\n')
    assert (before, corpus.columns) == (("id", "text"), ("id", "text", "lang"))
