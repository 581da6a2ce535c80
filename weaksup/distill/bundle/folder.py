"""Write a folder of files whole or not at all; nothing but an older one of the same kind is ever replaced."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from weaksup.errors import DiskError, UsageError

__all__ = ["check_folder", "write_folder"]


def check_folder(target: Path, *, is_older: Callable[[Path], bool], what: str, older: str = "") -> Path:
    """Return `target`, to which `what` is to be written; `is_older` says where what is there (`older`) may be replaced.

    Raises UsageError where something else is there.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError(f"expected a folder to write {what} to, got {target}, which is something else")
    if target.is_dir() and any(target.iterdir()) and not is_older(target):
        raise UsageError(f"expected a new folder{older and f', or {older}'}, got {target}, which holds other files")
    return target


def write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Write the files (plain names) to a folder beside a target that was checked, then put it in its place.

    Raises DiskError where it cannot be written.
    """
    try:
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    except OSError as error:
        advice = "check that the folder above it exists and is writable"
        raise DiskError(f"cannot write {target}: {error.strerror}; {advice}") from None
    try:
        for name, data in files.items():
            with (part / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        part.chmod(0o777 & ~mask)
        _put(part, target)
    except OSError as error:
        raise DiskError(f"cannot write {target}: {error.strerror or error}; free some space and run again") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _put(part: Path, target: Path) -> None:
    """Rename `part` to `target`; what was there goes aside first, and comes back if that fails."""
    if not target.exists():
        part.rename(target)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".old", dir=target.parent))
    try:
        target.rename(aside / "old")
        try:
            part.rename(target)
        except BaseException:  # Ctrl-C, too: what is aside is removed in the end
            (aside / "old").rename(target)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
