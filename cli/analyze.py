"""`weaksup analyze`: what the votes look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

import click

from weaksup.cli.options import as_json

if TYPE_CHECKING:
    from weaksup.analysis import Analysis
    from weaksup.corpus import Corpus
    from weaksup.multi_votes import MultiVotes
    from weaksup.votes import VoteMatrix

__all__ = ["command"]

EPILOG = """\b
Examples:
  weaksup analyze votes.parquet
  weaksup analyze votes.parquet --gold label --html report.html
  weaksup analyze votes.parquet --label billing --html billing.html
  weaksup analyze votes.parquet --corpus moved/tickets.csv --json > analysis.json
"""


@click.command("analyze", epilog=EPILOG)
@click.argument("votes")
@click.option("--corpus", metavar="PATH", help="Where the texts are, if not where they were when VOTES was written.")
@click.option("--text", metavar="COLUMN", help="Column of the texts in --corpus.  [default: as before]")
@click.option("--id", "id_column", metavar="COLUMN", help="Column of row ids in --corpus.  [default: as before]")
@click.option("--gold", metavar="COLUMN", help="Column of true labels in the corpus; may be empty on some rows.")
@click.option("--label", metavar="NAME", help="Of multi-label votes: look at this label only.")
@click.option("--html", metavar="FILE", help="Write a report: one file that needs no network.")
@click.option(
    "--examples", type=click.IntRange(0, 100), default=5, show_default=True, help="Rows to show of each kind."
)
@as_json
def command(
    *,
    votes: str,
    corpus: str | None,
    text: str | None,
    id_column: str | None,
    gold: str | None,
    label: str | None,
    html: str | None,
    examples: int,
    as_json: bool,
) -> None:
    """Show how often the sources in VOTES vote, overlap and conflict, and how often they are right.

    VOTES is what `weaksup apply` wrote. Shares come with 95% intervals; rows without gold do not count in accuracy. Of
    multi-label votes every label is shown; with --label, one in full.
    """
    from weaksup.analysis import analyze, analyze_multi
    from weaksup.cli import render
    from weaksup.cli.analysis_text import tell, tell_multi
    from weaksup.cli.outputs import keep_apart
    from weaksup.corpus.gold import read_gold
    from weaksup.multi_votes import MultiVotes, read_votes

    matrix = read_votes(votes)
    _check_label(matrix, label, html)
    keep_apart([html], [votes, corpus, *matrix.origin.get("paths", [])])
    rows = _find_rows(matrix, corpus, text, id_column, needed=corpus is not None or gold is not None)
    truth = read_gold(rows, gold, matrix.ids, matrix.labels) if rows is not None and gold is not None else None
    texts = None if rows is None else _Texts(rows)
    if isinstance(matrix, MultiVotes):
        if label is None:
            whole = analyze_multi(matrix, gold=truth, texts=texts, examples=examples)
            (render.emit_json if as_json else tell_multi)(whole)
            return
        truth = None if truth is None else truth[:, matrix.labels.index(label)]
        matrix = matrix.for_label(label, silent=False)
    analysis = analyze(matrix, gold=truth, texts=texts, examples=examples)
    if html is not None:
        paths = [corpus] if corpus is not None else matrix.origin.get("paths", [])
        about = {"Votes": PurePath(votes).name, "Label": label or "", "Gold": gold or ""}
        _write_report(analysis, html, about, paths)
    if as_json:
        render.emit_json(analysis)
    else:
        tell(analysis)


def _check_label(votes: VoteMatrix | MultiVotes, label: str | None, html: str | None) -> None:
    from weaksup.errors import UsageError

    if not votes.labels.multi:
        if label is not None:
            raise UsageError("--label: expected multi-label votes, got votes for one label a row; leave it out")
        return
    names = ", ".join(votes.labels.names)
    if label is not None and label not in votes.labels.names:
        raise UsageError(f'--label: expected one of {names}; got "{label}"')
    if label is None and html is not None:
        raise UsageError(f"--html: a report is about one label; add --label, one of {names}")


def _find_rows(
    votes: VoteMatrix | MultiVotes, corpus: str | None, text: str | None, id_column: str | None, *, needed: bool
) -> Corpus | None:
    from weaksup.cli import render
    from weaksup.cli.origin import find_corpus
    from weaksup.errors import CorpusError

    try:
        return find_corpus(votes.origin, corpus, text=text, id_column=id_column)
    except CorpusError as error:
        if needed:
            raise
        render.note(f"note: no texts are shown: {error}; --corpus names it")
        return None


class _Texts:
    """Look texts up in a corpus; say so when it holds none of the rows."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def __call__(self, ids: Sequence[str]) -> Mapping[str, str]:
        from weaksup.cli import render

        found = self._corpus.lookup(ids, ["text"])
        if not found:
            render.note(f'note: no texts are shown: the corpus has no row "{ids[0]}"; --corpus names the right one')
        return {row_id: row["text"] for row_id, row in found.items()}


def _write_report(analysis: Analysis, html: str, about: Mapping[str, str], paths: Sequence[str]) -> None:
    from weaksup.cli import render
    from weaksup.files import write_text
    from weaksup.report import render_report

    corpus = [PurePath(path).name for path in paths]
    more = f" and {len(corpus) - 1} more" if len(corpus) > 1 else ""
    facts = {**about, "Corpus": "".join(corpus[:1]) + more}
    title = corpus[0] if len(corpus) == 1 else about["Votes"]
    write_text(html, render_report(analysis, title=title, extra={name: fact for name, fact in facts.items() if fact}))
    render.note(f"report: {html}")
