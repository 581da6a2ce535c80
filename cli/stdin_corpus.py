"""A corpus that comes in on standard input: kept in a temporary file, and read like any other."""

from __future__ import annotations

import io
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from weaksup.errors import CorpusError, DiskError

if TYPE_CHECKING:
    from weaksup.distill.bundle.writing import Labeled

__all__ = ["STDIN_KINDS", "corpus_path", "name_stdin"]

STDIN_KINDS = ("lines", "csv", "tsv", "jsonl", "parquet")
_NAME = "stdin"


@contextmanager
def corpus_path(given: str, *, kind: str, encoding: str) -> Iterator[str]:
    """Give the path to read: `given`, or for "-" a file with what came on stdin, removed at the end.

    `kind` "lines" is a text a line; its ids are the numbers of the lines.
    """
    if given != "-":
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="weaksup-") as folder:
        path = Path(folder) / f"{_NAME}.{'jsonl' if kind == 'lines' else kind}"
        try:
            with path.open("wb") as file:
                if kind == "lines":
                    _keep_lines(sys.stdin.buffer, file, encoding)
                else:
                    shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
        except OSError as error:
            raise DiskError(f"cannot keep stdin in {folder}: {error.strerror}; free some space there") from None
        try:
            yield str(path)
        except CorpusError as error:
            raise CorpusError(str(error).replace(str(path), _NAME)) from None


def _keep_lines(source: BinaryIO, file: BinaryIO, encoding: str) -> None:
    """Write each line as JSON. Bytes that cannot be decoded stay as they are, so that the reader rejects the row."""
    from weaksup.corpus.streams import check_encoding

    check_encoding(encoding)
    lines = io.TextIOWrapper(source, encoding=encoding, errors="surrogateescape", newline="\n")
    try:
        for number, line in enumerate(lines, start=1):
            text = line.removesuffix("\n").removesuffix("\r")
            text = text.removeprefix("\ufeff") if number == 1 else text
            row = json.dumps({"id": str(number), "text": text}, ensure_ascii=False)
            file.write(row.encode("utf-8", "surrogateescape") + b"\n")
    except UnicodeError:
        raise CorpusError(f"expected text in {encoding} on stdin, got other bytes; choose another --encoding") from None
    finally:
        lines.detach()


def name_stdin(labeled: Labeled, path: str) -> Labeled:
    """Name what is told about rows after stdin, not after the temporary file that holds it."""
    rejects = [replace(reject, file=reject.file.replace(path, _NAME)) for reject in labeled.rejects]
    return replace(labeled, rejects=rejects, notes=[note.replace(path, _NAME) for note in labeled.notes])
