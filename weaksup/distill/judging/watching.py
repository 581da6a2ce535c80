"""Read a later corpus, and hold it against what a bundle says of its training rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.corpus import Corpus, Scan
from weaksup.corpus.gold import read_gold
from weaksup.distill.bundle.predict import Predictor
from weaksup.distill.judging.drift import Drift, Lost, Right, find_drift
from weaksup.distill.judging.reference import Look, Reference, VoteLook, look_at_votes
from weaksup.errors import CorpusError, UsageError
from weaksup.labels import LabelSpace
from weaksup.votes import VoteMatrix

__all__ = ["measure_drift", "read_reference"]

_CHUNK = 4096  # rows


def measure_drift(
    student: Predictor,
    corpus: Corpus,
    *,
    votes: VoteMatrix | None = None,
    gold: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> Drift:
    """Predict every row of a corpus and say whether it looks like the rows that the student was trained on.

    `votes` are those of labeling functions on the same rows, `gold` names a column of true labels: the fall of what the
    bundle reached then is tested too. Rows that cannot be read are `lost`. Memory grows with the ids alone. Raises
    UsageError where the bundle has no reference, and where votes or gold are of other labels or other rows; CorpusError
    where no row is left.
    """
    reference = read_reference(student)
    if votes is not None and set(votes.labels.names) != set(student.classes):
        got = ", ".join(votes.labels.names[:6])
        raise UsageError(f"drift: expected votes with the labels {', '.join(student.classes[:6])}, got {got}")
    scan = corpus.scan(chunk_rows=_CHUNK)
    look, ids, codes = _read(student, reference, scan, progress)
    if not ids:
        raise CorpusError(f"drift: expected rows, got none; {_say_lost(scan)}")
    told = None if votes is None else _of_votes(student, votes, dict(zip(ids, codes.tolist(), strict=True)))
    right = None if gold is None else _of_gold(student, corpus, gold, ids, codes)
    found = find_drift(reference, look, student.classes, votes=told, right=right)
    return replace(found, lost=Lost(scan.counts, scan.rejects, scan.notes))


def read_reference(student: Predictor) -> Reference:
    """Return what the bundle says of its training rows; raise UsageError where it says nothing."""
    if student.multi:
        raise UsageError("drift takes one label a row: got a student that gives any number of them")
    packed = student.more.get("reference")
    if packed is None:
        raise UsageError(
            "drift: expected a bundle with a reference, got one without: distill again, from 200 labeled rows or more"
        )
    try:
        found = Reference.from_json(packed)
    except ValueError as error:
        raise UsageError(f"drift: reference.json of the bundle cannot be read ({error}); distill it again") from None
    if len(found.seen.classes) != len(student.classes):
        raise UsageError("drift: reference.json and labels.json of the bundle do not belong together")
    return found


def _read(
    student: Predictor, reference: Reference, scan: Scan, progress: Callable[[int], None] | None
) -> tuple[Look, list[str], NDArray[np.int64]]:
    """Return the look of all rows, their ids, and what the student says of them, [n]."""
    ids: list[str] = []
    said = [np.empty(0, np.int64)]
    look = reference.look([], np.empty((0, len(student.classes))))
    for chunk in scan:
        student.fields.check_columns(chunk.batch.schema.names)
        texts = [student.fields.read(row) for row in chunk.rows] if student.fields.names else _texts(chunk)
        proba = student.predict_proba(texts)
        look += reference.look(texts, proba)
        ids += chunk.ids
        said.append(proba.argmax(axis=1).astype(np.int64))
        if progress:
            progress(look.rows)
    return look, ids, np.concatenate(said)


def _say_lost(scan: Scan) -> str:
    """Say what became of rows where none is left."""
    counts, first = scan.counts, next(iter(scan.rejects), None)
    if first is None:
        return "name a corpus with texts"
    return f"{counts.rejected:,} of {counts.read:,} rows read were rejected, the first: {first}"


def _texts(chunk: Any) -> list[str]:
    texts: list[str] = chunk.batch.column("text").to_pylist()
    return texts


def _of_votes(student: Predictor, votes: VoteMatrix, said: Mapping[str, int]) -> VoteLook:
    missing = next((name for name in votes.ids if name not in said), None)  # equal ids may be of other rows
    if missing is not None:
        raise UsageError(f'drift: expected votes on the rows of this corpus, got others: it has no row "{missing}"')
    own = [votes.labels.index(name) for name in student.classes]
    return look_at_votes(votes, np.array([own[said[name]] for name in votes.ids], np.int64))


def _of_gold(
    student: Predictor, corpus: Corpus, column: str, ids: list[str], said: NDArray[np.int64]
) -> tuple[Right, Right] | None:
    """Return what was right at training, and now."""
    then = student.metrics.get("gold") or student.metrics.get("held_out") or {}
    rows, share = then.get("rows", then.get("judged", 0)), then.get("accuracy")
    if not rows or share is None:
        raise UsageError("drift: --gold needs a student that was scored: distill it with gold, or leave --gold out")
    truth = read_gold(corpus, column, ids, LabelSpace(student.classes))
    known = truth >= 0
    now = Right(int(known.sum()), int((truth == said)[known].sum()))
    return Right(int(rows), round(share * rows)), now
