"""What the command line writes: plain in a pipe, safe on a terminal, strict JSON."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.cli import render


@dataclass(frozen=True)
class Noun:
    name: str
    share: float


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@given(st.text())
def test_what_is_shown_holds_no_control_character_but_the_line_break(text: str) -> None:
    assert all(c.isprintable() or c == "\n" for c in render.clean(text))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=8))
def test_any_value_becomes_strict_json(value: object) -> None:
    text = json.dumps(render._plain(value), allow_nan=False)
    assert isinstance(text, str)


def test_json_is_utf8_with_nan_as_null_and_numpy_as_plain(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    render.emit_json(
        {
            "nan": float("nan"),
            "array": np.arange(2),
            "scalar": np.float64(0.5),
            "noun": Noun("é", float("inf")),
            "path": PurePosixPath("a/b"),
            "set": {2, 1},
            3: (1,),
        }
    )
    out = capfdbinary.readouterr().out
    assert "é".encode() in out
    assert json.loads(out) == {
        "nan": None,
        "array": [0, 1],
        "scalar": 0.5,
        "noun": {"name": "é", "share": None},
        "path": "a/b",
        "set": [1, 2],
        "3": [1],
    }


def test_a_piped_table_is_neither_cut_nor_wrapped_nor_coloured(capsys: pytest.CaptureFixture[str]) -> None:
    long = "a_name_" * 40
    render.table("Title", ["source", "votes", "share"], [(long, 1234567, 0.5), ("b[bold]", None, float("nan"))])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["", "Title"]
    assert long in lines[4]
    assert lines[4].endswith("1,234,567  0.500")
    assert lines[5].startswith("b[bold]")
    assert lines[5].endswith("        -      -")
    assert len(lines) == 6
    assert "\x1b" not in "".join(lines)


def test_a_narrow_terminal_cuts_the_name_and_keeps_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "40")
    render.table("Title", ["source", "votes"], [("a_name_" * 10, 1234567)])
    lines = terminal.getvalue().splitlines()
    assert "…" in lines[-1]
    assert lines[-1].endswith("1,234,567")
    assert len(lines[-1]) <= 40


def test_hostile_names_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    render.table("\x1b[2J", ["name"], [("\x1b]0;owned\x07\u202e",), ("two\nlines",)])
    render.line("\x1b[31mred")
    render.note("\x07")
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out
    assert "\u202e" not in captured.out
    assert "two lines" in captured.out
    assert captured.err == "\\x07\n"


def test_cells_percentages_and_cuts_read_well() -> None:
    assert [render.percent(share) for share in (0.1234, None, float("nan"), 1)] == ["12.3%", "-", "-", "100.0%"]
    assert [render._cell(value) for value in (True, False, 1000, 0.25, None)] == ["yes", "no", "1,000", "0.250", "-"]
    assert (render.cut("abcdef", 4), render.cut("abc", 4)) == ("abc…", "abc")


def test_a_table_without_rows_still_names_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    render.table("Empty", ["a", "b"], [])
    assert "a" in capsys.readouterr().out
