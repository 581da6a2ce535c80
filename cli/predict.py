"""`weaksup predict`: label a corpus with a classifier."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weaksup.cli.options import as_json, corpus_columns

if TYPE_CHECKING:
    from weaksup.corpus import Scan
    from weaksup.distill import Predictor

EPILOG = """\b
Examples:
  weaksup predict model next_month.csv -o predicted.csv
  weaksup predict out/student tickets/ --text body --id ticket_id -o predicted.parquet --proba
"""

KINDS = (".csv", ".jsonl", ".parquet")
MOST_REJECTED = 0.01


@click.command("predict", epilog=EPILOG)
@click.argument("model")
@click.argument("corpus")
@click.option("-o", "--output", metavar="FILE", required=True, help="Where the labels go: .csv, .jsonl or .parquet.")
@corpus_columns
@click.option("--proba", is_flag=True, help="Write the probability of every label too.")
@as_json
def command(
    *,
    model: str,
    corpus: str,
    output: str,
    text: str,
    id_column: str | None,
    encoding: str,
    proba: bool,
    as_json: bool,
) -> None:
    """Label every row of CORPUS with the classifier in the folder MODEL: id, label, confidence.

    Needs onnxruntime and no torch. Rows that cannot be read are reported; more than 1 % of them is exit code 3.
    """
    from weaksup.cli import render
    from weaksup.cli.progress import progress
    from weaksup.corpus import open_corpus
    from weaksup.distill import load_bundle
    from weaksup.errors import ShortfallError, UsageError

    if Path(output).suffix not in KINDS:
        raise UsageError(f"-o: expected a file that ends in {', '.join(KINDS)}, got {output}")
    student = load_bundle(model)
    scan = open_corpus(corpus, text=text, id=id_column, encoding=encoding).scan()
    names = ["id", "label", "confidence", *([f"p({name})" for name in student.classes] if proba else [])]
    with progress("predict") as watch:
        _write(Path(output), names, _rows(student, scan, watch, proba=proba))
    counts = scan.counts
    for note in scan.notes:
        render.note(f"note: {note}")
    for reject in scan.rejects[:5]:
        render.note(f"rejected {reject}")
    found = {"rows": counts.kept, "rejected": counts.rejected, "duplicates": counts.duplicates, "output": output}
    if as_json:
        render.emit_json(found)
    else:
        render.line(f"{counts.kept:,} rows labeled -> {output} ({counts.rejected:,} rejected)")
    if counts.rejected > MOST_REJECTED * counts.read:
        raise ShortfallError(f"{counts.rejected:,} of {counts.read:,} rows could not be read; the others are labeled")


def _rows(student: Predictor, scan: Scan, watch: Any, *, proba: bool) -> Iterator[list[dict[str, Any]]]:
    """Label chunk by chunk; memory does not grow with the corpus."""
    for chunk in scan:
        found = student.predict_proba(chunk.batch.column("text").to_pylist())
        best = found.argmax(axis=1).tolist()
        rows = []
        for row_id, top, p in zip(chunk.ids, best, found.tolist(), strict=True):
            row = {"id": row_id, "label": student.classes[top], "confidence": round(p[top], 6)}
            if proba:
                row.update({f"p({name})": round(one, 6) for name, one in zip(student.classes, p, strict=True)})
            rows.append(row)
        yield rows
        watch(scan.counts.kept)


def _write(path: Path, names: list[str], chunks: Iterator[list[dict[str, Any]]]) -> None:
    """Write the file whole or not at all."""
    from weaksup.files import atomic_path

    write = {".csv": _write_csv, ".jsonl": _write_jsonl, ".parquet": _write_parquet}[path.suffix]
    with atomic_path(path) as part:
        write(part, names, chunks)


def _write_csv(path: Path, names: list[str], chunks: Iterator[list[dict[str, Any]]]) -> None:
    import csv

    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        for rows in chunks:
            writer.writerows(rows)


def _write_jsonl(path: Path, names: list[str], chunks: Iterator[list[dict[str, Any]]]) -> None:  # noqa: ARG001
    import json

    with path.open("w", encoding="utf-8", newline="") as file:
        for rows in chunks:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _write_parquet(path: Path, names: list[str], chunks: Iterator[list[dict[str, Any]]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.string() if name in ("id", "label") else pa.float64()) for name in names])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in chunks:
            writer.write_table(pa.Table.from_pylist(rows, schema))
