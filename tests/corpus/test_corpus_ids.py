"""Ids: kept as they came, or made from the content; never positional, never silently doubled."""

from __future__ import annotations

import random
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import row_texts

from weaksup.corpus import Scan, open_corpus
from weaksup.corpus.ids import Seen, derive_ids, digest_rows


def scanned(source: object, rows: int = 4096, **choice: str) -> tuple[Scan, list[tuple[str, str]]]:
    scan = open_corpus(source, **choice).scan(chunk_rows=rows)
    return scan, [(row.id, row.text) for chunk in scan for row in chunk.rows]


records = st.lists(
    st.fixed_dictionaries(
        {"text": st.sampled_from(["", "a", "b"]) | row_texts, "n": st.sampled_from([None, 0, 1, 2**62, True, 0.5, "0"])}
    ),
    max_size=12,
)


@settings(max_examples=50)
@given(rows=records, seed=st.integers(0, 99), size=st.integers(1, 13))
def test_made_ids_stay_with_their_rows_when_rows_are_shuffled_and_chunks_resized(
    rows: list[dict[str, Any]], seed: int, size: int
) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))
    scan, pairs = scanned(rows)
    _, again = scanned(shuffled, size)
    assert sorted(pairs) == sorted(again)
    assert len({row_id for row_id, _ in pairs}) == len(rows) == scan.counts.kept


@given(rows=st.lists(st.tuples(row_texts | st.just("a"), st.integers(0, 2) | st.none()), max_size=8))
def test_equal_rows_share_a_stem_and_other_rows_do_not(rows: list[tuple[str, int | None]]) -> None:
    _, pairs = scanned([{"text": text, "n": n} for text, n in rows])
    stems = [row_id.partition("-")[0] for row_id, _ in pairs]
    assert len(set(stems)) == len(set(rows)) == len(set(zip(stems, rows, strict=True)))
    assert all(re.fullmatch("[0-9a-f]{16}", stem) for stem in stems)


def test_repeats_of_a_row_are_numbered() -> None:
    _, pairs = scanned([{"text": "a"}, {"text": "b"}, {"text": "a"}, {"text": "a"}], rows=1)
    stem = pairs[0][0]
    assert [row_id for row_id, _ in pairs] == [stem, pairs[1][0], f"{stem}-2", f"{stem}-3"]


def test_a_made_id_is_the_hash_that_the_documentation_says(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,lang\nhello,en\n")
    expected = sha256(b"4:lang2:en4:text5:hello").hexdigest()[:16]
    assert scanned(path)[1] == [(expected, "hello")]


def test_the_same_rows_have_the_same_made_ids_in_every_format(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('text,lang\n"a, b",en\n')
    (tmp_path / "b.jsonl").write_text('{"lang":"en","text":"a, b","more":null}\n')
    tables = [{"text": "a, b", "lang": "en"}], pa.table({"lang": ["en"], "text": ["a, b"]})
    found = [scanned(source)[1] for source in (tmp_path / "a.csv", tmp_path / "b.jsonl", *tables)]
    assert found[0] == found[1] == found[2] == found[3]


@given(
    rows=st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["x", "y"])), max_size=20),
    size=st.integers(1, 21),
    fraction=st.booleans(),
)
def test_the_first_row_of_an_id_wins_and_the_others_are_counted(
    rows: list[tuple[str, str]], size: int, fraction: bool
) -> None:
    extra = {"score": 0.5} if fraction else {"score": 1}
    scan, pairs = scanned([{"id": row_id, "text": text, **extra} for row_id, text in rows], size)
    first: dict[str, str] = {}
    for row_id, text in rows:
        first.setdefault(row_id, text)
    same = sum(first[row_id] == text for row_id, text in rows)
    assert pairs == list(first.items())
    assert scan.counts.duplicates == same - len(first)
    assert scan.counts.rejected == len(rows) - same == len(scan.rejects)
    assert all("came before, with other content" in reject.reason for reject in scan.rejects)
    assert {reject.row_id for reject in scan.rejects} <= set(first)


def test_integer_ids_are_exact_decimals() -> None:
    table = pa.table({"id": pa.array([2**63, 2**64 - 1, 7], pa.uint64()), "text": ["a", "b", "c"]})
    assert [row_id for row_id, _ in scanned(table)[1]] == ["9223372036854775808", "18446744073709551615", "7"]


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pa.array([1.0, 2.0]), "id is a floating-point number"),
        (pa.array([None, None], pa.string()), "id is null"),
        (pa.array(["", ""]), "id is empty"),
        (pa.array([True, False]), "id is a boolean"),
        (pa.array([b"a", b"b"]), "id is a bytes"),
        (pa.array([[1], [2]]), "id is a list"),
        (pa.array([0, 1], pa.date32()), "id is a date"),
    ],
)
def test_an_id_that_is_neither_string_nor_integer_rejects_its_row(column: pa.Array, reason: str) -> None:
    scan, pairs = scanned(pa.table({"id": column, "text": ["a", "b"]}))
    assert pairs == []
    assert [(r.file, r.line) for r in scan.rejects] == [("table", 1), ("table", 2)]
    assert all(reject.reason.startswith(reason) for reject in scan.rejects)


def test_repeating_ids_leave_advice_and_an_empty_id_name_makes_ids_from_the_content() -> None:
    rows = [{"id": 0, "text": "a", "split": "train"}, {"id": 0, "text": "b", "split": "test"}]
    scan, _ = scanned(rows)
    assert scan.counts.rejected == 1
    assert any('--id "", in Python id=""' in note for note in scan.notes)
    made, pairs = scanned(rows, id="")
    assert [text for _, text in pairs] == ["a", "b"]
    assert made.notes == ['the column "id" is hidden: the id of a row is made from the content']


names = st.text(st.sampled_from('ab:=1,"'), min_size=1, max_size=4)


@given(a=st.dictionaries(names, row_texts | st.integers() | st.none()), b=st.dictionaries(names, row_texts))
def test_rows_that_differ_in_a_field_have_different_digests(a: dict[str, Any], b: dict[str, Any]) -> None:
    def digest(row: dict[str, Any]) -> int:
        return int(digest_rows(list(row), [[value] for value in row.values()], 1)[0])

    filled = {name: value for name, value in a.items() if value is not None}
    assert (digest(a) == digest(b)) == (filled == b)
    assert digest(a) == digest(dict(reversed(a.items())))


@settings(max_examples=50)
@given(batches=st.lists(st.dictionaries(st.integers(0, 2**64 - 1) | st.integers(0, 9), st.integers(0, 99))))
def test_the_index_of_ids_is_a_dict(batches: list[dict[int, int]]) -> None:
    seen, model = Seen(), dict[int, int]()
    for batch in batches:
        seen.put(np.array(list(batch), np.uint64), np.array(list(batch.values()), np.uint64))
        model.update(batch)
    asked = np.array([*model, 5, 2**64 - 1], np.uint64)
    known, values = seen.get(asked)
    assert known.tolist() == [key in model for key in asked.tolist()]
    assert values.tolist() == [model.get(key, 0) for key in asked.tolist()]


def test_no_rows_have_no_ids() -> None:
    assert derive_ids(np.empty(0, np.uint64), Seen()) == []
