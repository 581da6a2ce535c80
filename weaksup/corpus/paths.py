"""Which files a corpus is made of: paths, folders, known endings."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from weaksup.errors import CorpusError

__all__ = ["ENDINGS", "FAMILIES", "ending_of", "find_files"]

FAMILIES = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
ENDINGS = ", ".join(FAMILIES)


def ending_of(path: Path) -> str:
    """Return the ending that says how to read a file, without .gz; "" if it is none that is known."""
    name = path.name.lower().removesuffix(".gz")
    return next((ending for ending in FAMILIES if name.endswith(ending)), "")


def find_files(paths: Iterable[str | os.PathLike[str]]) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Return the files, folders listed by name, and notes about what was skipped; all files are of one family."""
    files: list[Path] = []
    notes: list[str] = []
    for given in paths:
        path = Path(given)
        if not os.fspath(given):
            raise CorpusError("expected a file or folder, got an empty name; write . for the folder you are in")
        try:
            if path.is_dir():
                found, skipped = _list_folder(path)
                files += found
                notes += skipped
            else:
                files.append(_check_file(path))
        except OSError as error:
            raise CorpusError(f"cannot read {path}: {error.strerror}; check that it may be read") from None
    endings = sorted({ending_of(file) for file in files})
    if len({FAMILIES[ending] for ending in endings}) > 1:
        names = ", ".join(file.name for file in files[:5])
        raise CorpusError(
            f"expected files of one format, got {' and '.join(endings)} ({names}); read one file at a time, or keep "
            "those of each format in a folder of their own"
        )
    return tuple(files), tuple(notes)


def _check_file(path: Path) -> Path:
    if not path.exists():
        raise CorpusError(f"expected a file or folder, got {path}, which does not exist")
    if not path.is_file():
        raise CorpusError(f"expected a file or folder, got {path}, which is neither")
    if not ending_of(path):
        raise CorpusError(
            f"expected a file ending in {ENDINGS} (or one of these and .gz), got {path.name}; write it in such a format"
        )
    return path


def _list_folder(folder: Path) -> tuple[list[Path], list[str]]:
    entries = sorted(folder.iterdir(), key=lambda path: path.name)
    files = [path for path in entries if not path.name.startswith(".") and ending_of(path) and path.is_file()]
    if not files:
        raise CorpusError(f"expected files ending in {ENDINGS} in the folder {folder}, got none of them")
    skipped = [path.name for path in entries if path not in set(files)]
    if not skipped:
        return files, []
    shown = ", ".join(skipped[:5]) + (", ..." if len(skipped) > 5 else "")
    return files, [f"{folder}: skipped {len(skipped)} that are not corpus files ({shown})"]
