"""`weaksup fit`: combine votes into probabilistic labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from weaksup.cli.options import as_json, parse_balance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from weaksup.multi_votes import MultiVotes
    from weaksup.votes import VoteMatrix

__all__ = ["command"]

EPILOG = """\b
Examples:
  weaksup fit votes.parquet -o labels.parquet
  weaksup fit votes.parquet -o labels.parquet --class-balance HAM=0.87,SPAM=0.13
  weaksup fit votes.parquet -o labels.parquet --gold label --html fit.html
  weaksup fit votes.parquet -o labels.parquet --gold label --learn --calibrate auto
  weaksup fit votes.parquet --compare --gold label
"""


Told = tuple[dict[str, Any], "Callable[[dict[str, Any]], None]"]  # the result, and how it is told


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What was asked for on the command line."""

    votes: str
    output: str
    name: str
    balance: dict[str, float] | None
    learn: bool
    calibrate: Any
    seed: int


@click.command("fit", epilog=EPILOG)
@click.argument("votes")
@click.option("-o", "--output", metavar="FILE", help="Where the labels go (Parquet); required unless --compare.")
@click.option(
    "--model",
    "name",
    default="default",
    show_default=True,
    help="Label model, by name; docs/label_models.md tells of each, --compare tries all.",
)
@click.option("--class-balance", metavar="A=SHARE,B=SHARE", help="Share of each label, if you know it.")
@click.option("--gold", metavar="COLUMN", help="Column of true labels in the corpus, empty where unknown: scores them.")
@click.option("--learn", is_flag=True, help="Learn from --gold too; scores are then cross-fitted.")
@click.option(
    "--calibrate",
    type=click.Choice(["auto", "temperature", "isotonic"]),
    help="Fit the probabilities to --gold; scores are then cross-fitted.",
)
@click.option("--corpus", metavar="PATH", help="Where the gold column is, if not where VOTES came from.")
@click.option("--compare", is_flag=True, help="Fit every model, show them side by side, write no labels.")
@click.option("--html", metavar="FILE", help="Write a page: reliability diagram, findings, labels, sources.")
@click.option("--seed", type=int, default=0, show_default=True, help="For models that draw at random.")
@as_json
def command(
    *,
    votes: str,
    output: str | None,
    name: str,
    class_balance: str | None,
    gold: str | None,
    learn: bool,
    calibrate: Any,
    corpus: str | None,
    compare: bool,
    html: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Fit a label model to VOTES, write a probability for every label of every row, and say how far to trust them.

    VOTES is what `weaksup apply` wrote. Majority vote always stands beside the model.
    """
    from weaksup.cli import render
    from weaksup.cli.outputs import keep_apart
    from weaksup.errors import ShortfallError, UsageError
    from weaksup.multi_votes import MultiVotes, read_votes

    if (output is None) != compare:
        raise UsageError("fit: expected -o FILE for the labels, or --compare, which writes none; got neither or both")
    if compare and (html or learn or calibrate or name != "default"):
        raise UsageError("fit: expected --compare without --model, --learn, --calibrate, --html; it fits every model")
    if gold is None and (learn or calibrate or corpus):
        raise UsageError("fit: expected --gold COLUMN, which --learn, --calibrate and --corpus are about; got none")
    matrix = read_votes(votes)
    keep_apart([output, html], [votes, corpus, *matrix.origin.get("paths", [])])
    if isinstance(matrix, MultiVotes) and (compare or learn or calibrate or html):
        raise UsageError("fit: --compare, --learn, --calibrate and --html do not take multi-label votes yet")
    wishes = _Wishes(votes, output or "", name, parse_balance(class_balance), learn, calibrate, seed)
    truth = _read_truth(matrix, gold, corpus)
    if isinstance(matrix, MultiVotes):
        result, tell = _fit_multi(matrix, truth, wishes)
    elif compare:
        result, tell = _compare(matrix, truth, wishes)
    else:
        result, tell = _fit(matrix, truth, wishes)
        if html is not None:
            _write_page(result, html, votes, matrix, gold)
    if as_json:
        render.emit_json(result)
    else:
        tell(result)
    if not result["covered"]:
        raise ShortfallError(f"no row of {votes} has a vote, so every row has the class balance alone")


def _read_truth(matrix: VoteMatrix | MultiVotes, gold: str | None, corpus: str | None) -> NDArray[np.int16] | None:
    from weaksup.cli.origin import find_corpus
    from weaksup.corpus.gold import read_gold
    from weaksup.errors import UsageError

    if gold is None:
        return None
    truth = read_gold(find_corpus(matrix.origin, corpus), gold, matrix.ids, matrix.labels)
    if not (matrix.covered & (truth >= 0)).any():
        raise UsageError(f"--gold {gold}: expected a true label on at least one row with a vote, got none")
    return truth


def _fit(matrix: VoteMatrix, truth: NDArray[np.int16] | None, wishes: _Wishes) -> Told:
    from weaksup.cli.fit_text import tell
    from weaksup.label_models import fit_labels, summarize
    from weaksup.routing.agreement import measure_agreement

    fitted = fit_labels(
        matrix,
        wishes.name,
        class_balance=wishes.balance,
        gold=truth,
        learn=wishes.learn,
        calibration=wishes.calibrate,
        seed=wishes.seed,
    )
    model, calibration = fitted.model, fitted.calibration
    made = {
        "model": model.name,
        "options": {name: getattr(model, name) for name in model.options},
        "class_balance": model.class_balance_.tolist(),
        "class_balance_given": model.balance_given_,
        "gold_learned": fitted.learned,
        "calibration": None if calibration is None else calibration.to_json(),
    }
    fitted.soft.save(wishes.output, _lineage(wishes.votes, matrix, made))
    agreement = measure_agreement(matrix)
    among = {"agreement": agreement.to_json()} if agreement.pairs else {}
    return {"labels": wishes.output, **summarize(fitted, matrix, gold=truth), **among}, tell


def _fit_multi(matrix: MultiVotes, truth: NDArray[np.int16] | None, wishes: _Wishes) -> Told:
    from weaksup.cli.fit_multi import report_multi, tell_fit_multi
    from weaksup.label_models import MultiLabelModel

    model = MultiLabelModel(wishes.name, seed=wishes.seed).fit(matrix, class_balance=wishes.balance)
    soft = model.soft_labels(matrix)
    made = {
        "model": model.name,
        "class_balance": model.class_balance_,
        "class_balance_given": sorted(model.shares_),
    }
    soft.save(wishes.output, _lineage(wishes.votes, matrix, made))
    return {"labels": wishes.output, **report_multi(model, matrix, soft, truth)}, tell_fit_multi


def _compare(matrix: VoteMatrix, truth: NDArray[np.int16] | None, wishes: _Wishes) -> Told:
    from weaksup.cli import compare_text, render
    from weaksup.label_models import compare

    found = compare(
        matrix,
        class_balance=wishes.balance,
        gold=truth,
        seed=wishes.seed,
        on_model=lambda name: render.note(f"fitting {name}"),
    )
    return found.to_json(), lambda _: compare_text.tell(found)


def _lineage(votes: str, matrix: VoteMatrix | MultiVotes, made: Mapping[str, Any]) -> dict[str, Any]:
    """Say what the labels were made from; the same input gives the same bytes."""
    import hashlib
    from pathlib import Path, PurePath

    from weaksup import __version__

    with Path(votes).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    sources = [{"name": s.name, "kind": s.kind, "group": s.group} for s in matrix.sources]
    lineage = {"votes": PurePath(votes).name, "votes_sha256": digest, "sources": sources, **made}
    return {"origin": dict(matrix.origin), "lineage": {**lineage, "weaksup": __version__}}


def _write_page(result: dict[str, Any], html: str, votes: str, matrix: VoteMatrix, gold: str | None) -> None:
    from pathlib import PurePath

    from weaksup.cli import render
    from weaksup.files import write_text
    from weaksup.report import render_fit_report

    corpus = ", ".join(PurePath(path).name for path in matrix.origin.get("paths", [])[:3])
    facts = {"Votes": PurePath(votes).name, "Corpus": corpus, "Gold": gold or ""}
    title = corpus or PurePath(votes).name
    page = render_fit_report(result, title=title, extra={name: fact for name, fact in facts.items() if fact})
    write_text(html, page)
    render.note(f"report: {html}")
