"""Opening, choosing columns, finding rows again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from weaksup.corpus import Corpus, open_corpus
from weaksup.errors import CorpusError


def folder(path: Path, **files: str) -> Path:
    for name, content in files.items():
        (path / name.replace("_", ".")).write_text(content)
    return path


def texts(corpus: Corpus) -> list[str]:
    return [row.text for chunk in corpus.scan() for row in chunk.rows]


def test_the_files_of_a_folder_are_read_in_order_of_name_and_others_noted(tmp_path: Path) -> None:
    folder(tmp_path, b_csv="text\nb\n", a_csv="text\na\n", c_tsv="text\nc\n", notes_txt="x", _hidden_csv="text\nh\n")
    (tmp_path / "sub.csv").mkdir()
    corpus = open_corpus(tmp_path)
    assert texts(corpus) == ["a", "b", "c"]
    (note,) = corpus.scan().notes
    assert note.endswith("skipped 3 that are not corpus files (.hidden.csv, notes.txt, sub.csv)")


def test_a_list_of_paths_is_read_in_the_order_given(tmp_path: Path) -> None:
    folder(tmp_path, a_csv="text\na\n", b_csv="text\nb\n")
    assert texts(open_corpus([tmp_path / "b.csv", str(tmp_path / "a.csv")])) == ["b", "a"]


def test_files_that_do_not_agree_on_columns_are_refused(tmp_path: Path) -> None:
    folder(tmp_path, a_csv="text,n\na,1\n", b_csv="n,text\n1,b\n")
    with pytest.raises(CorpusError, match=r"b\.csv: expected the columns of a\.csv \(text, n\), got n, text"):
        open_corpus(tmp_path).scan()


def test_files_of_two_formats_are_refused(tmp_path: Path) -> None:
    folder(tmp_path, a_csv="text\na\n", b_jsonl='{"text":"a"}')
    with pytest.raises(CorpusError, match="got .csv and .jsonl"):
        open_corpus(tmp_path)


def test_an_empty_file_among_others_and_a_lone_header_are_noted(tmp_path: Path) -> None:
    folder(tmp_path, a_csv="", b_csv="text\n", c_csv="text\nc\n")
    corpus = open_corpus(tmp_path)
    scan = corpus.scan()
    assert sum(map(len, scan)) == 1
    assert [Path(note.split(":")[0]).name for note in scan.notes] == ["a.csv", "b.csv"]
    assert all(note.endswith("no rows") for note in scan.notes)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("missing.csv", "does not exist"),
        ("", "empty name"),
        ("x" * 300 + ".csv", "cannot read"),
        ("nul\0.csv", "does not exist"),
        ("empty", "got none of them"),
        ("pipe.csv", "neither"),
        ("loop.csv", "does not exist"),
    ],
)
def test_a_path_that_leads_nowhere_is_one_line(name: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    with pytest.raises(CorpusError, match=word):
        open_corpus(str(tmp_path / name) if name else "")


def test_a_file_that_vanishes_is_one_line(tmp_path: Path) -> None:
    for file in ("a.csv", "a.jsonl", "a.csv.gz"):
        path = tmp_path / file
        path.write_text("text\n")
        corpus = open_corpus(path)
        path.unlink()
        for use in (corpus.scan, corpus.fingerprint, corpus.size_hint, lambda corpus=corpus: corpus.columns):
            with pytest.raises(CorpusError, match="No such file"):
                use()


def test_a_file_that_turns_into_a_folder_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pd.DataFrame({"text": ["a"]}).to_parquet(path)
    corpus = open_corpus(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(CorpusError, match="Is a directory"):
        corpus.scan()


def test_a_file_without_permission_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\na\n")
    path.chmod(0)
    corpus = open_corpus(path)
    user = os.geteuid()
    if user == 0:  # root may read everything: be nobody for a moment
        os.seteuid(65534)
    try:
        with pytest.raises(CorpusError, match="Permission denied"):
            corpus.scan()
    finally:
        os.seteuid(user)


def test_chosen_columns_are_there_under_both_names(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("uid,message,gold\n7,hello,SPAM\n")
    (row,) = next(open_corpus(path, text="message", id="uid").scan()).rows
    assert row.as_dict() == {"id": "7", "text": "hello", "uid": "7", "message": "hello", "gold": "SPAM"}


def test_a_column_hidden_by_the_choice_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text,message,uid\n1,t,m,u\n")
    corpus = open_corpus(path, text="message", id="uid")
    assert corpus.columns == ("id", "text", "message", "uid")
    assert corpus.scan().notes == [
        'the column "text" is hidden: the text of a row is column "message"',
        'the column "id" is hidden: the id of a row is column "uid"',
    ]


def test_the_id_column_may_be_the_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id\nhello\n")
    (row,) = next(open_corpus(path, text="id").scan()).rows
    assert row.text == "hello"
    assert len(row.id) == 16


@pytest.mark.parametrize("choice", [{"text": "mesage"}, {"text": "message", "id": "mesage"}])
def test_a_missing_column_is_named_with_those_there_are(choice: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("uid,message\n1,a\n")
    with pytest.raises(CorpusError) as caught:
        open_corpus(path, **choice).scan()
    expected = 'expected a column "mesage", got a corpus with uid, message; did you mean "message"?'
    assert str(caught.value) == expected


@pytest.mark.parametrize(("name", "near"), [("Text", True), ("TEXT ", True), ("texts", True), ("ticket", False)])
def test_only_a_name_that_is_near_is_suggested(name: str, near: bool) -> None:
    with pytest.raises(CorpusError) as caught:
        open_corpus([{name: "a", "body": "b"}]).scan()
    assert ("did you mean" in str(caught.value)) is near
    assert ("choose one with text=" in str(caught.value)) is not near


def test_origin_opens_the_same_corpus_again_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_bytes("uid,message\n1,größe\n".encode("latin-1"))
    monkeypatch.chdir(tmp_path)
    corpus = open_corpus("a.csv", text="message", id="uid", encoding="latin-1")
    origin = json.loads(json.dumps(corpus.origin()))
    assert origin == {"paths": [str(tmp_path / "a.csv")], "encoding": "latin-1", "text": "message", "id": "uid"}
    fingerprint = corpus.fingerprint()
    monkeypatch.chdir("/")
    again = Corpus.from_origin(origin)
    assert texts(again) == ["größe"]
    assert again.fingerprint() == fingerprint


@pytest.mark.parametrize("source", [[], [{"text": "a"}], pd.DataFrame({"text": ["a"]})])
def test_tables_have_no_origin_and_no_size(source: object) -> None:
    corpus = open_corpus(source)
    assert (corpus.origin(), corpus.size_hint()) == ({}, None)
    with pytest.raises(CorpusError, match="table in memory"):
        Corpus.from_origin(corpus.origin())


def test_the_fingerprint_is_of_content_and_choice_not_of_place(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "more.csv").write_text("a,b\n1,3\n")

    def fingerprint(name: str, **choice: str) -> str:
        return open_corpus(tmp_path / name, **choice).fingerprint()

    base = fingerprint("a.csv", text="a")
    assert fingerprint("other.csv", text="a") == base
    others = [fingerprint("more.csv", text="a"), fingerprint("a.csv", text="b"), fingerprint("a.csv", text="a", id="b")]
    assert len({base, *others, fingerprint("a.csv", text="a", encoding="latin-1")}) == 5


def test_lookup_finds_columns_of_rows_by_id(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text,gold\n" + "".join(f"{i},t{i},g{i}\n" for i in range(9_000)))
    corpus = open_corpus(path)
    assert corpus.lookup(["8999", "0", "no such row"], ["gold", "text"]) == {
        "0": {"gold": "g0", "text": "t0"},
        "8999": {"gold": "g8999", "text": "t8999"},
    }
    everything = corpus.lookup(None, ["id"])
    assert len(everything) == 9_000
    assert everything["17"] == {"id": "17"}
    assert corpus.lookup([], ["gold"]) == {}
    assert corpus.lookup(["5"], []) == {"5": {}}
    with pytest.raises(CorpusError, match='"gld", got a corpus with id, text, gold; did you mean "gold"'):
        corpus.lookup(None, ["gld"])


def test_progress_ends_at_the_size_of_the_files(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("text\n" + "some text\n" * 5_000)
    corpus = open_corpus(tmp_path)
    scan = corpus.scan(chunk_rows=1_000)
    seen = [scan.bytes_read for _ in scan]
    assert seen == sorted(seen)
    assert scan.bytes_read == corpus.size_hint() == 2 * 50_005


def test_a_corpus_can_be_scanned_many_times_and_left_midway(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\n" + "x\n" * 100)
    corpus = open_corpus(path)
    assert len(next(corpus.scan(chunk_rows=10))) == 10
    assert len(texts(corpus)) == len(texts(corpus)) == 100


def test_a_chunk_has_at_least_one_row() -> None:
    with pytest.raises(CorpusError, match="chunk_rows of at least 1, got 0"):
        open_corpus([]).scan(chunk_rows=0)


@pytest.mark.parametrize("source", [[], pd.DataFrame({"text": []}, dtype="str")])
def test_a_corpus_without_rows_is_a_corpus(source: object) -> None:
    corpus = open_corpus(source)
    scan = corpus.scan()
    assert list(scan) == []
    assert (corpus.columns, scan.counts.read) == (("id", "text"), 0)
    assert corpus.lookup(None, ["text"]) == {}


@pytest.mark.parametrize("text", ["", " ", "\t", "x" * 10_000_000])
def test_empty_blank_and_ten_megabyte_texts_are_rows(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": text}))
    assert texts(open_corpus(path)) == texts(open_corpus([{"text": text}])) == [text]
