"""How results look on a terminal: tables, notes, JSON. The only place that formats."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import PurePath
from typing import Any

import click

__all__ = ["clean", "counted", "cut", "emit_json", "line", "note", "percent", "table"]

_NO_LIMIT = 10_000  # columns: what is piped is never wrapped


def line(text: str = "") -> None:
    """Write one line of result to stdout."""
    click.echo(clean(text))


def note(text: str) -> None:
    """Write one line to stderr: what the reader should know, but a pipe should not carry."""
    click.echo(clean(text), err=True)


def emit_json(obj: object) -> None:
    """Write an object as UTF-8 JSON to stdout; dataclasses and numpy values become plain, NaN becomes null."""
    text = json.dumps(_plain(obj), ensure_ascii=False, indent=2, allow_nan=False)
    click.echo(text.encode("utf-8", "backslashreplace"))


def percent(share: float | None, digits: int = 1) -> str:
    """Show a share as a percentage; nothing to show is a dash."""
    return "-" if share is None or math.isnan(share) else f"{100 * share:.{digits}f}%"


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table to stdout, columns of numbers to the right; never cut or wrapped in a pipe.

    On a terminal that is too narrow the first column, the name, gives way.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [[_cell(value) for value in row] for row in rows]
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for j, name in enumerate(columns):
        right = bool(cells) and all(_is_number(row[j]) for row in cells)
        grid.add_column(Text(name), justify="right" if right else "left", no_wrap=j > 0, overflow="ellipsis")
    for row in cells:
        grid.add_row(*map(Text, row))
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else _NO_LIMIT)
    with console.capture() as capture:
        console.print(grid)
    lines = capture.get().splitlines()
    click.echo("\n".join(["", clean(title), *(text.rstrip() for text in lines)]))


def clean(text: str) -> str:
    """Show control and direction characters as escapes, so that no name or text can play tricks on a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def counted(n: int, noun: str) -> str:
    """Write a number of things: "1 row", "1,200 rows"."""
    return f"{n:,} {noun}{'s' * (n != 1)}"


def cut(text: str, width: int) -> str:
    """Shorten a text to `width` characters, with an ellipsis for what is left out."""
    return text if len(text) <= width else text[: width - 1] + "…"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.3f}"
    return clean(str(value)).replace("\n", " ")


def _is_number(cell: str) -> bool:
    return cell in {"-", ""} or cell.lstrip("$+-").replace(",", "")[:1].isdigit()


def _plain(obj: Any) -> Any:
    if is_dataclass(obj) and not isinstance(obj, type):
        return _plain(obj.to_json() if hasattr(obj, "to_json") else asdict(obj))
    if isinstance(obj, Mapping):
        return {str(key): _plain(value) for key, value in obj.items()}
    if hasattr(obj, "tolist"):  # numpy arrays and scalars
        return _plain(obj.tolist())
    if isinstance(obj, (list, tuple, set, frozenset)):
        return [_plain(value) for value in (sorted(obj) if isinstance(obj, (set, frozenset)) else obj)]
    if isinstance(obj, float):
        return obj if math.isfinite(obj) else None
    return str(obj) if isinstance(obj, PurePath) else obj
