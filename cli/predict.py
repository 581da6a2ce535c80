"""`weaksup predict`: label a corpus with a distilled classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from weaksup.cli.options import as_json, corpus_columns

if TYPE_CHECKING:
    from weaksup.distill.writing import Labeled

__all__ = ["command"]


EPILOG = """\b
Examples:
  weaksup predict student/ corpus.csv -o labels.csv
  weaksup predict student/model.onnx tickets/ --text body --id ticket_id -o labels.parquet --proba
"""


@click.command("predict", epilog=EPILOG)
@click.argument("model")
@click.argument("corpus")
@click.option("-o", "--output", metavar="FILE", required=True, help="Where the labels go: .csv, .jsonl or .parquet.")
@click.option("--proba", is_flag=True, help="Write the probability of every label, too.")
@corpus_columns
@as_json
def command(
    *, model: str, corpus: str, output: str, proba: bool, text: str, id_column: str | None, encoding: str, as_json: bool
) -> None:
    """Label every row of CORPUS with MODEL, the folder that `weaksup distill` wrote (or the model.onnx in it).

    Writes id, label and confidence, on this machine alone: it needs no torch and no network. Rows that cannot be read
    are reported; with more than 1 % of them the exit code is 3.
    """
    from weaksup.cli.lost_rows import check_lost
    from weaksup.cli.progress import progress
    from weaksup.corpus import open_corpus
    from weaksup.distill import label_corpus, load_bundle

    student = load_bundle(model)
    source = open_corpus(corpus, text=text, id=id_column, encoding=encoding)
    with progress("predict") as watch:
        labeled = label_corpus(student, source, output, proba=proba, progress=watch)
    _tell(labeled, output, as_json=as_json)
    check_lost(labeled.counts.rejected, labeled.counts.read)


def _tell(labeled: Labeled, output: str, *, as_json: bool) -> None:
    from weaksup.cli import render
    from weaksup.cli.lost_rows import lost_json, tell_lost

    lost = (labeled.counts, labeled.rejects, labeled.notes)
    if as_json:
        counts = {"output": output, "rows": labeled.rows, "labels": labeled.labels}
        render.emit_json({**counts, **lost_json(*lost)})
        return
    render.line(f"{labeled.rows:,} rows labeled -> {output} ({tell_lost(*lost)})")
