"""The corpus: a stream of record batches with ids, from files or from a table in memory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from typing import Any

import pyarrow as pa

from weaksup.corpus.arrow import is_text
from weaksup.corpus.blocks import Choice, Source
from weaksup.corpus.filesource import FileSource
from weaksup.corpus.log import Log, list_names, one_line
from weaksup.corpus.paths import find_files
from weaksup.corpus.scan import Layout, Scan
from weaksup.corpus.streams import check_encoding
from weaksup.corpus.tables import open_table
from weaksup.errors import CorpusError

__all__ = ["Corpus", "open_corpus"]


_NEAR = 0.75  # of 1: "txet" is near "text", "ticket" is not
_CHOOSE = "choose one with text= and id= (--text, --id)"


@dataclass(frozen=True, eq=False)
class Corpus:
    """Documents to label: rows with a string id, a text, and any other columns. Made by `open_corpus`."""

    source: Source
    choice: Choice
    notes: tuple[str, ...] = ()

    def scan(self, *, chunk_rows: int = 4096) -> Scan:
        """Read all rows, in chunks of at most `chunk_rows`; what a row holds does not depend on that number."""
        if chunk_rows < 1:
            raise CorpusError(f"expected chunk_rows of at least 1, got {chunk_rows}")
        layout = self._layout()
        log = Log(notes=[*self.notes, *_hidden(layout)])
        return Scan(self.source.blocks(self.choice, log, chunk_rows), layout, log)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns of a row: `id` and `text`, then the others. (JSONL is read once to know them.)"""
        return self._layout().columns

    def fingerprint(self) -> str:
        """Return a SHA-256 of the content and the choice of columns; places and names of files do not matter."""
        choice = json.dumps([self.choice.text, self.choice.id])
        return sha256(f"{choice}\n{self.source.fingerprint()}".encode()).hexdigest()

    def origin(self) -> dict[str, Any]:
        """Return what opens the corpus again, as JSON; {} for tables in memory."""
        found = self.source.origin()
        return {**found, "text": self.choice.text, "id": self.choice.id} if found else {}

    @classmethod
    def from_origin(cls, origin: Mapping[str, Any]) -> Corpus:
        """Open the files that `origin()` named."""
        if not origin.get("paths"):
            raise CorpusError("expected a corpus in files, got votes of a table in memory; name the corpus")
        return open_corpus(origin["paths"], text=origin["text"], id=origin["id"], encoding=origin["encoding"])

    def size_hint(self) -> int | None:
        """Return the bytes of all files, for progress bars (see `Scan.bytes_read`); None for tables."""
        return self.source.size_hint()

    def lookup(self, ids: Iterable[str] | None, columns: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return these columns of these rows (`ids=None`: of all), by id, in one pass; unknown ids are left out."""
        layout = self._layout()
        for name in columns:
            if name not in layout.columns:
                raise CorpusError(_no_column(name, layout.columns))
        wanted = None if ids is None else set(ids)
        found: dict[str, dict[str, Any]] = {}
        for chunk in self.scan():
            rows = [i for i, row_id in enumerate(chunk.ids) if wanted is None or row_id in wanted]
            if rows:
                part = chunk.batch.take(pa.array(rows)).select(["id"])
                values = chunk.batch.take(pa.array(rows)).select(list(columns)).to_pylist()
                found.update(zip(part.column(0).to_pylist(), values, strict=True))
            if wanted is not None and len(found) == len(wanted):
                break
        return found

    def _layout(self) -> Layout:
        schema = self.source.schema(self.choice)
        names = _check_names(schema.names)
        for name in (self.choice.text, self.choice.id or self.choice.text):
            if name not in names:
                raise CorpusError(_no_column(name, names))
        kind = schema.field(self.choice.text).type
        if not (is_text(kind) or pa.types.is_null(kind)):
            raise CorpusError(f'expected strings in the text column "{self.choice.text}", got {kind}; choose another')
        row_id = self.choice.id
        if row_id is None and "id" in names and self.choice.text != "id":
            row_id = "id"
        return Layout(names, names.index(self.choice.text), names.index(row_id) if row_id else None)


def _check_names(names: Sequence[str]) -> tuple[str, ...]:
    if "" in names:
        at = list(names).index("") + 1
        raise CorpusError(f"expected a name for every column, got none for column {at}; name it, or leave it out")
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise CorpusError(f'expected columns with different names, got "{one_line(twice)}" twice; rename one')
    return tuple(names)


def _no_column(name: str, names: Sequence[str]) -> str:
    lower = {other.strip().casefold(): other for other in names}
    close = get_close_matches(name.casefold(), lower, n=1, cutoff=_NEAR)
    advice = f'; did you mean "{one_line(lower[close[0]])}"?' if close else f"; {_CHOOSE}"
    if len(names) == 1 and (mark := next((mark for mark in ";\t|" if mark in names[0]), None)):
        advice = f"; the fields seem to be split by {mark!r}, expected commas in .csv and tabs in .tsv"
    return f'expected a column "{name}", got a corpus with {list_names(names) or "no columns"}{advice}'


def _hidden(layout: Layout) -> list[str]:
    notes = []
    for name, at in (("text", layout.text), ("id", layout.id)):
        chosen = "made from the content" if at is None else f'column "{layout.names[at]}"'
        if name in layout.names and chosen != f'column "{name}"':
            notes.append(f'the column "{name}" is hidden: the {name} of a row is {chosen}')
    return notes


def open_corpus(source: object, *, text: str = "text", id: str | None = None, encoding: str = "utf-8") -> Corpus:  # noqa: A002
    """Open a path, a list of paths, a folder, or a table (pandas, polars, Arrow, Hugging Face, list of dicts).

    `text` and `id` choose columns. Without `id` it is the column "id", or else made from each row's content, as it is
    with `id=""` in any case. Files end in .csv, .tsv, .jsonl, .ndjson or .parquet, each also with .gz; a folder is read
    in the order of file names. Raises CorpusError where nothing can be read; single bad rows are rejects of the scan.
    """
    check_encoding(encoding)
    choice = Choice(text, id)
    paths = _as_paths(source)
    if paths is None:
        return Corpus(open_table(source), choice)
    files, notes = find_files(paths)
    return Corpus(FileSource(files, encoding), choice, notes)


def _as_paths(source: object) -> Sequence[str | os.PathLike[str]] | None:
    if isinstance(source, str | os.PathLike):
        return [source]
    if isinstance(source, list | tuple) and source and all(isinstance(item, str | os.PathLike) for item in source):
        return source
    return None
