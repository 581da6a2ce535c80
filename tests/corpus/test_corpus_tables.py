"""Parquet files and tables in memory: what they may hold, and what is said about the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup.corpus import Scan, open_corpus
from weaksup.errors import CorpusError


def scanned(source: object, **choice: str) -> tuple[Scan, list[dict[str, Any]]]:
    scan = open_corpus(source, **choice).scan()
    return scan, [row.as_dict() for chunk in scan for row in chunk.rows]


def strings(values: list[bytes], kind: Any = None) -> pa.Array:
    """Make a string array of any bytes, as a careless writer would."""
    raw = pa.array(values, pa.binary())
    return pa.Array.from_buffers(kind or pa.string(), len(raw), raw.buffers())


@pytest.mark.parametrize("stored", ["table", "parquet"])
def test_invalid_utf8_rejects_its_row_in_any_column(stored: str, tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": strings([b"1", b"\xff", b"3", b"4"]),
            "text": strings([b"a", b"b", b"\xc3", b"d"]),
            "more": strings([b"\x80", b"b", b"c", b"d"]),
        }
    )
    path = tmp_path / "a.parquet"
    pq.write_table(table, path)
    scan, rows = scanned(path if stored == "parquet" else table)
    assert [row["id"] for row in rows] == ["4"]
    assert [(r.line, r.reason) for r in scan.rejects] == [
        (1, 'column "more" is not valid UTF-8'),
        (2, 'column "id" is not valid UTF-8'),
        (3, 'column "text" is not valid UTF-8'),
    ]


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"id": [1, 2], "text": [None, "b"]}),
        pd.DataFrame({"id": [1, 2], "text": [np.nan, "b"]}),
        pd.DataFrame({"id": [1, 2], "text": [None, "b"]}, index=[7, 7]),
        pl.DataFrame({"id": [1, 2], "text": [None, "b"]}),
        [{"id": 1, "text": None}, {"id": 2, "text": "b"}],
        [{"id": 1, "text": float("nan")}, {"id": np.int64(2), "text": np.str_("b")}],
    ],
)
def test_a_text_of_null_rejects_its_row_and_says_its_id(table: object) -> None:
    scan, rows = scanned(table)
    assert rows == [{"id": "2", "text": "b"}]
    assert [(r.line, r.reason, r.row_id) for r in scan.rejects] == [(1, "text is null", "1")]


def test_a_column_of_nothing_but_null_rejects_all_rows() -> None:
    scan, rows = scanned(pa.table({"text": pa.nulls(3)}))
    assert (rows, scan.counts.rejected) == ([], 3)


def test_the_index_of_a_pandas_table_is_no_column_and_does_not_matter() -> None:
    frame = pd.DataFrame({"text": ["a", "b", "c"], 0: [1, 2, 3]})
    shuffled = frame.sample(frac=1, random_state=1)
    assert open_corpus(frame).columns == ("id", "text", "0")
    key = str
    assert sorted(map(key, scanned(frame)[1])) == sorted(map(key, scanned(shuffled)[1]))


def test_rows_of_dicts_may_hold_what_json_does_not_know() -> None:
    day = dt.date(2026, 1, 2)
    loop: list[Any] = []
    loop.append(loop)
    row = {"text": "a", "day": day, "f": np.float32(0.5), "t": (1, day), "s": {"k": {1}}, "loop": loop, "n": np.nan}
    (found,) = scanned([row])[1]
    expected = {"day": "2026-01-02", "f": 0.5, "t": '[1, "2026-01-02"]', "s": '{"k": "{1}"}', "loop": "[[...]]"}
    assert {name: found[name] for name in expected} == expected
    assert found["n"] is None


def test_rows_of_dicts_with_half_a_surrogate_pair_are_rejected() -> None:
    scan, rows = scanned([{"text": "\ud800"}, {"text": "b", "more": "\udfff"}, {"text": "c"}])
    assert [row["text"] for row in rows] == ["c"]
    assert [(r.line, r.reason[:14]) for r in scan.rejects] == [(1, "half a surroga"), (2, "half a surroga")]


def test_rows_of_dicts_with_a_text_that_is_no_string_are_rejected() -> None:
    scan, rows = scanned([{"id": "a", "text": 5}, {"id": 2, "text": "b"}])
    assert rows == [{"id": "2", "text": "b"}]
    assert scan.rejects[0].reason == "text is an integer, expected a string"


class FakeDataset:
    """Stands for a Hugging Face dataset after `shuffle`: rows come in the order of `iter`."""

    def with_format(self, name: str) -> FakeDataset:
        assert name == "arrow"
        return self

    def iter(self, batch_size: int) -> Iterator[pa.Table]:
        yield pa.table({"text": ["b"], "label": [1]})
        yield pa.table({"text": ["a"], "label": [0]})


def test_a_hugging_face_dataset_is_a_table() -> None:
    assert [(row["text"], row["label"]) for row in scanned(FakeDataset())[1]] == [("b", 1), ("a", 0)]


@pytest.mark.parametrize(
    ("source", "word"),
    [
        (5, "got int"),
        (None, "got NoneType"),
        ({"train": 1, "test": 2}, "train, test"),
        (pd.DataFrame({"text": ["a", 5]}), "got DataFrame: "),
        (pd.DataFrame([["a", "b"]], columns=["text", "text"]), "Duplicate column names"),
        (pd.DataFrame(), "no columns"),
        (pd.DataFrame({"text": ["\ud800"]}, dtype="object"), "got DataFrame: "),
        (pd.DataFrame({"text": [1, 2]}), "int64; choose another"),
        (pa.table({"text": [b"a"]}), "binary; choose another"),
        (pa.table({"text": ["a"], "": ["b"]}), "none for column 2"),
        (pa.table([pa.array(["a"])] * 2, names=["text", "text"]), '"text" twice'),
        ([{5: "a"}], "strings as column names, got 5 in row 1"),
        ([{"\ud800": "a"}], "strings as column names"),
        ([{"text": "a"}, 5], "got list"),
        (pd.Series(["a"]), "got Series"),
    ],
)
def test_what_is_no_table_of_texts_is_refused_in_one_line(source: object, word: str) -> None:
    with pytest.raises(CorpusError) as caught:
        scanned(source)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([2**60, 0], pa.timestamp("us")),
        pa.array([2**60, 0], pa.duration("s")),
        pa.array([2**55 // 86_400_000 * 86_400_000, 0], pa.date64()),
    ],
)
def test_a_value_that_python_cannot_hold_rejects_its_row(column: pa.Array) -> None:
    scan, rows = scanned(pa.table({"id": ["1", "2"], "text": ["a", "b"], "when": column}))
    assert [row["id"] for row in rows] == ["2"]
    assert scan.rejects[0].reason.startswith('column "when" holds a value that Python cannot')


def test_parquet_rows_are_streamed_over_row_groups_with_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    texts = [None if i % 5 == 4 else f"t{i}" for i in range(20)]
    pq.write_table(pa.table({"text": texts, "kind": ["a", "b"] * 10}), path, row_group_size=7)
    scan = open_corpus(path).scan(chunk_rows=3)
    assert [row.text for chunk in scan for row in chunk.rows] == [text for text in texts if text]
    assert [r.line for r in scan.rejects] == [5, 10, 15, 20]
    assert scan.bytes_read == path.stat().st_size


def test_the_parquet_files_of_a_folder_must_have_the_same_columns_and_types(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a"], "n": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["b"], "n": [2]}), tmp_path / "b.parquet")
    assert len(scanned(tmp_path)[1]) == 2
    pq.write_table(pa.table({"text": ["b"], "n": ["x"]}), tmp_path / "b.parquet")
    with pytest.raises(CorpusError, match=r"expected the columns of a\.parquet \(text: string, n: int64\), got text"):
        scanned(tmp_path)


def test_long_values_behind_many_indices_are_cut_into_blocks_and_a_bomb_of_them_is_refused(tmp_path: Path) -> None:
    for rows in (500, 2_000):
        text = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["x" * 2**20])
        pq.write_table(pa.table({"text": text, "n": list(range(rows))}), tmp_path / f"{rows}.parquet")
    first = next(open_corpus(tmp_path / "500.parquet").scan())
    assert len(first) == 16
    assert len(first.rows[0].text) == 2**20
    with pytest.raises(CorpusError, match=r"grow to 2,000\.0 MiB"):
        next(open_corpus(tmp_path / "2000.parquet").scan())


def test_a_cell_beyond_the_limit_is_rejected() -> None:
    scan, rows = scanned(pa.table({"id": ["1", "2"], "text": ["x" * (64 * 2**20 + 1), "b"]}))
    assert [row["id"] for row in rows] == ["2"]
    assert scan.rejects[0].reason == 'column "text" holds 64.0 MiB, at most 64.0 MiB fit'


@pytest.fixture(scope="module")
def pen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pen")


@settings(max_examples=50)
@given(cut=st.integers(0, 3_000), flip=st.integers(0, 3_000), bit=st.integers(0, 7))
def test_a_damaged_parquet_file_is_refused_or_counted(cut: int, flip: int, bit: int, pen: Path) -> None:
    path = pen / "a.parquet"
    table = pa.table({"id": [str(i) for i in range(40)], "text": ["some text"] * 40, "n": list(range(40))})
    pq.write_table(table, path, compression="snappy", write_page_checksum=True)
    content = bytearray(path.read_bytes())
    content[flip % len(content)] ^= 1 << bit
    path.write_bytes(content[: len(content) - cut] if cut % 2 else content)
    message = "one line"
    try:
        scan, rows = scanned(path)
        assert scan.counts.read == scan.counts.kept + scan.counts.rejected + scan.counts.duplicates
        assert len(rows) == scan.counts.kept
    except CorpusError as error:
        message = str(error)
    assert message
    assert "\n" not in message
