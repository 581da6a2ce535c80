"""`weaksup distill`: train a small classifier on labels and pack it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from weaksup.cli.options import as_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from weaksup.distill import Student
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
    seed: int,
    as_json: bool,
) -> None:
    """Train a small classifier on LABELS (from `weaksup fit`) and pack it into a folder that needs no torch.

    Texts are read from the corpus that LABELS came from, or from CORPUS. With --gold, rows with a true label are kept
    from training (a fifth of the texts; all, where at most a fifth of the rows has one) and both the classifier and
    the votes are scored on them.
    """
    import numpy as np

    from weaksup.cli import render
    from weaksup.cli.origin import find_corpus
    from weaksup.corpus.gold import read_gold
    from weaksup.distill import save_bundle, train
    from weaksup.errors import UsageError
    from weaksup.files import read_table
    from weaksup.labels import SoftLabels

    info = read_table(labels, "weaksup.labels", what="soft labels")[1]
    source = find_corpus(info.get("origin", {}), corpus, text=text, id_column=id_column)
    soft, texts = _with_texts(SoftLabels.load(labels), source.lookup(None, ["text"]))
    if positive not in {None, *soft.labels.names}:
        raise UsageError(f'--positive: expected one of {", ".join(soft.labels.names)}; got "{positive}"')
    truth = None if gold is None else read_gold(source, gold, soft.ids, soft.labels)
    fixed = None if clamp is None else read_gold(source, clamp, soft.ids, soft.labels)
    test = _kept_out(texts, truth, also_learned=clamp == gold)
    rows = np.flatnonzero(~test).tolist()
    student = train([texts[i] for i in rows], _take(soft, rows), gold=None if fixed is None else fixed[rows], seed=seed)
    kept = np.flatnonzero(test).tolist()
    shown = [texts[i] for i in kept]
    metrics = {} if truth is None else _score(student, shown, _take(soft, kept), truth[kept], positive)
    path = save_bundle(student, output, metrics=metrics, lineage=_lineage(labels, info))
    size = sum(file.stat().st_size for file in path.iterdir())
    result = {"student": output, "bytes": size, "training": student.training, **metrics}
    if as_json:
        render.emit_json(result)
    else:
        _tell(result)


def _with_texts(soft: SoftLabels, found: dict[str, dict[str, Any]]) -> tuple[SoftLabels, list[str]]:
    """Return the labels that have a text, and the texts."""
    from weaksup.cli import render
    from weaksup.errors import UsageError

    rows = [i for i, row_id in enumerate(soft.ids) if row_id in found]
    if soft.ids and not rows:
        raise UsageError(f'expected the corpus of these labels, got one without row "{soft.ids[0]}" or any other')
    if len(rows) < len(soft):
        render.note(f"note: {len(soft) - len(rows):,} labeled rows are not in the corpus and are left out")
    return _take(soft, rows), [found[soft.ids[i]]["text"] for i in rows]


def _take(soft: SoftLabels, rows: list[int]) -> SoftLabels:
    from weaksup.labels import SoftLabels

    return SoftLabels(tuple(soft.ids[i] for i in rows), soft.proba[rows], soft.covered[rows], soft.labels)


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


def _score(
    student: Student, texts: list[str], soft: SoftLabels, truth: NDArray[np.int16], positive: str | None
) -> dict[str, Any]:
    """Score the student on the rows kept out, and the votes on those of them that they cover."""
    from weaksup.distill import evaluate

    names = soft.labels.names
    scored = {"gold": evaluate(truth, student.predict_proba(texts), names, positive=positive).to_json()}
    voted = soft.covered & (truth >= 0)
    if voted.any():
        scored["votes_on_covered"] = evaluate(truth[voted], soft.proba[voted], names, positive=positive).to_json()
    return scored


def _lineage(labels: str, info: dict[str, Any]) -> dict[str, Any]:
    """Say what the student was made from; the same input gives the same bytes."""
    import hashlib
    from pathlib import Path, PurePath

    with Path(labels).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"labels": PurePath(labels).name, "labels_sha256": digest, "made_from": info.get("lineage", {})}


def _tell(result: dict[str, Any]) -> None:
    from weaksup.cli import render

    training = result["training"]
    gold = f", {training['gold_rows']:,} with gold" if training["gold_rows"] else ""
    rows = f"{training['rows']:,} rows ({training['distinct_texts']:,} distinct texts{gold})"
    render.line(f"trained on {rows}, {training['ngrams']:,} n-grams -> {result['student']} ({_size(result['bytes'])})")
    if "gold" not in result:
        render.line("not scored: --gold COLUMN scores it on rows with true labels")
        return
    scored = [("student", result["gold"])]
    if "votes_on_covered" in result:
        scored.append(("the votes, where they cover", result["votes_on_covered"]))
    lines = [(name, s["rows"], *_shown(s, "accuracy"), *_shown(s, "f1")) for name, s in scored]
    f1 = f"F1 ({result['gold']['f1_of']})"
    render.table("On rows kept from training", ["labels of", "rows", "accuracy", "95%", f1, "95%"], lines)
    classes = [(name, c["gold"], c["precision"], c["recall"], c["f1"]) for name, c in result["gold"]["classes"].items()]
    render.table("Student by label", ["label", "gold", "precision", "recall", "F1"], classes)


def _shown(score: dict[str, Any], name: str) -> tuple[float, str]:
    low, high = score[f"{name}_interval"]
    return score[name], f"{low:.3f}-{high:.3f}"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.0f} kB"
