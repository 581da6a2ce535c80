"""Foreign text in Markdown and SVG: it stays text, whatever it says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from unicodedata import category

__all__ = ["code", "percent", "plain", "shorten", "span", "table", "xml"]

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"  # scripts and emoji are spelled with them
# What Markdown may read as a mark inside a line, where all foreign text is: links by name (www., ://, @) as well.
_MARKS = re.compile(r"[\\`*\[\]|~$!{}]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.|@", re.IGNORECASE)

_NUMBERS = re.compile(r"-|\d[-\d.,%]*")


def _visible(text: object) -> str:
    """Write text in one line, characters that hide or reorder others as their code."""
    line = " ".join(str(text).split())
    return "".join(f"⟨U+{ord(c):04X}⟩" if c not in _JOINERS and category(c) in _HIDDEN else c for c in line)


def plain(text: object) -> str:
    """Return text for a Markdown paragraph or table cell, as text and nothing else."""
    return _escaped(_visible(text))


def _escaped(line: str) -> str:
    # By number: unlike a backslash, that holds in tables, too.
    return _MARKS.sub(lambda found: f"&#{ord(found.group())};", escape(line, quote=False))


def code(text: object) -> str:
    """Return text to stand in code letters, whatever is in it."""
    return f"<code>{_escaped(_visible(text))}</code>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; cells are Markdown already. Columns of numbers, "-" for none, stand to the right."""
    lines = [list(row) for row in rows]
    right = [j > 0 and all(_NUMBERS.fullmatch(line[j]) for line in lines) for j in range(len(head))]
    rule = ["---:" if is_right else "---" for is_right in right]
    return "\n".join(f"| {' | '.join(line)} |" for line in [list(head), rule, *lines])


def xml(text: object) -> str:
    """Return text for an element or attribute of SVG."""
    return escape(_visible(text))


def shorten(text: object, most: int) -> str:
    """Cut text after so many characters."""
    line = _visible(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"


def percent(share: float) -> str:
    """Write a share as a percentage."""
    return f"{100 * share:.1f}%"


def span(ends: Sequence[float], *, share: bool = True) -> str:
    """Write an interval, of a share as percentages."""
    low, high = ends
    return f"{100 * low:.1f}-{100 * high:.1f}%" if share else f"{low:.3f}-{high:.3f}"
