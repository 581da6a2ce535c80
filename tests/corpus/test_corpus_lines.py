"""Lines: the same however the file is read in pieces."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.corpus.streams import TextFile

made_of_ends = st.text("\r\nab\u2028")


def lines(text: str, piece: int, lone_cr: bool) -> list[str]:
    raw = io.BytesIO(text.encode())
    file = TextFile(io.TextIOWrapper(raw, "utf-8", newline=""), raw)
    found = [line for batch in file.lines(lone_cr=lone_cr, piece_chars=piece) for line in batch]
    assert file.chars == len(text)
    assert file.bytes_read == len(text.encode())
    return found


@given(text=made_of_ends, piece=st.integers(1, 9))
def test_lines_end_at_line_feeds_and_nowhere_else(text: str, piece: int) -> None:
    assert lines(text, piece, lone_cr=False) == [line + "\n" for line in text.split("\n")[:-1]] + [
        rest for rest in text.split("\n")[-1:] if rest
    ]


@given(text=made_of_ends, piece=st.integers(1, 9))
def test_lines_end_at_carriage_returns_if_the_first_one_does(text: str, piece: int) -> None:
    universal = io.StringIO(text, newline="").readlines()
    first_end = next((end for end in ("\r\n", "\n", "\r") if universal and universal[0].endswith(end)), "")
    expected = universal if first_end == "\r" and len(universal) > 1 else lines(text, 2**20, lone_cr=False)
    assert lines(text, piece, lone_cr=True) == expected


@pytest.mark.parametrize("piece", [1, 2, 3, 7])
def test_a_line_end_may_fall_between_two_pieces(piece: int) -> None:
    assert lines("a\r\nb\r\n\r\nc", piece, lone_cr=True) == ["a\r\n", "b\r\n", "\r\n", "c"]
    assert lines("a\rb\r\rc\r\nd", piece, lone_cr=True) == ["a\r", "b\r", "\r", "c\r\n", "d"]
