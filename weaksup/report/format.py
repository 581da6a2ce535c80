"""How numbers and foreign text are written in the report."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import category

from markupsafe import Markup, escape

__all__ = ["breakable", "by_label", "compact", "count", "counted", "percent", "rows", "shown", "visible"]

_KEPT = "\n\t\u200c\u200d"  # lines, and the joiners that scripts and emoji are spelled with
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def visible(text: str) -> str:
    """Write control, direction and other invisible characters as their code, so that nothing hides or reorders text.

    >>> visible("abc\\u202edef")
    'abc⟨U+202E⟩def'
    """
    return "".join(f"⟨{_code(c)}⟩" if _is_hidden(c) else c for c in text)


def shown(text: str) -> Markup:
    """Escape foreign text for an element's content, with invisible characters set off as `<span class="u">`."""
    if text.isascii() and text.isprintable():
        return escape(text)
    span = Markup('<span class="u">{}</span>').format
    return Markup("").join(span(_code(c)) if _is_hidden(c) else c for c in text)


def breakable(name: str) -> Markup:
    """Escape a name for an element's content; the line may break after an underscore."""
    return Markup("_<wbr>").join(shown(part) for part in name.split("_"))


def _is_hidden(c: str) -> bool:
    return c not in _KEPT and category(c) in _HIDDEN


def _code(c: str) -> str:
    return f"U+{ord(c):04X}"


def count(n: int) -> str:
    """Write a whole number with thousands marked."""
    return f"{n:,}"


def counted(n: int, noun: str) -> str:
    """Write a number of things: "1 source", "2 sources"."""
    return f"{n:,} {noun}{'s' * (n != 1)}"


def rows(n: int) -> str:
    """Write a number of rows."""
    return counted(n, "row")


def compact(n: int) -> str:
    """Write a whole number in at most 4 characters.

    >>> compact(999), compact(1234), compact(45_678), compact(3_200_000)
    ('999', '1.2k', '46k', '3.2M')
    """
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if n >= size:
            short = n / size
            return f"{short:.1f}{unit}" if short < 9.95 else f"{short:.0f}{unit}"
    return str(n)


def percent(share: float | None) -> str:
    """Write a share as a percentage; `None` is a dash."""
    return "–" if share is None else f"{100 * share:.1f}%"  # noqa: RUF001  (an en dash stands for "nothing")


def by_label(votes: Sequence[tuple[str, str]], first: Sequence[str] = ()) -> dict[str, list[str]]:
    """Group (source, label) votes as label -> sources, the label with most votes first, and these sources first."""
    groups: dict[str, list[str]] = {}
    for source, label in sorted(votes, key=lambda vote: vote[0] not in first):
        groups.setdefault(label, []).append(source)
    return dict(sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])))
