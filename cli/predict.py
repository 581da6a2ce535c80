"""`weaksup predict`: label a corpus with a distilled classifier."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from weaksup.cli.options import abstaining, as_json, corpus_columns, find_threshold
from weaksup.cli.stdin_corpus import STDIN_KINDS, corpus_path, name_stdin

if TYPE_CHECKING:
    from weaksup.distill.bundle.writing import Labeled

__all__ = ["command"]


EPILOG = """\b
Examples:
  weaksup predict student/ corpus.csv -o labels.csv
  weaksup predict student/model.onnx tickets/ --text body --id ticket_id -o labels.parquet --proba
  weaksup predict student/ year.parquet -o labels.parquet --precision 0.95     unsure rows get no label
  cat texts.txt | weaksup predict student/ - -o - --to jsonl
"""


@click.command("predict", epilog=EPILOG)
@click.argument("model")
@click.argument("corpus")
@click.option(
    "-o", "--output", metavar="FILE", required=True, help="Where labels go: .csv, .jsonl or .parquet; - is stdout."
)
@click.option("--proba", is_flag=True, help="Write the probability of every label, too.")
@abstaining
@click.option("--from", "kind", type=click.Choice(STDIN_KINDS), default="lines", help="What stdin (-) is.  [lines]")
@click.option("--to", type=click.Choice(["csv", "jsonl", "parquet"]), default="csv", help="What stdout gets.  [csv]")
@click.option("--threads", type=click.IntRange(1), metavar="N", help="Cores to use.  [default: all]")
@corpus_columns
@as_json
def command(
    *,
    model: str,
    corpus: str,
    output: str,
    proba: bool,
    abstain_below: float | None,
    precision: float | None,
    kind: str,
    to: str,
    threads: int | None,
    text: str,
    id_column: str | None,
    encoding: str,
    as_json: bool,
) -> None:
    """Label every row of CORPUS with MODEL, the folder that `weaksup distill` wrote (or the model.onnx in it).

    CORPUS is a file, a folder of files of one format, or - for stdin: a text a line, or what --from says. Writes id,
    label and confidence, on this machine alone: it needs no torch and no network. A student of any number of labels a
    row gives labels: joined by | in CSV, where [] is a row without labels and an empty cell one without an answer; the
    confidence is that of the least sure label. Rows that cannot be read are reported; with more than 1 % of them the
    exit code is 3.
    """
    from dataclasses import replace

    from weaksup.cli.lost_rows import check_lost
    from weaksup.cli.progress import progress
    from weaksup.corpus import open_corpus
    from weaksup.distill import label_corpus, load_bundle
    from weaksup.distill.bundle.fields import Fields
    from weaksup.errors import UsageError

    if output == "-" and as_json:
        raise UsageError("--json: expected -o FILE, got -o -, which gives the labels themselves to stdout")
    student = load_bundle(model)
    abstain_below = find_threshold(student, abstain_below, precision)
    _check_lines(model, corpus)
    if (corpus, kind) == ("-", "lines"):  # each line is a text, and no other field
        text, student = "text", replace(student, fields=Fields())
    with corpus_path(corpus, kind=kind, encoding=encoding) as path, progress("predict") as watch:
        inner = "utf-8" if (corpus, kind) == ("-", "lines") else encoding
        source = open_corpus(path, text=text, id=id_column, encoding=inner)
        labeled = label_corpus(
            student,
            source,
            sys.stdout.buffer if output == "-" else output,
            kind=to if output == "-" else None,
            proba=proba,
            abstain_below=abstain_below,
            threads=threads,
            progress=watch,
        )
    if corpus == "-":
        labeled = name_stdin(labeled, path)
    _tell(labeled, output, as_json=as_json)
    check_lost(labeled.counts.rejected, labeled.counts.read)


def _check_lines(model: str, corpus: str) -> None:
    """Say how a file of plain lines is read."""
    from pathlib import Path
    from shlex import quote

    from weaksup.corpus.paths import ENDINGS, ending_of
    from weaksup.errors import CorpusError

    lines = Path(corpus).suffix != ".gz" and not ending_of(Path(corpus))
    if corpus != "-" and lines and Path(corpus).is_file():
        raise CorpusError(
            f"expected a file ending in {ENDINGS}, got {corpus}; a text a line goes to stdin: "
            f"weaksup predict {quote(model)} - -o labels.csv < {quote(corpus)}"
        )


def _tell(labeled: Labeled, output: str, *, as_json: bool) -> None:
    from weaksup.cli import render
    from weaksup.cli.lost_rows import lost_json, tell_lost

    lost = (labeled.counts, labeled.rejects, labeled.notes)
    if as_json:
        counts = {"output": output, "rows": labeled.rows, "labels": labeled.labels, "abstained": labeled.abstained}
        render.emit_json({**counts, **lost_json(*lost)})
        return
    some = f"{labeled.rows - labeled.abstained:,} of " if labeled.abstained else ""
    unsure = f", {labeled.abstained:,} left open as too unsure" if labeled.abstained else ""
    say = render.note if output == "-" else render.line
    where = "stdout" if output == "-" else output
    say(f"{some}{render.counted(labeled.rows, 'row')} labeled{unsure} -> {where} ({tell_lost(*lost)})")
