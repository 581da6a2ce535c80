"""Label a corpus with a student, chunk by chunk, into a CSV, JSONL or Parquet file or stream."""

from __future__ import annotations

import csv
import io
import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from weaksup.corpus import Chunk, Corpus, Counts, Reject, Scan
from weaksup.distill.bundle.cells import write_cell
from weaksup.distill.bundle.decide import Decisions, SetDecisions, check_threshold
from weaksup.distill.bundle.fields import Fields
from weaksup.distill.bundle.predict import Predictor
from weaksup.distill.bundle.seal import is_bundle
from weaksup.distill.side_by_side import cores
from weaksup.errors import UsageError
from weaksup.files import atomic_path

__all__ = ["KINDS", "Labeled", "label_corpus"]

Found = Decisions | SetDecisions
Write = Callable[[dict[str, list[Any]]], None]
Writer = Callable[[BinaryIO, Sequence[str]], AbstractContextManager[Write]]
KINDS = ("csv", "jsonl", "parquet")
_CHUNK = 2048  # rows that a core labels at a time


@dataclass(frozen=True, slots=True)
class Labeled:
    """What was written: `rows` by `labels`, `abstained` without one, and what the corpus had that could not be read."""

    rows: int
    labels: dict[str, int]
    counts: Counts
    rejects: Sequence[Reject]
    notes: Sequence[str]
    abstained: int = 0


def label_corpus(
    student: Predictor,
    corpus: Corpus,
    output: str | Path | BinaryIO,
    *,
    kind: str | None = None,
    proba: bool = False,
    abstain_below: float | None = None,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Labeled:
    """Write id, label and confidence of every row to `output`, whole or not at all; with `proba` also p(LABEL) columns.

    The name ends in .csv, .jsonl or .parquet, or `kind` says which of these a stream is. A row whose best label is less
    probable than `abstain_below` gets none (null; nothing in CSV). Where a row may have any number of labels, the
    column is `labels`, a list; in CSV see `cells.write_cell`. A corpus without rows gives a file with a header only;
    one that is refused gives no byte. `progress` is called with the rows done so far. Memory does not depend on the
    rows, and the bytes do not depend on `threads` (default: all cores).
    """
    check_threshold(abstain_below)
    label = "labels" if student.multi else "label"
    columns = ["id", label, "confidence", *(f"p({name})" for name in student.classes if proba)]
    scan = corpus.scan(chunk_rows=_CHUNK)
    counts, rows, abstained = np.zeros(len(student.classes), np.int64), 0, 0
    writer = _choose_writer(corpus, output, kind)
    student.fields.check_columns(corpus.columns)
    labeled = _label(scan, student, abstain_below, threads or cores())
    first = list(islice(labeled, 1))
    with _open(output, writer, columns) as write:
        for ids, found in chain(first, labeled):
            counts += found.counts(len(counts))
            rows, abstained = rows + len(ids), abstained + found.abstained
            values: list[list[Any]] = [ids, list(found.answers(student.classes)), found.confidence.tolist()]
            values += found.proba.T.tolist() if proba else []
            write(dict(zip(columns, values, strict=True)))
            if progress:
                progress(rows)
    by_name = dict(zip(student.classes, counts.tolist(), strict=True))
    return Labeled(rows, by_name, scan.counts, scan.rejects, scan.notes, abstained)


def _label(
    scan: Scan, student: Predictor, abstain_below: float | None, threads: int
) -> Iterator[tuple[list[str], Found]]:
    """Label chunks side by side, a few ahead of what is written, and give them in order."""

    def work(texts: Sequence[Any]) -> Found:
        return student.decide(student.predict_proba(texts, threads=1), abstain_below)

    ahead: deque[tuple[list[str], Future[Found]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for chunk in scan:
            ahead.append((chunk.ids, pool.submit(work, _read(chunk, student.fields))))
            if len(ahead) > threads:
                ids, found = ahead.popleft()
                yield ids, found.result()
        while ahead:
            ids, found = ahead.popleft()
            yield ids, found.result()


def _read(chunk: Chunk, fields: Fields) -> Sequence[Any]:
    """Return the texts of a chunk, or its rows where the student reads other fields, too."""
    if not fields.names:
        texts: list[str] = chunk.batch.column("text").to_pylist()
        return texts
    return chunk.rows


def _choose_writer(corpus: Corpus, output: str | Path | BinaryIO, kind: str | None) -> Writer:
    """Return what writes the output; raise UsageError where it is none that may be written."""
    if not isinstance(output, (str, Path)):
        if kind not in _WRITERS:
            raise UsageError(f"expected {', '.join(KINDS)} as the kind of a stream, got {kind}")
        return _WRITERS[kind]
    writer = _WRITERS.get(kind or Path(output).suffix.removeprefix("."))
    if writer is None:
        raise UsageError(f"expected an output named .csv, .jsonl or .parquet, got {output}")
    _check_not_input(corpus, Path(output))
    _check_not_in_bundle(Path(output))
    return writer


@contextmanager
def _open(output: str | Path | BinaryIO, writer: Writer, columns: Sequence[str]) -> Iterator[Write]:
    if not isinstance(output, (str, Path)):
        with writer(output, columns) as write:
            yield write
        return
    with atomic_path(output) as part, part.open("wb") as file, writer(file, columns) as write:
        yield write


def _check_not_input(corpus: Corpus, output: Path) -> None:
    for path in corpus.origin().get("paths", []):
        if output.exists() and Path(path).exists() and output.samefile(path):
            raise UsageError(f"expected another file for the output than the corpus itself, got {output} for both")


def _check_not_in_bundle(output: Path) -> None:
    folder = output.resolve().parent
    if is_bundle(folder):
        raise UsageError(f"expected an output outside the bundle {folder.name}, which is sealed; got {output}")


@contextmanager
def _as_text(file: BinaryIO) -> Iterator[io.TextIOWrapper]:
    """Write UTF-8 to a binary file, and leave it open."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        yield text
        text.flush()
    finally:
        text.detach()


@contextmanager
def _csv(file: BinaryIO, columns: Sequence[str]) -> Iterator[Write]:
    with _as_text(file) as text:
        plain = csv.writer(text, lineterminator="\n")
        quoting = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        plain.writerow(columns)

        def write(values: dict[str, list[Any]]) -> None:
            # With "\n" between lines the csv module leaves "\r" in a field bare, and readers break the line there.
            writer = quoting if any("\r" in row_id for row_id in values["id"]) else plain
            if "labels" in values:
                values = {**values, "labels": list(map(write_cell, values["labels"]))}
            writer.writerows(zip(*values.values(), strict=True))

        yield write


@contextmanager
def _jsonl(file: BinaryIO, columns: Sequence[str]) -> Iterator[Write]:
    with _as_text(file) as text:

        def write(values: dict[str, list[Any]]) -> None:
            rows = zip(*values.values(), strict=True)
            dumps = (json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows)
            text.writelines(f"{line}\n" for line in dumps)

        yield write


@contextmanager
def _parquet(file: BinaryIO, columns: Sequence[str]) -> Iterator[Write]:
    texts = {"id": pa.string(), "label": pa.string(), "labels": pa.list_(pa.string())}
    schema = pa.schema([(name, texts.get(name, pa.float64())) for name in columns])
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        held: list[pa.Table] = []

        def write(values: dict[str, list[Any]]) -> None:
            held.append(pa.table(values, schema=schema))
            if sum(map(len, held)) >= _ROW_GROUP:
                writer.write_table(pa.concat_tables(held))
                held.clear()

        yield write
        if held:
            writer.write_table(pa.concat_tables(held))


_ROW_GROUP = 65_536  # rows
_WRITERS: dict[str, Writer] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
}
