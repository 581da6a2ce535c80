"""`weaksup drift`: whether a corpus is still like the one that a classifier was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from weaksup.cli.options import as_json, corpus_columns

if TYPE_CHECKING:
    from weaksup.distill.judging.drift import Drift
    from weaksup.distill.judging.shifts import Shift
    from weaksup.votes import VoteMatrix

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
@click.option("--votes", metavar="FILE", help="Votes of labeling functions on CORPUS, one label a row.")
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
    where it is more than chance and large enough to matter, and not where it is for the better (fewer unknown n-grams,
    surer, more agreement). Takes one label a row: no multi-label MODEL and no multi-label votes. Rows that cannot be
    read are reported; with more than 1 % of them the exit code is 3.
    """
    from weaksup.cli.lost_rows import check_lost
    from weaksup.cli.progress import progress
    from weaksup.corpus import open_corpus
    from weaksup.distill import load_bundle, measure_drift
    from weaksup.errors import ShortfallError

    student = load_bundle(model)
    source = open_corpus(corpus, text=text, id=id_column, encoding=encoding)
    matrix = None if votes is None else _load_votes(votes)
    with progress("drift") as watch:
        found = measure_drift(student, source, votes=matrix, gold=gold, progress=watch)
    failed = check and bool(found.found)
    _tell(found, as_json=as_json, verdict=not failed)
    if failed:
        raise ShortfallError(found.verdict)
    check_lost(found.lost.counts.rejected, found.lost.counts.read)


def _load_votes(path: str) -> VoteMatrix:
    from weaksup.errors import UsageError
    from weaksup.multi_votes import MultiVotes, read_votes

    votes = read_votes(path)
    if isinstance(votes, MultiVotes):
        raise UsageError(f"drift takes one label a row: got multi-label votes in {path}; leave --votes out")
    return votes


def _tell(found: Drift, *, as_json: bool, verdict: bool) -> None:
    """Show what was found; the `verdict` only where it does not come as the error."""
    from weaksup.cli import render
    from weaksup.cli.lost_rows import lost_json, tell_lost

    lost = (found.lost.counts, found.lost.rejects, found.lost.notes)
    if as_json:
        render.emit_json({**found.to_json(), **lost_json(*lost)})
        return
    told = tell_lost(*lost)
    if found.lost.counts.rejected or found.lost.counts.duplicates:
        render.note(f"of {found.lost.counts.read:,} rows read: {told}")
    title = f"{found.rows:,} rows beside {found.reference_rows:,} of training"
    columns = ("compared", "was", "is", "effect", "matters from", "p", "drift")
    render.table(title, columns, [_cells(shift) for shift in found.shifts])
    for line in found.missing:
        render.note(f"not compared: {line}")
    if found.advice:
        render.note(f"note: {found.advice}")
    if verdict:
        render.line(found.verdict)


def _cells(s: Shift) -> tuple[str, ...]:
    drift = "yes" if s.found else ""
    return (s.title, f"{s.was:.3g}", f"{s.now:.3g}", f"{s.effect:.3f}", f"{s.large:g}", f"{s.p:.2g}", drift)
