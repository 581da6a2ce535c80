"""The zoo: bad files, each with the ids that survive and the lines that do not. Counts always add up."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from weaksup.corpus import Scan, open_corpus
from weaksup.errors import CorpusError, WeaksupError

H = b"id,text\n"


@pytest.fixture(scope="module")
def pen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pen")


def read(path: Path, **choice: str) -> tuple[Scan, dict[str, str]]:
    scan = open_corpus(path, **choice).scan()
    texts = {row.id: row.text for chunk in scan for row in chunk.rows}
    counts = scan.counts
    assert counts.read == counts.kept + counts.rejected + counts.duplicates
    assert counts.kept == len(texts)
    return scan, texts


# name: file name, bytes, texts by id, rejected lines with a word of the reason, duplicates
ZOO: dict[str, tuple[str, bytes, dict[str, str], list[tuple[int, str]], int]] = {
    "plain": ("a.csv", H + b"1,a\n2,b\n", {"1": "a", "2": "b"}, [], 0),
    "no newline at the end": ("a.csv", H + b"1,a", {"1": "a"}, [], 0),
    "UTF-8 byte order mark": ("a.csv", b"\xef\xbb\xbf" + H + b"1,a\n", {"1": "a"}, [], 0),
    "UTF-8 byte order mark before a quote": ("a.csv", b'\xef\xbb\xbf"id","text"\n1,a\n', {"1": "a"}, [], 0),
    "UTF-16 little endian": ("a.csv", "\ufeffid,text\n1,ä😀\n".encode("utf-16-le"), {"1": "ä😀"}, [], 0),
    "UTF-16 big endian": ("a.csv", "\ufeffid,text\n1,ä😀\n".encode("utf-16-be"), {"1": "ä😀"}, [], 0),
    "UTF-32": ("a.csv", "\ufeffid,text\n1,ä\n".encode("utf-32-le"), {"1": "ä"}, [], 0),
    "UTF-16 with half a surrogate pair": (
        "a.csv",
        b"\xff\xfe" + "id,text\n1,a\n2,".encode("utf-16-le") + b"\x00\xd8" + "\n3,c\n".encode("utf-16-le"),
        {"1": "a", "3": "c"},
        [(3, "decode")],
        0,
    ),
    "CRLF": ("a.csv", b"id,text\r\n1,a\r\n2,b\r\n", {"1": "a", "2": "b"}, [], 0),
    "CR": ("a.csv", b"id,text\r1,a\r2,b\r", {"1": "a", "2": "b"}, [], 0),
    "CR with a ragged row": ("a.csv", b"id,text\r1,a\r2\r3,c", {"1": "a", "3": "c"}, [(3, "expected 2 fields")], 0),
    "U+2028, U+0085, VT and FF in a text": (
        "a.csv",
        "id,text\n1,a\u2028b\u0085c\x0bd\x0ce\n".encode(),
        {"1": "a\u2028b\u0085c\x0bd\x0ce"},
        [],
        0,
    ),
    "line ends in quotes": ("a.csv", H + b'1,"a\r\nb\rc\nd"\n2,x\n', {"1": "a\r\nb\rc\nd", "2": "x"}, [], 0),
    "a ragged row behind a long record": ("a.csv", H + b'1,"a\nb\nc"\n2\n', {"1": "a\nb\nc"}, [(5, "got 1")], 0),
    "NUL in a text": ("a.csv", H + b"1,a\x00b\n", {"1": "a\0b"}, [], 0),
    "one undecodable row": ("a.csv", H + b"1,a\n2,\xff\xfe\n3,c\n", {"1": "a", "3": "c"}, [(3, "decode")], 0),
    "undecodable and ragged": ("a.csv", H + b"1,\xff,\n2,b\n", {"2": "b"}, [(2, "decode")], 0),
    "encoded half surrogate": ("a.csv", H + b"1,\xed\xa0\x80\n2,b\n", {"2": "b"}, [(2, "decode")], 0),
    "cut UTF-8 at the end": ("a.csv", H + b"1,a\n2,\xe2\x82", {"1": "a"}, [(3, "decode")], 0),
    "too few fields": ("a.csv", H + b"1\n2,b\n", {"2": "b"}, [(2, "expected 2 fields, got 1")], 0),
    "too many fields": ("a.csv", H + b"1,a,b\n2,b\n", {"2": "b"}, [(2, "expected 2 fields, got 3")], 0),
    "open quote at the end": ("a.csv", H + b'1,a\n2,"b\n', {"1": "a"}, [(3, "never closed")], 0),
    "open quote in the middle": (
        "a.csv",
        H + b'1,a\n2,"open\n3,c\n4,d\n',
        {"1": "a", "3": "c", "4": "d"},
        [(3, "never closed")],
        0,
    ),
    "open quote that a later row seems to close": (
        "a.csv",
        H + b'1,"open\n2,"b"\n3,c\n',
        {"2": "b", "3": "c"},
        [(2, "broken quotes")],
        0,
    ),
    "text behind a closing quote": ("a.csv", H + b'1,"a"b\n2,b\n', {"2": "b"}, [(2, "broken quotes")], 0),
    "undecodable in broken quotes": ("a.csv", H + b'1,"\xff"b\n2,b\n', {"2": "b"}, [(2, "decode")], 0),
    "quote inside an unquoted text": ("a.csv", H + b'1,5" pipe\n', {"1": '5" pipe'}, [], 0),
    "a lone CR in a file of LF": ("a.csv", H + b"1,a\rb\n2,b\n", {"2": "b"}, [(2, "carriage return")], 0),
    "a lone CR in quotes, counted as grep counts": ("a.csv", H + b'1,"a\rb"\n2\n', {"1": "a\rb"}, [(3, "got 1")], 0),
    "a header in quotes that holds a CR": ("a.csv", b'id,text,"a\rb"\n1,a,\n', {"1": "a"}, [], 0),
    "every line broken": ("a.csv", H + b'1,"a"b\n' * 5, {}, [(n, "broken") for n in range(2, 7)], 0),
    "blank lines": ("a.csv", b"\n" + H + b"\n1,a\n\n\n2\n", {"1": "a"}, [(7, "got 1")], 0),
    "texts that readers take for null": (
        "a.csv",
        H + b"1,NA\n2,null\n3,None\n4,nan\n5,\n6, \n7,001\n8,=1+1\n",
        {"1": "NA", "2": "null", "3": "None", "4": "nan", "5": "", "6": " ", "7": "001", "8": "=1+1"},
        [],
        0,
    ),
    "ids that readers change": (
        "a.csv",
        H + b"001,a\n1,b\n1.0,c\n 1,d\n",
        {"001": "a", "1": "b", "1.0": "c", " 1": "d"},
        [],
        0,
    ),
    "empty id": ("a.csv", H + b",a\n2,b\n", {"2": "b"}, [(2, "id is empty")], 0),
    "header only": ("a.csv", H, {}, [], 0),
    "header without a newline": ("a.csv", b"id,text", {}, [], 0),
    "same id, same content": ("a.csv", H + b"1,a\n1,a\n", {"1": "a"}, [], 1),
    "same id, other content": ("a.csv", H + b"1,a\n1,b\n1,a\n", {"1": "a"}, [(3, "came before")], 1),
    "tabs": ("a.tsv", b"id\ttext\n1\ta,b\n2\t\n3\n", {"1": "a,b", "2": ""}, [(4, "got 1")], 0),
    "gzip": ("a.csv.gz", gzip.compress(H + b"1,a\n2\n"), {"1": "a"}, [(3, "got 1")], 0),
    "gzip of two members": ("a.csv.gz", gzip.compress(H) + gzip.compress(b"1,a\n"), {"1": "a"}, [], 0),
    "capital ending": ("A.CSV", H + b"1,a\n", {"1": "a"}, [], 0),
    "jsonl": ("a.jsonl", b'{"id": "1", "text": "a"}\n{"id": 2, "text": "b"}\n', {"1": "a", "2": "b"}, [], 0),
    "jsonl, mark and CRLF": ("a.jsonl", b'\xef\xbb\xbf{"id":1,"text":"a"}\r\n', {"1": "a"}, [], 0),
    "jsonl, U+2028": ("a.ndjson", '{"id":1,"text":"a\u2028b\u0085"}\n'.encode(), {"1": "a\u2028b\u0085"}, [], 0),
    "jsonl, blank lines": ("a.jsonl", b'\n{"id":1,"text":"a"}\n  \n{]\n', {"1": "a"}, [(4, "not JSON")], 0),
    "jsonl, key twice": ("a.jsonl", b'{"id":1,"text":"a","text":"b"}\n', {}, [(1, '"text" comes twice')], 0),
    "jsonl, inner key twice": ("a.jsonl", b'{"id":1,"text":"a","m":{"k":1,"k":2}}\n', {}, [(1, "comes twice")], 0),
    "jsonl, NaN": ("a.jsonl", b'{"id":1,"text":"a","n":NaN}\n{"id":2,"text":"b"}\n', {"2": "b"}, [(1, "NaN")], 0),
    "jsonl, -Infinity": ("a.jsonl", b'{"id":1,"text":"a","n":[-Infinity]}\n', {}, [(1, "-Infinity")], 0),
    "jsonl, 1e999": ("a.jsonl", b'{"id":1,"text":"a","n":1e999}\n', {}, [(1, "too large")], 0),
    "jsonl, [1e999]": ("a.jsonl", b'{"id":1,"text":"a","n":[1e999]}\n', {}, [(1, "too large")], 0),
    "jsonl, no object": (
        "a.jsonl",
        b'[1]\n"a"\n3\nnull\n',
        {},
        [(1, "a list"), (2, "a string"), (3, "an integer"), (4, "null")],
        0,
    ),
    "jsonl, text of another kind": (
        "a.jsonl",
        b'{"id":1,"text":5}\n{"id":2,"text":["a"]}\n{"id":3,"text":{}}\n{"id":4,"text":true}\n{"id":5,"text":"e"}\n',
        {"5": "e"},
        [(1, "text is an integer"), (2, "a list"), (3, "an object"), (4, "a boolean")],
        0,
    ),
    "jsonl, no text": (
        "a.jsonl",
        b'{"id":1,"text":null}\n{"id":2}\n{"id":3,"text":"c"}\n',
        {"3": "c"},
        [(1, "text is null"), (2, "text is null")],
        0,
    ),
    "jsonl, ids of another kind": (
        "a.jsonl",
        b'{"id":1.5,"text":"a"}\n{"id":null,"text":"a"}\n{"text":"a"}\n{"id":[1],"text":"a"}\n{"id":true,"text":"a"}\n'
        b'{"id":"","text":"a"}\n{"id":7,"text":"g"}\n{"id":"h","text":"h"}\n',
        {"7": "g", "h": "h"},
        [(1, "floating"), (2, "null"), (3, "null"), (4, "a list"), (5, "boolean"), (6, "empty")],
        0,
    ),
    "jsonl, last line cut": ("a.jsonl", b'{"id":1,"text":"a"}\n{"id":2,"te', {"1": "a"}, [(2, "last line is cut")], 0),
    "jsonl, two objects on a line": ("a.jsonl", b'{"id":1,"text":"a"}{"id":2}\n', {}, [(1, "extra data")], 0),
    "jsonl, nested too deep": (
        "a.jsonl",
        b'{"id":1,"text":"a","n":' + b"[" * 100_000 + b'}\n{"id":2,"text":"b"}\n',
        {"2": "b"},
        [(1, "too deep")],
        0,
    ),
    "jsonl, huge integer": ("a.jsonl", b'{"id":1,"text":"a","n":' + b"9" * 5_000 + b"}\n", {}, [(1, "too large")], 0),
    "jsonl, large integer id": ("a.jsonl", b'{"id":' + b"9" * 30 + b',"text":"a"}\n', {"9" * 30: "a"}, [], 0),
    "jsonl, half surrogate": (
        "a.jsonl",
        b'{"id":1,"text":"\\ud800"}\n{"id":2,"text":"\\ud83d\\ude00"}\n{"id":3,"\\udc00":1,"text":"c"}\n',
        {"2": "😀"},
        [(1, "surrogate"), (3, "surrogate")],
        0,
    ),
    "jsonl, raw control character": ("a.jsonl", b'{"id":1,"text":"a\x00"}\n', {}, [(1, "control character")], 0),
    "jsonl, escaped NUL": ("a.jsonl", b'{"id":1,"text":"a\\u0000"}\n', {"1": "a\0"}, [], 0),
    "jsonl, undecodable": ("a.jsonl", b'{"id":1,"text":"\xff"}\n{"id":2,"text":"b"}\n', {"2": "b"}, [(1, "decode")], 0),
    "jsonl, white space around": ("a.jsonl", b' \t{"id":1,"text":"a"} \r\n', {"1": "a"}, [], 0),
    "jsonl, nothing but a comma": ("a.jsonl", b",\n", {}, [(1, "expected a value")], 0),
    "jsonl, empty file": ("a.jsonl", b"", {}, [], 0),
    "jsonl, empty objects": ("a.jsonl", b"{}\n{}\n", {}, [(1, "text is null"), (2, "text is null")], 0),
    "jsonl, gzip": ("a.jsonl.gz", gzip.compress(b'{"id":1,"text":"a"}\n{\n'), {"1": "a"}, [(2, "not JSON")], 0),
    "jsonl, same content, other spelling": (
        "a.jsonl",
        b'{"id":1,"text":"a","n":null}\n{ "text":"\\u0061", "id":1 }\n',
        {"1": "a"},
        [],
        1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ZOO)
def test_every_bad_file_is_accounted_for_by_line_and_reason(name: str, tmp_path: Path) -> None:
    file, content, texts, rejects, duplicates = ZOO[name]
    path = tmp_path / file
    path.write_bytes(content)
    scan, found = read(path)
    assert found == texts
    assert [r.line for r in scan.rejects] == [line for line, _ in rejects]
    for reject, (_, word) in zip(scan.rejects, rejects, strict=True):
        assert word in reject.reason
        assert reject.file == str(path)
        assert str(reject).isprintable()
    assert scan.counts.duplicates == duplicates


REFUSED = {
    "empty": ("a.csv", b"", "empty file"),
    "blank lines only": ("a.csv", b"\n\n", "empty file"),
    "a name twice": ("a.csv", b"id,text,id\n", '"id" twice'),
    "a column without a name": ("a.csv", b",text\n1,a\n", "none for column 1"),
    "UTF-16 without a mark": ("a.csv", "id,text\n1,a\n".encode("utf-16-le"), "UTF-16"),
    "undecodable header": ("a.csv", b"id,te\xffxt\n1,a\n", "decode"),
    "broken header": ("a.csv", b'id,"text"x\n1,a\n', "a.csv:1: expected a header"),
    "open quote in the header": ("a.csv", b'id,"text\n1,a\n', "never closed"),
    "no text column": ("a.csv", b"id,texts\n1,a\n", 'id, texts; did you mean "texts"?'),
    "semicolons": ("a.csv", b"id;text\n1;a\n", "split by ';'"),
    "a line break in a name": ("a.csv", b'id,"te\nxt"\n1,a\n', r"te\nxt"),
    "no text field": ("a.jsonl", b'{"id":1,"txet":"a"}\n', 'did you mean "txet"?'),
    "thousands of fields": (
        "a.jsonl",
        b'{"text":"a",' + b",".join(b'"f%d":1' % i for i in range(5000)) + b"}",
        "4,096",
    ),
    "not gzip": ("a.csv.gz", H + b"1,a\n", "damaged"),
    "cut gzip": ("a.csv.gz", gzip.compress(H + bytes(range(256)) * 50)[:-30], "damaged"),
    "gzip with a wrong checksum": ("a.csv.gz", gzip.compress(H)[:-8] + b"\0" * 8, "damaged"),
    "gzip with garbage inside": ("a.csv.gz", gzip.compress(H)[:10] + b"\xff" * 40, "damaged"),
    "not parquet": ("a.parquet", b"PAR1 not at all", "damaged"),
    "empty parquet": ("a.parquet", b"", "damaged"),
    "not gzipped parquet": ("a.parquet.gz", b"PAR1", "damaged"),
    "gzip of no parquet": ("a.parquet.gz", gzip.compress(b"PAR1PAR1"), "damaged"),
    "unknown ending": ("a.txt", b"hello", "ending in .csv"),
    "no ending": ("corpus", b"hello", "ending in .csv"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_at_all_is_one_line_that_says_why(name: str, tmp_path: Path) -> None:
    file, content, word = REFUSED[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(CorpusError) as caught:
        read(tmp_path / file)
    assert word in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet", "csv.gz", "jsonl.gz", "parquet.gz"])
@settings(max_examples=50)
@example(content=b'""\0', packed=False)
@given(content=st.binary(max_size=300), packed=st.booleans())
def test_random_bytes_are_counted_or_refused_but_never_crash(
    ending: str, content: bytes, packed: bool, pen: Path
) -> None:
    path = pen / f"a.{ending}"
    path.write_bytes(gzip.compress(content, 1) if packed and ending.endswith("gz") else content)
    message = ""
    try:
        read(path)
    except WeaksupError as error:
        message = str(error)
    assert message.isprintable()


_pieces = st.sampled_from(
    [b'"', b",", b"\n", b"\r", b"\r\n", b"a", b"\xff", b"\0", b'""', b"1", "ü".encode(), b"\xef\xbb\xbf", b"\t"]
)


@settings(max_examples=50)
@given(body=st.lists(_pieces, max_size=40).map(b"".join), rows=st.integers(1, 5))
def test_csv_rows_do_not_depend_on_the_size_of_chunks(body: bytes, rows: int, pen: Path) -> None:
    path = pen / "a.csv"
    path.write_bytes(b"text,b\n" + body)
    scan, texts = read(path)
    small = open_corpus(path).scan(chunk_rows=rows)
    chunks = list(small)
    assert {row.id: row.text for chunk in chunks for row in chunk.rows} == texts
    assert all(1 <= len(chunk) <= rows for chunk in chunks)
    assert small.counts == scan.counts
    assert small.rejects == scan.rejects


_fragments = st.sampled_from(
    ['{"text":', '"a"', "{", "}", "[", "]", ",", ":", "\n", '"id":', "1", "1e999", "NaN", "null", '"\\ud800"', "\r"]
)


@settings(max_examples=50)
@given(body=st.lists(_fragments, max_size=40).map("".join))
def test_random_json_fragments_are_counted(body: str, pen: Path) -> None:
    path = pen / "a.jsonl"
    path.write_text(body, newline="")
    message = "expected a column"
    try:
        read(path)
    except CorpusError as error:
        message = str(error)
    assert "expected a column" in message


def test_a_cell_of_ten_megabytes_is_kept_and_one_of_sixty_five_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    long = b"x" * 10_000_000
    path.write_bytes(H + b'1,"' + long + b'"\n2,' + b"y" * (65 * 2**20) + b"\n3,c\n4\n")
    scan, texts = read(path)
    assert [(row_id, len(text)) for row_id, text in texts.items()] == [("1", 10_000_000), ("3", 1)]
    assert [(r.line, r.reason) for r in scan.rejects] == [
        (3, "a line of more than 64.0 MiB"),
        (5, "expected 2 fields, got 1"),
    ]


def test_a_quote_left_open_for_longer_than_a_record_may_be_costs_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    line = b"2," + b"y" * 2**20 + b"\n"
    path.write_bytes(H + b'1,"open\n' + line + b"3,c\n" * 5 + line.replace(b"2,", b"9,") * 66)
    scan, texts = read(path)
    assert set(texts) == {"2", "3", "9"}
    assert [(r.line, r.reason) for r in scan.rejects] == [(2, "a quote is opened and not closed within 64.0 MiB")]


def test_a_long_line_of_jsonl_is_rejected_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text":"a"}\n{"text":"' + b"x" * (66 * 2**20) + b'"}\n{"text":"c"}\n[]')
    scan, texts = read(path)
    assert sorted(texts.values()) == ["a", "c"]
    assert [(r.line, r.reason[:13]) for r in scan.rejects] == [(2, "a line of mor"), (4, "expected an o")]


@pytest.mark.parametrize("ending", ["csv.gz", "parquet.gz"])
def test_a_gzip_bomb_is_stopped_early(ending: str, tmp_path: Path) -> None:
    zeros = gzip.compress(b"text\n" + bytes(4 * 2**20), 9)
    path = tmp_path / f"a.{ending}"
    path.write_bytes(zeros * 100)  # 400 MB in 400 kB
    assert path.stat().st_size < 2**20
    with pytest.raises(CorpusError, match=r"grew to 6[4-9]"):
        read(path)


def test_only_the_first_thousand_rejects_are_kept_but_all_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(H + b"1\n" * 1_500)
    scan, _ = read(path)
    assert (scan.counts.rejected, len(scan.rejects), scan.rejects[-1].line) == (1_500, 1_000, 1_001)


def test_a_broken_quote_leaves_a_note(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(H + b'1,"a"b\n2,"c"d\n')
    assert [note for note in read(path)[0].notes if "after a broken quote" in note]


def test_a_corpus_of_another_encoding_is_read_when_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id,text\n1,größe\n".encode("latin-1"))
    assert read(path)[0].rejects[0].reason == "bytes that the encoding cannot decode"
    assert read(path, encoding="latin-1")[1] == {"1": "größe"}


@pytest.mark.parametrize("encoding", ["utf-9", "", "hex", "unicode_escape", "utf-7", "a\0b"])
def test_an_encoding_that_is_none_is_refused(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(H)
    with pytest.raises(CorpusError, match="expected an encoding"):
        open_corpus(path, encoding=encoding)


def test_an_explicit_utf16_drops_its_own_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("\ufeffid,text\n1,a\n".encode("utf-16-le"))
    assert read(path, encoding="utf-16-le")[1] == {"1": "a"}
    assert read(path, encoding="utf-16")[1] == {"1": "a"}


def test_the_zoo_is_large() -> None:
    assert len(ZOO) + len(REFUSED) >= 60


def test_the_first_of_two_line_ends_may_be_the_last_character_of_a_piece(tmp_path: Path) -> None:
    # Pieces of 2**20 characters are read: CR, LF and both, at and around the border.
    for end in (b"\r", b"\n", b"\r\n"):
        for shift in range(-2, 3):
            path = tmp_path / "a.csv"
            first = b"1," + b"x" * (2**20 - len(b"id,text") - 2 - 2 * len(end) + shift)
            path.write_bytes(end.join([b"id,text", first, b"2,b", b"3", b""]))
            scan, texts = read(path)
            assert [len(text) for text in texts.values()] == [len(first) - 2, 1]
            assert [r.line for r in scan.rejects] == [4]
