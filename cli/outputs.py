"""Outputs never fall on what a command reads, nor on each other."""

from __future__ import annotations

import os
from collections.abc import Iterable

__all__ = ["keep_apart"]


def keep_apart(outputs: Iterable[str | None], inputs: Iterable[str | None]) -> None:
    """Refuse an output that is one of the inputs, or another output, under whatever name."""
    from weaksup.errors import UsageError

    taken = {os.path.realpath(path) for path in inputs if path}
    for output in outputs:
        if not output:
            continue
        _check_writable(output)
        if os.path.realpath(output) in taken:
            raise UsageError(f"{output}: expected a file of its own to write, got one that is read or written already")
        taken.add(os.path.realpath(output))


def _check_writable(output: str) -> None:
    """Refuse, before any work is done and any cent is spent, what could not be written in the end."""
    from pathlib import Path

    from weaksup.errors import DiskError

    folder = Path(output).absolute().parent
    if not folder.is_dir():
        raise DiskError(f"cannot write {output}: expected the folder {folder} to exist; make it")
    if not os.access(folder, os.W_OK):
        raise DiskError(f"cannot write {output}: expected a folder that can be written to, got {folder}")
