"""`weaksup fit`: combine votes into probabilistic labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from weaksup.cli.options import as_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from weaksup.label_models import BaseLabelModel
    from weaksup.labels import SoftLabels
    from weaksup.votes import VoteMatrix

__all__ = ["command"]

EPILOG = """\b
Examples:
  weaksup fit votes.parquet -o labels.parquet
  weaksup fit votes.parquet -o labels.parquet --class-balance HAM=0.87,SPAM=0.13
  weaksup fit votes.parquet -o labels.parquet --model majority --gold label --json
"""


@click.command("fit", epilog=EPILOG)
@click.argument("votes")
@click.option("-o", "--output", metavar="FILE", required=True, help="Where the labels go (Parquet).")
@click.option(
    "--model",
    "name",
    default="default",
    show_default=True,
    help="Label model, by name; docs/votes_and_labels.md lists them.",
)
@click.option("--class-balance", metavar="A=SHARE,B=SHARE", help="Share of each label, if you know it.")
@click.option(
    "--gold", metavar="COLUMN", help="Column of true labels in the corpus: scores the labels, never fits them."
)
@click.option("--corpus", metavar="PATH", help="Where the gold column is, if not where VOTES came from.")
@click.option("--seed", type=int, default=0, show_default=True, help="For models that draw at random.")
@as_json
def command(
    *,
    votes: str,
    output: str,
    name: str,
    class_balance: str | None,
    gold: str | None,
    corpus: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Fit a label model to VOTES, write a probability for every label of every row, and say how far to trust them.

    VOTES is what `weaksup apply` wrote. Majority vote always stands beside the model.
    """
    from weaksup.cli import render
    from weaksup.label_models import create
    from weaksup.votes import VoteMatrix

    matrix = VoteMatrix.load(votes)
    model = create(name, seed=seed)
    balance = _parse_balance(class_balance)
    truth = _read_truth(matrix, gold, corpus)
    model.fit(matrix, class_balance=balance)
    soft = model.soft_labels(matrix)
    soft.save(output, _lineage(votes, matrix, model, given=balance is not None))
    result = {"labels": output, **_report(model, matrix, soft)}
    if truth is not None:
        result["gold"] = _score(model, matrix, truth)
    if as_json:
        render.emit_json(result)
    else:
        _tell(result)


def _parse_balance(text: str | None) -> dict[str, float] | None:
    from weaksup.errors import UsageError

    if text is None:
        return None
    shares: dict[str, float] = {}
    for part in text.split(","):
        label, _, share = part.rpartition("=")
        if label.strip() in shares:
            raise UsageError(f'--class-balance: expected each label once, got "{label.strip()}" twice')
        try:
            shares[label.strip()] = float(share)
        except ValueError:
            raise UsageError(f'--class-balance: expected LABEL=SHARE,LABEL=SHARE, got "{text}"') from None
    return shares


def _read_truth(matrix: VoteMatrix, gold: str | None, corpus: str | None) -> NDArray[np.int16] | None:
    from weaksup.cli.origin import find_corpus
    from weaksup.corpus.gold import read_gold
    from weaksup.errors import UsageError

    if gold is None:
        return None
    truth = read_gold(find_corpus(matrix.origin, corpus), gold, matrix.ids, matrix.labels)
    if not (matrix.covered & (truth >= 0)).any():
        raise UsageError(f"--gold {gold}: expected a true label on at least one row with a vote, got none")
    return truth


def _lineage(votes: str, matrix: VoteMatrix, model: BaseLabelModel, *, given: bool) -> dict[str, Any]:
    """Say what the labels were made from; the same input gives the same bytes."""
    import hashlib
    from pathlib import Path, PurePath

    from weaksup import __version__

    with Path(votes).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "origin": dict(matrix.origin),
        "lineage": {
            "votes": PurePath(votes).name,
            "votes_sha256": digest,
            "sources": [{"name": s.name, "kind": s.kind, "group": s.group} for s in matrix.sources],
            "model": model.name,
            "options": {name: getattr(model, name) for name in model.options},
            "class_balance": model.class_balance_.tolist(),
            "class_balance_given": given,
            "weaksup": __version__,
        },
    }


def _report(model: BaseLabelModel, matrix: VoteMatrix, soft: SoftLabels) -> dict[str, Any]:
    """Gather what a person should see before using the labels."""
    import numpy as np

    from weaksup.label_models import MajorityVote, count_differences, health

    k, names = model.k_, matrix.labels.names
    labels, majority = model.predict(matrix), MajorityVote(k).fit(matrix).predict(matrix)
    counts, votes = (np.bincount(part[part >= 0], minlength=k).tolist() for part in (labels, majority))
    voted = (matrix.values >= 0).sum(axis=0).tolist()
    asked = ([len(matrix)] * len(voted)) if matrix.asked is None else matrix.asked.sum(axis=0).tolist()
    accuracies = model.source_accuracies(matrix).tolist()
    return {
        "model": model.name,
        "rows": len(matrix),
        "covered": int(soft.covered.sum()),
        "undecided": int((soft.covered & (labels < 0)).sum()),
        "mean_confidence": float(soft.confidence[soft.covered].mean()) if soft.covered.any() else None,
        "differs_from_majority": count_differences(labels, majority),
        "majority_ties": int((matrix.covered & (majority < 0)).sum()),
        "class_balance": dict(zip(names, model.class_balance_.tolist(), strict=True)),
        "counts": {name: {"model": a, "majority": b} for name, a, b in zip(names, counts, votes, strict=True)},
        "sources": [
            {"name": name, "votes": n, "coverage": n / rows if rows else None, "accuracy": a if n else None}
            for name, n, rows, a in zip(matrix.names, voted, asked, accuracies, strict=True)
        ],
        "health": [finding.to_json() for finding in health(model, matrix)],
    }


def _score(model: BaseLabelModel, matrix: VoteMatrix, truth: NDArray[np.int16]) -> dict[str, Any]:
    """Score the model and majority vote on the covered rows with gold; ties are broken in the same way for both."""
    from weaksup.label_models import MajorityVote
    from weaksup.metrics import brier, wilson

    judged = matrix.covered & (truth >= 0)
    n = int(judged.sum())
    rows, gold = matrix.take(judged), truth[judged]
    scores: dict[str, Any] = {"rows": n}
    for key, scored in (("model", model), ("majority", MajorityVote(model.k_).fit(rows))):
        hits = int((scored.predict(rows, tie_break_policy="random") == gold).sum())
        low, high = wilson(hits, n)
        proba = scored.predict_proba(rows)
        scores[key] = {"accuracy": hits / n, "low": low, "high": high, "brier": brier(gold, proba)}
    return scores


def _tell(result: dict[str, Any]) -> None:
    from weaksup.cli import render

    covered = result["covered"]
    render.line(
        f"{result['rows']:,} rows, {covered:,} with a vote, {result['undecided']:,} undecided -> {result['labels']}"
    )
    sure = result["mean_confidence"]
    if sure is not None:
        render.line(
            f'model "{result["model"]}": mean confidence {sure:.3f}; '
            f"{result['differs_from_majority']:,} labels differ from majority vote, "
            f"which ties on {result['majority_ties']:,} rows"
        )
    sources = [(s["name"], s["votes"], render.percent(s["coverage"]), s["accuracy"]) for s in result["sources"]]
    render.table("Sources", ["source", "votes", "coverage", "accuracy (model's opinion)"], sources)
    balance = result["class_balance"]
    counts = [(name, c["model"], c["majority"], render.percent(balance[name])) for name, c in result["counts"].items()]
    render.table("Labels", ["label", "rows (model)", "rows (majority vote)", "class balance used"], counts)
    if "gold" in result:
        gold = result["gold"]
        scores = [
            (name, gold[key]["accuracy"], f"{gold[key]['low']:.3f}-{gold[key]['high']:.3f}", gold[key]["brier"])
            for name, key in ((result["model"], "model"), ("majority vote", "majority"))
        ]
        render.table(f"On {gold['rows']:,} covered rows with gold", ["labels of", "accuracy", "95%", "Brier"], scores)
    for finding in result["health"]:
        render.line(f"\n{finding['name']}: {finding['text']}")
        render.line(f"  {finding['advice']}")
