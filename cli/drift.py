"""`weaksup drift`: whether a corpus is still like the one that a classifier was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from weaksup.cli.options import as_json, corpus_columns

if TYPE_CHECKING:
    from weaksup.distill.judging.drift import Drift

__all__ = ["command"]

EPILOG = """\b
Examples:
  weaksup drift student/ next_month.csv
  weaksup drift student/ next_month.csv --votes votes.parquet --gold label
  weaksup drift student/ next_month.csv --check        exit code 3 where it is time to label again
"""


@click.command("drift", epilog=EPILOG)
@click.argument("model")
@click.argument("corpus")
@click.option("--votes", metavar="FILE", help="Votes of labeling functions on CORPUS: compares what they agree on.")
@click.option("--gold", metavar="COLUMN", help="Column of true labels: compares the accuracy.")
@click.option("--check", is_flag=True, help="Exit with 3 where it is time to label again.")
@corpus_columns
@as_json
def command(
    *,
    model: str,
    corpus: str,
    votes: str | None,
    gold: str | None,
    check: bool,
    text: str,
    id_column: str | None,
    encoding: str,
    as_json: bool,
) -> None:
    """Say whether CORPUS looks like the texts that MODEL (from `weaksup distill`) was trained on, and when it is time
    to label again.

    Compared are the length of the texts, n-grams that were not seen in training, how sure the classifier is, and the
    shares of its labels; with --votes and --gold also whether it agrees with them less than it did. A difference counts
    where it is more than chance and large enough to matter.
    """
    from weaksup.cli import render
    from weaksup.cli.progress import progress
    from weaksup.corpus import open_corpus
    from weaksup.distill import load_bundle, measure_drift
    from weaksup.errors import ShortfallError
    from weaksup.votes import VoteMatrix

    student = load_bundle(model)
    source = open_corpus(corpus, text=text, id=id_column, encoding=encoding)
    matrix = None if votes is None else VoteMatrix.load(votes)
    with progress("drift") as watch:
        found = measure_drift(student, source, votes=matrix, gold=gold, progress=watch)
    if as_json:
        render.emit_json(found.to_json())
    else:
        _tell(found)
    if check and found.found:
        raise ShortfallError(found.verdict)


def _tell(found: Drift) -> None:
    from weaksup.cli import render

    rows = [
        (
            s.title,
            f"{s.was:.3g}",
            f"{s.now:.3g}",
            f"{s.effect:.3f}",
            f"{s.large:g}",
            f"{s.p:.2g}",
            "yes" if s.found else "",
        )
        for s in found.shifts
    ]
    title = f"{found.rows:,} rows beside {found.reference_rows:,} of training"
    render.table(title, ("compared", "was", "is", "effect", "matters from", "p", "drift"), rows)
    for line in found.missing:
        render.note(f"not compared: {line}")
    render.line(found.verdict)
