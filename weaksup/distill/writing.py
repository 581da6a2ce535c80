"""Label a corpus with a student, chunk by chunk, into a CSV, JSONL or Parquet file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from weaksup.corpus import Corpus, Counts, Reject
from weaksup.distill.predict import Predictor
from weaksup.errors import UsageError
from weaksup.files import atomic_path

__all__ = ["Labeled", "label_corpus"]

Write = Callable[[dict[str, list[Any]]], None]
DIGITS = 6  # of a probability; the same in every format


@dataclass(frozen=True, slots=True)
class Labeled:
    """What was written: `rows` by `labels`, and what the corpus had that could not be read."""

    rows: int
    labels: dict[str, int]
    counts: Counts
    rejects: Sequence[Reject]
    notes: Sequence[str]


def label_corpus(
    student: Predictor,
    corpus: Corpus,
    output: str | Path,
    *,
    proba: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Labeled:
    """Write id, label and confidence of every row to `output`, whole or not at all; with `proba` also p(LABEL) columns.

    The name ends in .csv, .jsonl or .parquet. A corpus without rows gives a file with a header only. `progress` is
    called with the rows done so far. Memory does not depend on the rows.
    """
    writer = _WRITERS.get(Path(output).suffix)
    if writer is None:
        raise UsageError(f"expected an output named .csv, .jsonl or .parquet, got {output}")
    _check_not_input(corpus, Path(output))
    columns = ["id", "label", "confidence", *(f"p({name})" for name in student.classes if proba)]
    counts = np.zeros(len(student.classes), np.int64)
    scan = corpus.scan()
    with atomic_path(output) as part, writer(part, columns) as write:
        for chunk in scan:
            found = student.predict_proba(chunk.batch.column("text").to_pylist())
            best = found.argmax(axis=1)
            counts += np.bincount(best, minlength=len(counts))
            shown = np.round(found.astype(np.float64), DIGITS)
            values = [chunk.ids, [student.classes[c] for c in best.tolist()], shown.max(axis=1).tolist()]
            values += shown.T.tolist() if proba else []
            write(dict(zip(columns, values, strict=True)))
            if progress:
                progress(int(counts.sum()))
    by_name = dict(zip(student.classes, counts.tolist(), strict=True))
    return Labeled(int(counts.sum()), by_name, scan.counts, scan.rejects, scan.notes)


def _check_not_input(corpus: Corpus, output: Path) -> None:
    for path in corpus.origin().get("paths", []):
        if output.exists() and Path(path).exists() and output.samefile(path):
            raise UsageError(f"expected another file for the output than the corpus itself, got {output} for both")


@contextmanager
def _csv(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        plain = csv.writer(file, lineterminator="\n")
        quoting = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        plain.writerow(columns)

        def write(values: dict[str, list[Any]]) -> None:
            # With "\n" between lines the csv module leaves "\r" in a field bare, and readers break the line there.
            writer = quoting if any("\r" in row_id for row_id in values["id"]) else plain
            writer.writerows(zip(*values.values(), strict=True))

        yield write


@contextmanager
def _jsonl(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:

        def write(values: dict[str, list[Any]]) -> None:
            rows = zip(*values.values(), strict=True)
            dumps = (json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows)
            file.writelines(f"{line}\n" for line in dumps)

        yield write


@contextmanager
def _parquet(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    texts = {"id": pa.string(), "label": pa.string()}
    schema = pa.schema([(name, texts.get(name, pa.float64())) for name in columns])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        yield lambda values: writer.write_table(pa.table(values, schema=schema))


_WRITERS = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
