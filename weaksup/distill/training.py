"""Train a student of any kind: what all kinds learn from is made here, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike

from weaksup.distill.kinds import DEFAULT, find_kind, find_sets_kind
from weaksup.distill.student import Student
from weaksup.distill.targets import balance_classes, make_targets
from weaksup.errors import UsageError
from weaksup.label_sets import SoftLabelSets
from weaksup.labels import LabelSpace, SoftLabels

__all__ = ["train"]

BALANCE = 0.5  # the power that `balance_classes` takes


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
    seed: int = 0,
    **settings: Any,
) -> Student:
    """Train a student on soft labels; rows that nobody voted on, and have no gold, are left out.

    `soft` is a `SoftLabels`, or an array [n, k] of probabilities with `labels`, or a `SoftLabelSets` where a row may
    have any number of labels (then `gold` is [n, k], see `linear.sets.fit_sets`). A row weighs 1 - entropy / log k, times
    `weights` [n] if given: a row that the votes left open teaches little. `gold` [n], -1 where not known: such rows
    become one-hot and weigh `gold_weight` times as much. `balance` raises rare classes (see `balance_classes`).
    `settings` are those of the `kind` (see `kinds`). The order of the rows does not matter; a seed gives the same
    bytes. Raises UsageError for labels that teach nothing, unknown kinds and unknown settings.
    """
    if isinstance(soft, SoftLabelSets):
        fit = find_sets_kind(kind)
        shared = {"weights": weights, "gold": gold, "gold_weight": gold_weight, "balance": balance}
        _check_settings(kind, fit, settings, known=shared)
        of_sets: Student = fit(texts, soft, seed=seed, **shared, **settings)
        return of_sets
    fit = find_kind(kind)
    _check_settings(kind, fit, settings)
    targets = make_targets(texts, soft, labels=labels, weights=weights, gold=gold, gold_weight=gold_weight)
    targets = balance_classes(targets, balance)
    student: Student = fit(targets, seed=seed, **settings)
    return student


def _check_settings(
    kind: str, fit: Callable[..., Any], settings: Mapping[str, Any], *, known: Iterable[str] = ()
) -> None:
    own = sorted(set(getattr(fit, "__kwdefaults__", None) or {}) - {"seed", *known})
    for name in settings:
        if name not in own:
            expected = ", ".join(own) or "none"
            raise UsageError(f'student of kind "{kind}": expected settings among {expected}; got "{name}"')
