"""`weaksup distill`: train a small classifier on labels and pack it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from weaksup.cli.options import as_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from weaksup.labels import SoftLabels

__all__ = ["command"]

EPILOG = """\b
Examples:
  weaksup distill labels.parquet -o student
  weaksup distill labels.parquet -o student --gold label
  weaksup distill labels.parquet corpus.csv -o student --clamp reviewed --gold label --json
"""


@click.command("distill", epilog=EPILOG)
@click.argument("labels")
@click.argument("corpus", required=False)
@click.option("-o", "--output", metavar="FOLDER", required=True, help="Where the classifier goes.")
@click.option("--gold", metavar="COLUMN", help="Column of true labels: scores, on rows kept from training.")
@click.option("--clamp", metavar="COLUMN", help="Column of true labels to learn from, in place of what the votes say.")
@click.option("--positive", metavar="LABEL", help="With two labels: the one whose F1 is shown.  [default: the last]")
@click.option("--text", metavar="COLUMN", help="Column of the texts.  [default: as LABELS were made]")
@click.option("--id", "id_column", metavar="COLUMN", help="Column of row ids.  [default: as LABELS were made]")
@click.option("--votes", metavar="FILE", help="The votes that LABELS were made from: scores by slice and source.")
@click.option("--worth", is_flag=True, help="Say how many hand labels the votes are worth; needs --gold, and minutes.")
@click.option("--suspects", metavar="FILE.csv", help="Write the rows whose label a student denies that did not see it.")
@click.option(
    "--precision",
    "precisions",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    multiple=True,
    help="Wanted share of right answers: finds the threshold, may be repeated.  [default: 0.9, 0.95, 0.99]",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses the rows to check choices on.")
@as_json
def command(
    *,
    labels: str,
    corpus: str | None,
    output: str,
    gold: str | None,
    clamp: str | None,
    positive: str | None,
    text: str | None,
    id_column: str | None,
    votes: str | None,
    worth: bool,
    suspects: str | None,
    precisions: tuple[float, ...],
    seed: int,
    as_json: bool,
) -> None:
    """Train a small classifier on LABELS (from `weaksup fit`) and pack it into a folder that needs no torch.

    Texts are read from the corpus that LABELS came from, or from CORPUS. With --gold, rows with a true label are kept
    from training (a fifth of the texts; all, where at most a fifth of the rows has one): they calibrate the classifier,
    find its thresholds, and score it beside the votes.
    """
    import numpy as np

    from weaksup.cli import render
    from weaksup.cli.distill_text import tell
    from weaksup.cli.origin import find_corpus
    from weaksup.corpus.gold import read_gold
    from weaksup.distill import save_bundle, train
    from weaksup.errors import UsageError
    from weaksup.files import read_table
    from weaksup.labels import SoftLabels
    from weaksup.pipeline.scorecard import PRECISIONS, make_scorecard, votes_of, worth_of
    from weaksup.votes import VoteMatrix

    info = read_table(labels, "weaksup.labels", what="soft labels")[1]
    source = find_corpus(info.get("origin", {}), corpus, text=text, id_column=id_column)
    soft, texts = _with_texts(SoftLabels.load(labels), source.lookup(None, ["text"]))
    if positive not in {None, *soft.labels.names}:
        raise UsageError(f'--positive: expected one of {", ".join(soft.labels.names)}; got "{positive}"')
    truth = None if gold is None else read_gold(source, gold, soft.ids, soft.labels)
    fixed = None if clamp is None else read_gold(source, clamp, soft.ids, soft.labels)
    if worth and truth is None:
        raise UsageError("--worth: expected --gold, true labels to compare with")
    matrix = None if votes is None else votes_of(soft, VoteMatrix.load(votes))
    test = _kept_out(texts, truth, also_learned=clamp == gold)
    rows, kept = np.flatnonzero(~test), np.flatnonzero(test)
    student = train(
        [texts[i] for i in rows.tolist()], soft.take(rows), gold=None if fixed is None else fixed[rows], seed=seed
    )
    card = make_scorecard(
        student,
        [texts[i] for i in kept.tolist()],
        None if truth is None else truth[kept],
        soft.take(kept),
        votes=None if matrix is None else matrix.take(kept),
        positive=positive,
        precisions=precisions or PRECISIONS,
        seed=seed,
    )
    metrics = card.metrics
    if worth and truth is not None:
        metrics["worth"] = worth_of(card, texts, truth, test, positive=positive, seed=seed)
    path = save_bundle(
        card.student,
        output,
        metrics=metrics,
        lineage=_lineage(labels, info),
        calibration=card.calibration,
        thresholds=card.thresholds,
    )
    size = sum(file.stat().st_size for file in path.iterdir())
    result = {"student": output, "bytes": size, "training": card.student.training, **metrics}
    result |= {"calibration": card.calibration, "thresholds": card.thresholds}
    if suspects is not None:
        result |= {"suspects": _write_suspects(texts, soft, suspects, seed), "suspects_file": suspects}
    if as_json:
        render.emit_json(result)
    else:
        tell(result)


def _write_suspects(texts: list[str], soft: SoftLabels, path: str, seed: int) -> int:
    import csv

    from weaksup.distill import find_suspects
    from weaksup.files import atomic_path

    found = find_suspects(texts, soft, seed=seed)
    with atomic_path(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "label", "says", "confidence", "text"])
        writer.writerows((s.id, s.label, s.says, f"{s.confidence:.4f}", texts[s.row]) for s in found)
    return len(found)


def _with_texts(soft: SoftLabels, found: dict[str, dict[str, Any]]) -> tuple[SoftLabels, list[str]]:
    """Return the labels that have a text, and the texts."""
    import numpy as np

    from weaksup.cli import render
    from weaksup.errors import UsageError

    rows = [i for i, row_id in enumerate(soft.ids) if row_id in found]
    if soft.ids and not rows:
        raise UsageError(f'expected the corpus of these labels, got one without row "{soft.ids[0]}" or any other')
    if len(rows) < len(soft):
        render.note(f"note: {len(soft) - len(rows):,} labeled rows are not in the corpus and are left out")
    return soft.take(np.array(rows, np.int64)), [found[soft.ids[i]]["text"] for i in rows]


def _kept_out(texts: list[str], truth: NDArray[np.int16] | None, *, also_learned: bool) -> NDArray[np.bool_]:
    """Mark the rows [n] to score on, and those with the same text."""
    import numpy as np

    from weaksup.distill import hold_out
    from weaksup.errors import UsageError

    if truth is None:
        return np.zeros(len(texts), np.bool_)
    known = truth >= 0
    out = known if known.mean() <= 0.2 and not also_learned else known & hold_out(texts)
    if not out.any() or out.all():
        raise UsageError(f"--gold: expected enough true labels to keep some rows for scoring, got {known.sum():,}")
    kept = {text for text, is_out in zip(texts, out.tolist(), strict=True) if is_out}
    return np.array([text in kept for text in texts], np.bool_)


def _lineage(labels: str, info: dict[str, Any]) -> dict[str, Any]:
    """Say what the student was made from; the same input gives the same bytes."""
    import hashlib
    from pathlib import Path, PurePath

    with Path(labels).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"labels": PurePath(labels).name, "labels_sha256": digest, "made_from": info.get("lineage", {})}
