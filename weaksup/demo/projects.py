"""Write projects that run as they are: the demo, and the starter that `weaksup init` gives."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path

from weaksup.demo.tickets import Ticket, load_tickets
from weaksup.errors import DiskError, UsageError
from weaksup.files import write_text

__all__ = ["write_demo", "write_starter"]

STARTER_ROWS = 2_000


def write_demo(folder: str | Path, *, force: bool = False) -> list[Path]:
    """Write the demo project: all tickets and the gallery's labeling functions; return the files."""
    lfs = (files("weaksup.labeling_functions.gallery") / "support_tickets.py").read_text(encoding="utf-8")
    return _write(Path(folder), load_tickets(), lfs=lfs, settings=_template("demo.toml"), force=force)


def write_starter(folder: str | Path, *, force: bool = False) -> list[Path]:
    """Write a small project to edit: some tickets, a few labeling functions, a prompt; return the files."""
    tickets = load_tickets()[:STARTER_ROWS]
    return _write(Path(folder), tickets, lfs=_template("lfs.py"), settings=_template("starter.toml"), force=force)


def _write(folder: Path, tickets: Sequence[Ticket], *, lfs: str, settings: str, force: bool) -> list[Path]:
    texts = {
        "weaksup.toml": settings,
        "lfs.py": lfs,
        "prompts.py": _template("prompts.py"),
        "README.md": _template("README.md"),
        "data/tickets.csv": _csv(["id", "text"], ((t.id, t.text) for t in tickets)),
        "data/gold.csv": _csv(["id", "text", "label"], ((t.id, t.text, t.label) for t in tickets)),
    }
    taken = [name for name in texts if (folder / name).exists()]
    if taken and not force:
        raise UsageError(f"expected a new folder, got {folder}, which has a {taken[0]}; name another, or add --force")
    try:
        (folder / "data").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make the folder {folder}: {error.strerror}; name another") from None
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def _template(name: str) -> str:
    return (files("weaksup.demo") / "templates" / name).read_text(encoding="utf-8")


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()
