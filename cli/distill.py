"""`weaksup distill`: train a small classifier on labels and pack it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from weaksup.cli.options import as_json

if TYPE_CHECKING:
    from weaksup.labels import SoftLabels

__all__ = ["command"]

_VOTES_ALONE = "expected a student of votes alone"
EPILOG = """\b
Examples:
  weaksup distill labels.parquet -o student
  weaksup distill labels.parquet -o student --gold label
  weaksup distill labels.parquet -o student --kind embedding --set model=encoders/minilm
  weaksup distill labels.parquet -o student --field sender --field amount
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
@click.option("--field", "fields", metavar="COLUMN", multiple=True, help="Another column to read; may be repeated.")
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
@click.option(
    "--kind", default="linear", show_default=True, help="Kind: linear, embedbag, embedding, transformer or slm."
)
@click.option("--set", "pairs", metavar="NAME=VALUE", multiple=True, help="A setting of its kind; may be repeated.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Chooses the rows to check choices on.",
)
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
    fields: tuple[str, ...],
    votes: str | None,
    worth: bool,
    suspects: str | None,
    precisions: tuple[float, ...],
    kind: str,
    pairs: tuple[str, ...],
    seed: int,
    as_json: bool,
) -> None:
    """Train a small classifier on LABELS (from `weaksup fit`) and pack it into a folder that needs no torch.

    Texts are read from the corpus that LABELS came from, or from CORPUS. With --gold, rows with a true label are kept
    from training (a fifth of the texts; all, where at most a fifth of the rows has one): they calibrate the classifier,
    find its thresholds, and score it beside the votes. Multi-label LABELS give a classifier of any number of labels.
    """
    from weaksup.cli import render
    from weaksup.cli.distill_rows import read_labels, read_settings
    from weaksup.cli.distill_text import tell, tell_sets
    from weaksup.distill.bundle.save import check_target
    from weaksup.distill.training import check_student
    from weaksup.errors import UsageError
    from weaksup.label_sets import SoftLabelSets
    from weaksup.pipeline.lineage import student_lineage
    from weaksup.pipeline.scorecard import PRECISIONS, votes_of, worth_of
    from weaksup.pipeline.teaching import Lesson, teach
    from weaksup.pipeline.teaching_sets import SetsLesson, teach_sets
    from weaksup.votes import VoteMatrix

    taking = {"kind": kind, **read_settings(pairs)}
    check_student(kind, {name: value for name, value in taking.items() if name != "kind"})
    check_target(output)
    if worth:
        _check_worth(gold, clamp)
    rows = read_labels(labels, corpus, gold=gold, clamp=clamp, text=text, id_column=id_column, fields=fields)
    texts, soft, lineage = rows.texts, rows.soft, student_lineage(labels)
    shared: dict[str, Any] = {"truth": rows.truth, "clamp": rows.clamp, "fields": rows.fields}
    shared |= {"seed": seed, "settings": taking}
    if isinstance(soft, SoftLabelSets):
        _refuse_for_sets(positive=positive, votes=votes, worth=worth, suspects=suspects, precision=precisions)
        taught_sets = teach_sets(SetsLesson(texts, soft, **shared), rows.kept_out)
        result = {"student": output, "bytes": taught_sets.save(output, lineage=lineage), **taught_sets.to_json()}
        (render.emit_json if as_json else tell_sets)(result)
        return
    if positive not in {None, *soft.labels.names}:
        raise UsageError(f'--positive: expected one of {", ".join(soft.labels.names)}; got "{positive}"')
    if worth and rows.learned:
        raise UsageError(
            f"--worth: {_VOTES_ALONE}, got labels that learned from gold; leave it out, or fit without gold"
        )
    lesson = Lesson(
        texts,
        soft,
        votes=None if votes is None else votes_of(soft, VoteMatrix.load(votes)),
        learned=rows.learned,
        positive=positive,
        precisions=precisions or PRECISIONS,
        **shared,
    )
    taught = teach(lesson, rows.kept_out)
    if worth and rows.truth is not None:
        taught.card.metrics["worth"] = worth_of(
            taught.card, texts, rows.truth, rows.kept_out, positive=positive, seed=seed, settings=taking
        )
    result = {"student": output, "bytes": taught.save(output, lineage=lineage), **taught.to_json()}
    if suspects is not None:
        result |= {"suspects": _write_suspects(texts, soft, suspects, seed), "suspects_file": suspects}
    (render.emit_json if as_json else tell)(result)


def _refuse_for_sets(**options: object) -> None:
    from weaksup.errors import UsageError

    for name, value in options.items():
        if value:
            raise UsageError(f"--{name}: expected labels with one label a row, got multi-label ones; leave it out")


def _check_worth(gold: str | None, clamp: str | None) -> None:
    from weaksup.errors import UsageError

    if gold is None:
        raise UsageError("--worth: expected --gold, true labels to compare with")
    if clamp:
        raise UsageError(f"--worth: {_VOTES_ALONE}, got --clamp; leave one of them out")


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
