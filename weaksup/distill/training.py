"""Train a student of any kind: what all kinds learn from is made here, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from weaksup.distill.kinds import DEFAULT, find_kind, find_sets_kind
from weaksup.distill.self_training import label_rest
from weaksup.distill.student import Student
from weaksup.distill.targets import balance_classes, make_targets
from weaksup.errors import UsageError
from weaksup.label_sets import SoftLabelSets
from weaksup.labels import LabelSpace, SoftLabels

__all__ = ["MOST_SEED", "check_student", "train"]

BALANCE = 0.5  # the power that `balance_classes` takes
MOST_SEED = 2**63 - 1
FIRST = {"rows", "held_out_texts", "held_out_temperature"}  # what self-training takes from the first student


def train(
    texts: Sequence[str],
    soft: SoftLabels | SoftLabelSets | ArrayLike,
    *,
    kind: str = DEFAULT,
    labels: LabelSpace | None = None,
    weights: ArrayLike | None = None,
    gold: ArrayLike | None = None,
    gold_weight: float = 4.0,
    balance: float = BALANCE,
    self_training: float = 0.0,
    seed: int = 0,
    **settings: Any,
) -> Student:
    """Train a student on soft labels; rows that nobody voted on, and have no gold, are left out.

    `soft` is a `SoftLabels`, or an array [n, k] of probabilities with `labels`, or a `SoftLabelSets` where a row may
    have any number of labels (then `gold` is [n, k], see `linear.sets.fit_sets`). A row weighs 1 - entropy / log k,
    times `weights` [n] if given (about 1: a hundred rows of .01 teach as little as one): a row that the votes left
    open teaches little. `gold` [n], -1 where not known: such
    rows become one-hot and weigh `gold_weight` times as much. `balance` raises rare classes (see `balance_classes`).
    `self_training` above 0 trains a second time, with the rows that nobody labeled where the first student is sure; it
    is what they weigh (see `label_rest`; `SoftLabels` alone). It helps where votes cover little, for twice the time.
    `settings` are those of the `kind` (see `kinds`). The order of the rows does not matter, a seed gives the same
    bytes. Raises UsageError for labels that teach nothing, unknown kinds and unknown settings.
    """
    texts = _read(texts)
    _check_seed(seed)
    if self_training and not isinstance(soft, SoftLabels):
        raise UsageError("student: expected SoftLabels for self-training, which say which rows nobody labeled")
    if isinstance(soft, SoftLabelSets):
        fit = find_sets_kind(kind)
        shared = {"weights": weights, "gold": gold, "gold_weight": gold_weight, "balance": balance}
        _check_settings(kind, fit, settings, known=shared)
        of_sets: Student = fit(texts, soft, seed=seed, **shared, **settings)
        return of_sets
    fit = find_kind(kind)
    _check_settings(kind, fit, settings)

    def once(some: SoftLabels | ArrayLike, weighed: ArrayLike | None) -> Student:
        targets = make_targets(texts, some, labels=labels, weights=weighed, gold=gold, gold_weight=gold_weight)
        found: Student = fit(balance_classes(targets, balance), seed=seed, **settings)
        return found

    student = once(soft, weights)
    if not self_training or not isinstance(soft, SoftLabels):
        return student
    rest = label_rest(student, texts, soft, weight=self_training, weights=weights, gold=gold)
    if (rest[0].covered == soft.covered).all():
        return student
    again = once(*rest)
    # What the first student was sure of would praise the second: the votes alone say how far it can be believed.
    first = {name: value for name, value in student.training.items() if name in FIRST}
    again.training["self_trained_rows"] = again.training["rows"] - first.pop("rows")
    again.training.update(first)
    return again


def check_student(kind: str, settings: Iterable[str]) -> None:
    """Raise UsageError where the kind is not known, or has no such settings: before anything is spent."""
    _check_settings(kind, find_kind(kind), settings)


def _read(texts: Sequence[str]) -> list[str]:
    """Return the texts as a list: a column of a table is read by place, not by its index."""
    if isinstance(texts, (str, bytes)):
        raise UsageError(f"student: expected a list of texts, got {type(texts).__name__}; write [text]")
    read = list(texts)
    for i, text in enumerate(read):
        if not isinstance(text, str):
            raise UsageError(f"student: expected texts, got {type(text).__name__} at position {i}")
    return read


def _check_seed(seed: Any) -> None:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed <= MOST_SEED:
        raise UsageError(f"student: expected a seed from 0 to {MOST_SEED}, got {seed!r}")


def _check_settings(kind: str, fit: Callable[..., Any], settings: Iterable[str], *, known: Iterable[str] = ()) -> None:
    own = sorted(set(getattr(fit, "__kwdefaults__", None) or {}) - {"seed", *known})
    for name in settings:
        if name not in own:
            expected = ", ".join(own) or "none"
            raise UsageError(f'student of kind "{kind}": expected settings among {expected}; got "{name}"')
