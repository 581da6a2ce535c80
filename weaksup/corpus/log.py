"""What happened to the rows of a scan: counts that add up, rejects with line and reason, notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["KEPT_REJECTS", "Counts", "Log", "Reject", "list_names", "one_line"]

KEPT_REJECTS = 1_000


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be used: `line` is where it began; in Parquet and tables the row's number, from 1."""

    file: str
    line: int
    reason: str
    row_id: str | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(slots=True)
class Counts:
    """Rows of a scan; `read == kept + rejected + duplicates` at any time."""

    read: int = 0
    kept: int = 0
    rejected: int = 0
    duplicates: int = 0


@dataclass(slots=True)
class Log:
    """Collect counts, rejects and notes of one scan."""

    counts: Counts = field(default_factory=Counts)
    notes: list[str] = field(default_factory=list)
    _rejects: list[Reject] = field(default_factory=list)
    _files: dict[str, int] = field(default_factory=dict)

    def reject(self, file: str, line: int, reason: str, row_id: str | None = None) -> None:
        """Count a row that is not used, and say why."""
        self.counts.read += 1
        self.counts.rejected += 1
        self._files.setdefault(file, len(self._files))
        self._rejects.append(Reject(file, line, one_line(reason), row_id))
        if len(self._rejects) >= 2 * KEPT_REJECTS:
            self._rejects = self.rejects

    @property
    def rejects(self) -> list[Reject]:
        """The first 1,000 rejects by file and line.

        Some kinds are found before others; in this order they do not depend on the size of chunks.
        """
        return sorted(self._rejects, key=lambda reject: (self._files[reject.file], reject.line))[:KEPT_REJECTS]

    def duplicate(self) -> None:
        """Count a row that repeats an earlier one, id and content."""
        self.counts.read += 1
        self.counts.duplicates += 1

    def keep(self, rows: int) -> None:
        """Count rows that are handed on."""
        self.counts.read += rows
        self.counts.kept += rows

    def note(self, text: str) -> None:
        """Remark on something the reader should know; a remark is made once."""
        if text not in self.notes and len(self.notes) < KEPT_REJECTS:
            self.notes.append(text)


def one_line(text: str) -> str:
    """Show text from a corpus in a message: on one line, nothing that moves a cursor, not longer than a sentence."""
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[:300])
    return shown if len(text) <= 300 else shown + "..."


def list_names(names: Sequence[str]) -> str:
    """Show the names of columns, up to 20 of them."""
    return ", ".join(map(one_line, names[:20])) + (", ..." if len(names) > 20 else "")
