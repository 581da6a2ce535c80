"""`weaksup explain`: why a row got its label, and which source the labels hang on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from weaksup.cli.options import as_json, parse_balance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weaksup.label_models.explain import Explanation
    from weaksup.label_models.source_accuracy import SourceAccuracy
    from weaksup.votes import VoteMatrix

__all__ = ["command"]

EPILOG = """\b
Examples:
  weaksup explain votes.parquet t17 t23
  weaksup explain votes.parquet t17 --class-balance HAM=0.87,SPAM=0.13 --json
  weaksup explain votes.parquet --influence
"""
_BAR = 20  # characters
_TEXT = 100


@click.command("explain", epilog=EPILOG)
@click.argument("votes")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--influence", "by_source", is_flag=True, help="Fit again without each source; count changed labels.")
@click.option("--model", "name", default="default", show_default=True, help="Label model, by name.")
@click.option("--class-balance", metavar="A=SHARE,B=SHARE", help="Share of each label, if you know it.")
@click.option("--corpus", metavar="PATH", help="Where the texts are, if not where they were when VOTES was written.")
@click.option("--seed", type=int, default=0, show_default=True, help="For models that draw at random.")
@as_json
def command(
    *,
    votes: str,
    ids: tuple[str, ...],
    by_source: bool,
    name: str,
    class_balance: str | None,
    corpus: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Fit a label model to VOTES and say what each vote on the rows ID adds to their labels, in nats of log-odds.

    With --influence, also say how many labels would change without each source.
    """
    from weaksup.cli import render
    from weaksup.errors import UsageError
    from weaksup.label_models import create
    from weaksup.label_models.explain import explain
    from weaksup.label_models.influence import influence
    from weaksup.label_models.source_accuracy import accuracy_intervals
    from weaksup.votes import VoteMatrix

    if not ids and not by_source:
        raise UsageError("explain: expected the id of a row, or --influence; got neither")
    matrix = VoteMatrix.load(votes)
    _check_ids(matrix, ids)
    model = create(name, seed=seed).fit(matrix, class_balance=parse_balance(class_balance))
    rows = [explain(model, matrix, row_id) for row_id in ids]
    accuracies = {a.source: a for a in accuracy_intervals(model, matrix)}
    texts = _first_lines(matrix, ids, corpus)
    ranks = influence(model, matrix) if by_source else []
    if as_json:
        shown = [_row_json(row, accuracies, texts) for row in rows]
        render.emit_json({"model": model.name, "rows": shown, "influence": ranks})
        return
    for row in rows:
        _tell_row(row, accuracies, texts.get(row.id))
    if by_source:
        columns = ["without", "its votes", "labels that change", "become a tie", "decided", "rows without a vote"]
        table = [(s.source, s.votes, s.changed, s.undecided, s.decided, s.uncovered) for s in ranks]
        render.table(f'Labels of "{model.name}", fitted without each source', columns, table)


def _check_ids(votes: VoteMatrix, ids: Sequence[str]) -> None:
    from weaksup.errors import UsageError

    known = set(votes.ids)
    for row_id in ids:
        if row_id not in known:
            near = _nearest(row_id, votes.ids)
            raise UsageError(f'explain: expected ids of rows in the votes, such as {near}; got "{row_id}"')


def _nearest(row_id: str, ids: Sequence[str], most: int = 20_000) -> str:
    """Name the ids most like it; in a large file only some of about its length are compared, for time's sake."""
    from difflib import get_close_matches
    from itertools import islice

    like = list(islice((i for i in ids if abs(len(i) - len(row_id)) <= 2), most))
    return ", ".join(f'"{i}"' for i in get_close_matches(row_id, like) or ids[:3]) or "none: the file has no rows"


def _first_lines(votes: VoteMatrix, ids: Sequence[str], corpus: str | None) -> dict[str, str]:
    """Return the first line of each text; where the corpus is gone, say so and do without."""
    from weaksup.cli import render
    from weaksup.cli.origin import find_corpus
    from weaksup.errors import CorpusError

    if not ids:
        return {}
    try:
        found: Mapping[str, Mapping[str, Any]] = find_corpus(votes.origin, corpus).lookup(ids, ["text"])
    except CorpusError as error:
        if corpus is not None:
            raise
        render.note(f"note: no texts are shown: {error}; --corpus names it")
        return {}
    return {row_id: ((row["text"] or "").strip().splitlines() or [""])[0] for row_id, row in found.items()}


def _row_json(row: Explanation, accuracies: Mapping[str, SourceAccuracy], texts: Mapping[str, str]) -> dict[str, Any]:
    said = [{**c, "accuracy": accuracies[c["source"]].to_json()} for c in row.to_json()["contributions"]]
    return {**row.to_json(), "contributions": said, "text": texts.get(row.id)}


def _tell_row(row: Explanation, accuracies: Mapping[str, SourceAccuracy], text: str | None) -> None:
    from weaksup.cli import render

    label = row.label or ("no label (a tie)" if row.contributions else "no label (no source voted)")
    majority = f"; majority vote: {row.majority or 'a tie'}" if row.contributions else ""
    render.line(f"\n{row.id}: {label}; P({row.first}) = {row.probability:.3f}{majority}")
    if text:
        render.line(f"  {render.cut(text, _TEXT)}")
    parts = [(c.source, c.vote, _accuracy(accuracies[c.source]), c.nats) for c in row.contributions]
    parts.append(("(class balance)", "", "", row.balance))
    if abs(row.together) >= 0.005:
        parts.append(("(votes together)", "", "", row.together))
    most = max([1e-9, *(abs(part[-1]) for part in parts)])
    table = [(*cells, f"{nats:+.2f}", _bar(nats / most)) for *cells, nats in parts]
    table.append(("= log-odds", "", "", f"{row.log_odds:+.2f}", ""))
    columns = ["source", "vote", "accuracy (model's opinion)", "nats", ""]
    render.table(f"For {row.first} (+), for {row.runner_up} (-)", columns, table)


def _accuracy(found: SourceAccuracy) -> str:
    return f"{found.accuracy:.3f} ({found.low:.3f}-{found.high:.3f})"


def _bar(share: float) -> str:
    return ("+" if share > 0 else "-") * round(_BAR * abs(share))
