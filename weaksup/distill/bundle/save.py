"""Pack a student into a folder: model.onnx, labels.json, metrics.json, manifest.json, and what is known beside.

The same student and metrics give the same bytes. `predict.load_bundle` reads it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import weaksup
from weaksup.distill.bundle.fields import FIELDS, Fields
from weaksup.distill.bundle.seal import FAMILY, MANIFEST, make_manifest, to_bytes
from weaksup.errors import DiskError, UsageError

if TYPE_CHECKING:
    from weaksup.distill.student import Student

__all__ = ["save_bundle"]


def save_bundle(
    student: Student,
    path: str | Path,
    *,
    metrics: Mapping[str, Any] | None = None,
    lineage: Mapping[str, Any] | None = None,
    calibration: Mapping[str, Any] | None = None,
    thresholds: Mapping[str, Any] | None = None,
    fields: Fields | None = None,
) -> Path:
    """Write the bundle of a student to the folder `path`, whole or not at all; an older bundle there is replaced.

    `fields` says what a row is read by beside its text.

    `metrics`, `lineage` (what the labels were made from), `calibration` (see `calibrating`) and `thresholds` (see
    `selective`) are JSON; the last two are files only where they are given. Raises UsageError where `path` is something
    else than a bundle or an empty folder, DiskError where it cannot be written.
    """
    files = {
        **student.files(),
        "labels.json": to_bytes(student.labels.to_json()),
        "metrics.json": to_bytes(metrics or {}),
    }
    more = {
        "calibration.json": calibration,
        "thresholds.json": thresholds,
        FIELDS: fields.to_json() if fields else None,
    }
    files.update({name: to_bytes(data) for name, data in more.items() if data is not None})
    info = {
        "kind": student.kind,
        "training": student.training,
        "lineage": dict(lineage or {}),
        "weaksup": weaksup.__version__,
    }
    target = Path(path)
    _check_target(target)
    _write_folder(target, {**files, MANIFEST: make_manifest(files, info)})
    return target


def _check_target(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError(f"expected a folder to write the bundle to, got {target}, which is something else")
    if target.is_dir() and any(target.iterdir()) and not _is_bundle(target):
        raise UsageError(f"expected a new folder, or a bundle to replace, got {target}, which holds other files")


def _is_bundle(folder: Path) -> bool:
    try:
        return f'"format": "{FAMILY} ' in (folder / MANIFEST).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def _write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder beside the target, then put it in its place."""
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
        except OSError:
            (aside / "old").rename(target)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
