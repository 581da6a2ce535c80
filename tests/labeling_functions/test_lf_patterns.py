from __future__ import annotations

import re
import unicodedata
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import row_texts

from weaksup.corpus import Chunk
from weaksup.errors import ConfigError, UsageError, VoteError
from weaksup.labeling_functions import keywords, lookup, regex
from weaksup.labels import LabelSpace

LABELS = LabelSpace(["HAM", "SPAM"])


def chunk(texts: list[str], **columns: pa.Array) -> Chunk:
    ids = [f"r{i}" for i in range(len(texts))]
    return Chunk(pa.RecordBatch.from_pydict({"id": pa.array(ids), "text": pa.array(texts, pa.string()), **columns}))


def votes(lf: Any, rows: Chunk) -> list[int]:
    voted = lf.vote(rows, LABELS)
    assert not voted.errors
    codes: list[int] = voted.codes.tolist()
    return codes


def fold(char: str) -> str:
    """Unicode simple case folding, from the two foldings that Python has."""
    folded = char.casefold()
    return folded if len(folded) == 1 else char.lower() if len(char.lower()) == 1 else char


def in_word(char: str) -> bool:
    return unicodedata.category(char)[0] in "LMN" or char == "_"


def says(text: str, word: str, *, whole_word: bool, case: bool) -> bool:
    """The rule of `keywords`, in plain Python, position by position."""
    if not case:
        text, word = "".join(map(fold, text)), "".join(map(fold, word))
    for at in range(len(text) - len(word) + 1):
        end = at + len(word)
        cut_left = at > 0 and in_word(text[at - 1]) and in_word(word[0])
        cut_right = end < len(text) and in_word(text[end]) and in_word(word[-1])
        if text[at:end] == word and not (whole_word and (cut_left or cut_right)):
            return True
    return False


words = st.text(st.characters(exclude_categories=("Cs", "Cn", "Z", "Cc")), min_size=1, max_size=3).filter(
    lambda w: not any(c.isspace() for c in w)
)
small = st.text(st.sampled_from("aAbBßẞéÉ\u0301 İıſsKk_9.-\n"), max_size=12)
small_words = st.text(st.sampled_from("aAbBßẞéÉ\u0301İıſsKk_9.-"), min_size=1, max_size=3)


@given(
    st.lists(row_texts | small, max_size=8),
    st.lists(words | small_words, min_size=1, max_size=4),
    st.lists(small_words, max_size=2),
    st.booleans(),
    st.booleans(),
)
def test_keywords_equal_the_same_rule_in_plain_python(
    texts: list[str], listed: list[str], barred: list[str], whole_word: bool, case: bool
) -> None:
    texts = [*texts, *(f"x {word}, y" for word in listed), *(f"x{word.upper()}" for word in listed)]
    lf = keywords("k", listed, label="SPAM", whole_word=whole_word, case=case, unless=barred)
    expected = [
        any(says(t, w, whole_word=whole_word, case=case) for w in listed)
        and not any(says(t, w, whole_word=whole_word, case=case) for w in barred)
        for t in texts
    ]
    assert votes(lf, chunk(texts)) == [1 if hit else -1 for hit in expected]


PATTERNS = [r"\d{2,}", r"^a|b$", r"(?i)a\b", r"[^a-zA-Z0-9]+\Z"[:-2] + "x", r"\bs", r"(?:a|b)+[0-9_]", r"é", r"\."]


@given(st.lists(row_texts | small, max_size=8), st.sampled_from(PATTERNS), st.booleans())
def test_regex_equals_python_re_on_the_syntax_that_both_have(texts: list[str], pattern: str, case: bool) -> None:
    # Python's IGNORECASE adds two Turkish letters to i; `$` before a last newline is Python's own.
    texts = [t.replace("İ", "").replace("ı", "").rstrip("\n") for t in texts]
    lf = regex("r", pattern, label=0, case=case)
    compiled = re.compile(pattern, re.ASCII | (0 if case else re.IGNORECASE))
    found = [any(compiled.finditer(t)) for t in texts if case or t.isascii()]
    assert votes(lf, chunk([t for t in texts if case or t.isascii()])) == [0 if hit else -1 for hit in found]


@given(
    st.dictionaries(row_texts, st.sampled_from(["HAM", "SPAM", 0, None]), min_size=1, max_size=6),
    st.lists(st.none() | row_texts, max_size=8),
)
def test_lookup_equals_a_dict(table: dict[str, Any], others: list[str | None]) -> None:
    values = [*others, *table]
    for kind in (pa.array(values, pa.string()), pa.array(values, pa.string()).dictionary_encode()):
        lf = lookup("l", table, field="lang")
        assert votes(lf, chunk([""] * len(values), lang=kind)) == [
            -1 if v is None else LABELS.index(table.get(v)) for v in values
        ]


def test_whole_words_of_any_script_and_phrases_over_any_white_space() -> None:
    lf = keywords("k", ["über", "credit card", "c++", "нет"], label="SPAM")
    hits = ["Über alles", "CREDIT\n  card!", "my credit\u00a0card", "use c++.", "ну НЕТ же", "über"]
    misses = ["überall", "credit cards", "abc++", "нету", "uber", "über\u0301", "creditcard"]
    assert votes(lf, chunk(hits)) == [1] * len(hits)
    assert votes(lf, chunk(misses)) == [-1] * len(misses)


def test_a_long_list_of_words_is_one_rule() -> None:
    lf = keywords("k", [f"word{i}" for i in range(2500)], label="HAM")
    assert votes(lf, chunk(["a word7 b", "word2499", "word25000"])) == [0, 0, -1]
    huge = keywords("k", [f"{i:03}" * 2000 for i in range(60)], label="HAM")  # more than RE2 takes in one pattern
    assert votes(huge, chunk(["x " + "007" * 2000, "007"])) == [0, -1]
    with pytest.raises(ConfigError, match="pattern too large"):
        keywords("k", ["x" * 1_500_000], label="HAM")


def test_unless_bars_a_vote() -> None:
    lf = keywords("k", ["refund"], label="SPAM", unless=["no refund"], examples=[("refund", "SPAM")])
    assert votes(lf, chunk(["a refund", "no refund please"])) == [1, -1]
    assert (lf("Refund!"), lf("none"), repr(lf)) == ("SPAM", None, "ColumnLF k")


def test_other_columns_nulls_and_other_arrow_texts_are_read() -> None:
    views = pa.array(["free", None], pa.string_view())
    rows = chunk(
        ["", ""], a=pa.array(["free", None]), b=views, c=pa.nulls(2), d=pa.array(["free", "x"]).dictionary_encode()
    )
    got = [votes(keywords("k", ["free"], label="SPAM", field=f), rows) for f in "abcd"]
    assert got == [[1, -1], [1, -1], [-1, -1], [1, -1]]


def test_a_hostile_text_does_not_hang_a_pattern() -> None:
    assert votes(regex("r", r"(a+)+$", label="SPAM"), chunk(["a" * 100_000 + "!"])) == [-1]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"(?=a)", r"RE2 has no look-ahead \(\?=...\); .* a Python labeling function with re"),
        (r"(?<!not )free", r"RE2 has no look-behind"),
        (r"(?>a)", r"RE2 has no atomic groups"),
        (r"(a)\1", r"RE2 has no back-references; write a Python labeling function"),
        (r"(", r"expected a pattern that RE2 can read, got missing \)"),
        (r"\Z", r"invalid escape sequence: \\Z"),
        (r"\bü", r"\\b of RE2 knows ASCII letters only; use keywords"),
        ("", "expected a pattern as a string, got ''"),
        (re.compile("a"), "expected a pattern as a string"),
    ],
)
def test_a_pattern_that_re2_cannot_do_says_so_in_one_line(pattern: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        regex("r", pattern, label="SPAM")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("listed", ["free", [], [""], ["a", " "], [3]])
def test_words_that_are_none_are_refused(listed: Any) -> None:
    with pytest.raises(ConfigError, match='keywords "k": expected'):
        keywords("k", listed, label="SPAM")


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a table"):
        lookup("l", {}, field="lang")


def test_columns_that_do_not_fit_the_rule_are_named() -> None:
    rows = chunk(["a"], n=pa.array([1]))
    with pytest.raises(UsageError, match='"k": expected a column "body", the corpus has id, text, n'):
        votes(keywords("k", ["a"], label="SPAM", field="body"), rows)
    with pytest.raises(UsageError, match='"k": expected text in column "n", got int64'):
        votes(keywords("k", ["a"], label="SPAM", field="n"), rows)
    with pytest.raises(UsageError, match="column \"n\" holds int64, the table has 'a'"):
        votes(lookup("l", {"a": "HAM"}, field="n"), rows)
    assert votes(lookup("l", {1: "HAM"}, field="n"), rows) == [0]


def test_a_label_that_is_none_is_found_before_any_row_is_read() -> None:
    with pytest.raises(VoteError, match=r"expected one of HAM, SPAM.*got 'SPAN'"):
        keywords("k", ["a"], label="SPAN").prepare(LABELS)
