"""Honest numbers for a student: calibrated, scored on rows that it did not see, beside the labels it learned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.judging.calibrating import Calibrated, calibrate_by_gold, calibrate_by_votes
from weaksup.distill.judging.evaluation import evaluate
from weaksup.distill.judging.groups import measure_fidelity, score_groups
from weaksup.distill.judging.selective import Answered, find_threshold, selective_curve
from weaksup.distill.judging.worth import measure_worth
from weaksup.distill.student import Student
from weaksup.errors import UsageError
from weaksup.label_models import MajorityVote
from weaksup.labels import SoftLabels
from weaksup.metrics import accuracy, f1, reliability, wilson
from weaksup.slices import find_slices
from weaksup.votes import VoteMatrix

__all__ = ["PRECISIONS", "Scorecard", "majority_of", "make_scorecard", "votes_of", "worth_of"]

PRECISIONS = (0.9, 0.95, 0.99)
LEVEL = 0.95  # at which the bounds of the thresholds hold, together
SLICES = 20
ASKED = ("tier", "person", "student")  # kinds of sources that are asked, in place of written

Json = dict[str, Any]
Truth = NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Scorecard:
    """A calibrated student, and what its bundle says of it; `metrics` is empty and `thresholds` None without gold."""

    student: Student
    calibration: Json
    thresholds: Json | None
    metrics: Json


def make_scorecard(
    student: Student,
    texts: Sequence[str],
    truth: Truth | None,
    soft: SoftLabels,
    *,
    votes: VoteMatrix | None = None,
    majority: NDArray[np.float64] | None = None,
    learned: bool = False,
    positive: str | None = None,
    precisions: Sequence[float] = PRECISIONS,
    seed: int = 0,
) -> Scorecard:
    """Calibrate a student and score it on rows kept from training: texts, gold `truth` [n], labels and votes of them.

    Without gold it is calibrated by its own held-out rows. Scores of probabilities are cross-fitted: no row's own gold
    calibrated it. Thresholds are for the calibrated student. Labels that `learned` from this gold are not scored by it.
    `majority` [n, k] is what majority vote says (see `majority_of`); by default that of these rows alone.
    """
    if truth is None or not (truth >= 0).any():
        by_votes = calibrate_by_votes(student)
        return Scorecard(by_votes.student, by_votes.to_json(), None, {})
    found = calibrate_by_gold(student, texts, truth, seed=seed)
    curve = selective_curve(truth, found.student.predict_proba(texts), level=LEVEL)
    metrics = _score(found, truth, soft, positive, learned=learned)
    if votes is not None and len(votes):
        drawn = majority_of(votes) if majority is None else majority
        metrics |= _score_votes(found, truth, soft, votes, drawn, positive=positive)
    metrics["selective"] = [point.to_json() for point in curve]
    thresholds = _thresholds(curve, precisions, int((truth >= 0).sum()))
    return Scorecard(found.student, found.to_json(), thresholds, metrics)


def _score(found: Calibrated, truth: Truth, soft: SoftLabels, positive: str | None, *, learned: bool) -> Json:
    proba, names = found.proba, soft.labels.names
    assert proba is not None
    scored: Json = {"gold": evaluate(truth, proba, names, positive=positive).to_json()}
    scored["gold"]["ece_before_calibration"] = found.ece_before
    scored["reliability"] = [asdict(one) for one in reliability(truth, proba) if one.rows]
    scored["labels_learned_from_gold"] = learned
    covered = soft.covered & (truth >= 0)
    if covered.any():
        scored["student_on_covered"] = evaluate(truth[covered], proba[covered], names, positive=positive).to_json()
        if not learned:
            labels = evaluate(truth[covered], soft.proba[covered], names, positive=positive)
            scored["votes_on_covered"] = labels.to_json()
    fidelity = measure_fidelity(proba, soft)
    scored["fidelity"] = None if fidelity is None else fidelity.to_json()
    return scored


def _score_votes(
    found: Calibrated,
    truth: Truth,
    soft: SoftLabels,
    votes: VoteMatrix,
    majority: NDArray[np.float64],
    *,
    positive: str | None,
) -> Json:
    """Score majority vote, and the student by slice, by source and beside each model or person that was asked."""
    proba, names = found.proba, soft.labels.names
    assert proba is not None
    scored: Json = {}
    covered = soft.covered & (truth >= 0)
    if covered.any():
        drawn = evaluate(truth[covered], majority[covered], names, positive=positive)
        scored["majority_on_covered"] = drawn.to_json()
    slices = {part.name: part.rows for part in find_slices(votes, soft, max_slices=SLICES)}
    sources = {name: np.flatnonzero(votes.values[:, j] >= 0) for j, name in enumerate(votes.names)}
    by_source = [group.to_json() for group in score_groups(truth, proba, sources)]
    for group in by_source:
        said = votes.values[:, votes.names.index(group["name"])]
        group["source_correct"] = int(((said == truth) & (truth >= 0)).sum())
        group["source_interval"] = list(wilson(group["source_correct"], group["rows"]))
        group["source_accuracy"] = group["source_correct"] / group["rows"]
    asked = {source.name for source in votes.sources if source.kind in ASKED}
    scored["slices"] = [group.to_json() for group in score_groups(truth, proba, slices)]
    scored["sources"] = by_source
    scored["tiers"] = [group for group in by_source if group["name"] in asked]
    return scored


def majority_of(votes: VoteMatrix) -> NDArray[np.float64]:
    """Return majority vote's shares [n, k]; where classes tie, a draw says which counts for more.

    Drawn for all rows at once: `scores.compare` draws the same.
    """
    model = MajorityVote(len(votes.labels)).fit(votes)
    shares, drawn = model.predict_proba(votes), model.predict(votes, tie_break_policy="random")
    rows = np.flatnonzero(drawn >= 0)
    shares[rows] *= 1 - 1e-6
    shares[rows, drawn[rows]] += 1e-6
    return shares


def _thresholds(curve: tuple[Answered, ...], precisions: Sequence[float], rows: int) -> Json:
    """Say what threshold gives each wanted precision; None where the gold cannot promise it."""
    wanted = []
    for precision in precisions:
        point = find_threshold(curve, precision)
        wanted.append({"precision": precision, **(point.to_json() if point else {"threshold": None})})
    return {
        "bound": "Clopper-Pearson, one-sided, Bonferroni over 10 shares",
        "level": LEVEL,
        "rows": rows,
        "wanted": wanted,
    }


def votes_of(soft: SoftLabels, votes: VoteMatrix) -> VoteMatrix:
    """Take the votes of the rows of `soft`, in their order; raise UsageError where there are none."""
    if votes.labels.names != soft.labels.names:
        raise UsageError("expected votes with the label names of the labels, got others; fit these votes again")
    at = {row_id: i for i, row_id in enumerate(votes.ids)}
    missing = next((row_id for row_id in soft.ids if row_id not in at), None)
    if missing is not None:
        raise UsageError(f'expected the votes that the labels were made from, got some without row "{missing}"')
    return votes.take(np.array([at[row_id] for row_id in soft.ids], np.int64))


def worth_of(
    card: Scorecard,
    texts: Sequence[str],
    truth: Truth,
    scored: NDArray[np.bool_],
    *,
    positive: str | None = None,
    seed: int = 0,
    settings: Json | None = None,
) -> Json:
    """Say how many hand labels the votes are worth, by F1 of `positive` if it is given, else by accuracy.

    `texts` and `truth` [n] are all rows, `scored` [n] those that were kept from training; `settings` made the student.
    """
    names = card.student.classes
    measure: Callable[[NDArray[Any], NDArray[Any]], float] = accuracy
    if positive is not None:
        at = names.index(positive)
        measure = lambda gold, said: f1(gold, said, at)  # noqa: E731  (a closure over the class)
    proba = np.full((len(texts), len(names)), 1 / len(names))
    rows = np.flatnonzero(scored)
    proba[rows] = card.student.predict_proba([texts[i] for i in rows.tolist()])
    worth = measure_worth(
        texts, truth, proba, card.student.labels, scored=scored, measure=measure, seed=seed, settings=settings
    )
    return {**worth.to_json(), "metric": f"F1 ({positive})" if positive else "accuracy"}
