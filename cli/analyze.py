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

__all__ = ["command"]

EPILOG = """\b
Examples:
  weaksup analyze votes.parquet
  weaksup analyze votes.parquet --gold label --html report.html
  weaksup analyze votes.parquet --corpus moved/tickets.csv --json > analysis.json
"""


@click.command("analyze", epilog=EPILOG)
@click.argument("votes")
@click.option("--corpus", metavar="PATH", help="Where the texts are, if not where they were when VOTES was written.")
@click.option("--text", metavar="COLUMN", help="Column of the texts in --corpus.  [default: as before]")
@click.option("--id", "id_column", metavar="COLUMN", help="Column of row ids in --corpus.  [default: as before]")
@click.option("--gold", metavar="COLUMN", help="Column of true labels in the corpus; may be empty on some rows.")
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
    html: str | None,
    examples: int,
    as_json: bool,
) -> None:
    """Show how often the sources in VOTES vote, overlap and conflict, and how often they are right.

    VOTES is what `weaksup apply` wrote. Shares come with 95% intervals; rows without gold do not count in accuracy.
    """
    from weaksup.analysis import analyze
    from weaksup.cli import render
    from weaksup.cli.analysis_text import tell
    from weaksup.cli.origin import find_corpus
    from weaksup.corpus.gold import read_gold
    from weaksup.errors import CorpusError
    from weaksup.votes import VoteMatrix

    matrix = VoteMatrix.load(votes)
    try:
        rows = find_corpus(matrix.origin, corpus, text=text, id_column=id_column)
    except CorpusError as error:
        if corpus is not None or gold is not None:
            raise
        render.note(f"note: no texts are shown: {error}; --corpus names it")
        rows = None
    truth = read_gold(rows, gold, matrix.ids, matrix.labels) if rows is not None and gold is not None else None
    analysis = analyze(matrix, gold=truth, texts=None if rows is None else _Texts(rows), examples=examples)
    if html is not None:
        paths = [corpus] if corpus is not None else matrix.origin.get("paths", [])
        _write_report(analysis, html, votes, paths, gold)
    if as_json:
        render.emit_json(analysis)
    else:
        tell(analysis)


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


def _write_report(analysis: Analysis, html: str, votes: str, paths: Sequence[str], gold: str | None) -> None:
    from weaksup.cli import render
    from weaksup.files import write_text
    from weaksup.report import render_report

    corpus = [PurePath(path).name for path in paths]
    more = f" and {len(corpus) - 1} more" if len(corpus) > 1 else ""
    facts = {"Votes": PurePath(votes).name, "Corpus": "".join(corpus[:1]) + more, "Gold": gold or ""}
    title = corpus[0] if len(corpus) == 1 else PurePath(votes).name
    write_text(html, render_report(analysis, title=title, extra={name: fact for name, fact in facts.items() if fact}))
    render.note(f"report: {html}")
