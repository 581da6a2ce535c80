"""`weaksup distill`: a small classifier from probabilistic labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from weaksup.cli.options import as_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from weaksup.corpus import Corpus
    from weaksup.labels import SoftLabels

EPILOG = """\b
Examples:
  weaksup distill labels.parquet -o model
  weaksup distill labels.parquet tickets.csv -o model --gold label
  weaksup distill labels.parquet -o model --clamp checked_by_hand
"""


@click.command("distill", epilog=EPILOG)
@click.argument("labels")
@click.argument("corpus", required=False)
@click.option("-o", "--output", metavar="FOLDER", required=True, help="Where the classifier goes.")
@click.option("--gold", metavar="COLUMN", help="Column of true labels: a fifth of the rows is kept out and scored.")
@click.option("--clamp", metavar="COLUMN", help="Column of true labels to learn from: those rows are certain.")
@click.option("--seed", type=int, default=0, show_default=True)
@as_json
def command(
    *, labels: str, corpus: str | None, output: str, gold: str | None, clamp: str | None, seed: int, as_json: bool
) -> None:
    """Train a linear classifier on LABELS and write it as one ONNX file that takes raw text.

    LABELS is what `weaksup fit` wrote; CORPUS is where its rows came from, if it is elsewhere now. Rows without a vote
    are left out, uncertain ones count little.
    """
    from weaksup.cli import render
    from weaksup.cli.origin import find_corpus
    from weaksup.distill import evaluate, save_bundle, train
    from weaksup.labels import SoftLabels, read_lineage

    soft = SoftLabels.load(labels)
    rows = find_corpus(read_lineage(labels).get("origin", {}), corpus)
    texts = _texts(rows, soft)
    truth, known = _gold(rows, gold, soft), _gold(rows, clamp, soft)
    test = _kept_out(texts, truth)
    kept = (~test).nonzero()[0]
    student = train(
        [texts[i] for i in kept.tolist()],
        soft.take(kept),
        gold=None if known is None else known[kept],
        seed=seed,
    )
    found: dict[str, Any] = {"trained_on": student.training["rows"], "model": output}
    if truth is not None:
        shown = test.nonzero()[0]
        proba = student.predict_proba([texts[i] for i in shown.tolist()])
        found["held_out"] = evaluate(truth[shown], proba, soft.labels.names, seed=seed).to_json()
    save_bundle(student, output, metrics=found.get("held_out"), lineage=read_lineage(labels))
    if as_json:
        render.emit_json(found)
    else:
        _tell(found)


def _texts(corpus: Corpus, soft: SoftLabels) -> list[str]:
    from weaksup.errors import UsageError

    found = corpus.lookup(soft.ids, ["text"])
    lost = next((i for i in soft.ids if i not in found), None)
    if lost is not None:
        raise UsageError(f'expected the corpus of these labels, got one without row "{lost}"; name the right CORPUS')
    return [found[i]["text"] for i in soft.ids]


def _gold(corpus: Corpus, column: str | None, soft: SoftLabels) -> NDArray[np.int16] | None:
    from weaksup.corpus.gold import read_gold

    return None if column is None else read_gold(corpus, column, soft.ids, soft.labels)


def _kept_out(texts: list[str], truth: NDArray[np.int16] | None) -> NDArray[np.bool_]:
    """Mark the rows to score on: none without gold."""
    import numpy as np

    from weaksup.distill import hold_out

    return np.zeros(len(texts), np.bool_) if truth is None else hold_out(texts) & (truth >= 0)


def _tell(found: dict[str, Any]) -> None:
    from weaksup.cli import render

    render.line(f"trained on {found['trained_on']:,} rows -> {found['model']}")
    if "held_out" not in found:
        render.note("not scored: --gold COLUMN names true labels, if you have any")
        return
    score = found["held_out"]
    low, high = score["accuracy_interval"]
    render.line(f"accuracy {score['accuracy']:.3f} ({low:.3f}-{high:.3f}) on {score['rows']:,} rows kept out")
    low, high = score["f1_interval"]
    render.line(f"F1 {score['f1']:.3f} ({low:.3f}-{high:.3f}), of {score['f1_of']}; ECE {score['ece']:.3f}")
    classes = [
        (name, one["gold"], one["precision"], one["recall"], one["f1"]) for name, one in score["classes"].items()
    ]
    render.table("By label", ["label", "rows", "precision", "recall", "F1"], classes)
