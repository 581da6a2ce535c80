"""Rows of a corpus that could not be read: told, counted, and a reason to fail when they are many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weaksup.corpus import Counts, Reject

__all__ = ["MOST", "check_lost", "lost_json", "tell_lost"]

MOST = 0.01  # share of the rows, before the exit code is 3
_SHOWN = 5


def lost_json(counts: Counts, rejects: Sequence[Reject], notes: Sequence[str]) -> dict[str, Any]:
    """Return what became of the rows, as JSON."""
    return {
        "read": counts.read,
        "rejected": counts.rejected,
        "duplicates": counts.duplicates,
        "rejects": [str(reject) for reject in rejects],
        "notes": list(notes),
    }


def tell_lost(counts: Counts, rejects: Sequence[Reject], notes: Sequence[str]) -> str:
    """Write notes and the first rejected rows to stderr; return the counts in words."""
    from weaksup.cli import render

    for text in notes:
        render.note(f"note: {text}")
    for reject in rejects[:_SHOWN]:
        render.note(f"rejected {reject}")
    if len(rejects) > _SHOWN:
        render.note(f"... and {counts.rejected - _SHOWN:,} rejected rows more (--json lists up to 1,000)")
    return f"{counts.rejected:,} rejected, {counts.duplicates:,} duplicates"


def check_lost(rejected: int, read: int, *, most: float = MOST) -> None:
    """Raise ShortfallError where more than a share of `most` of the rows was rejected."""
    from weaksup.errors import ShortfallError

    if rejected > most * read:
        advice = "the others are done; mend or remove the ones named above"
        raise ShortfallError(f"{rejected:,} of {read:,} rows could not be read; {advice}")
