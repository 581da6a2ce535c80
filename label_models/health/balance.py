"""What the class balance does to the labels: "if it were x, n labels change"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.label_models.base import BaseLabelModel
from weaksup.label_models.default import LabelModel
from weaksup.label_models.health.case import Case, Finding
from weaksup.label_models.what_if import Rows, name_votes, read_rows, unforced, with_balance
from weaksup.labels import ABSTAIN
from weaksup.votes import VoteMatrix

__all__ = ["BalanceShift", "balance_matters", "balance_sensitivity", "prior_mismatch"]

_ODDS = (1 / 3, 1 / 2, 2.0, 3.0)
_MOST_CLASSES = 5
_APART = 0.2  # of the share given and the share that the votes tell
_LEVERAGE = 3.0  # labels that change, for each that the shift in the balance moves by itself
_MANY = 0.1  # of the labels
_SOME = 0.05


@dataclass(frozen=True, slots=True)
class BalanceShift:
    """If `label` had this `share` and the other classes the rest, `changed` of `labels` labels would be others.

    `now` is the share that the model holds: its class balance, or for the default, which makes both equal where one is
    given, the mean probability over all rows.
    """

    label: str
    now: float
    share: float
    changed: int
    labels: int

    def to_json(self) -> dict[str, Any]:
        """Return the shift as plain JSON."""
        return asdict(self)


def balance_sensitivity(
    model: BaseLabelModel, votes: VoteMatrix | ArrayLike, *, odds: Sequence[float] = _ODDS
) -> list[BalanceShift]:
    """Say how many labels would change if `fit` were given another class balance; sources are not learned anew.

    Each class's share in turn is moved from the one that the model holds, by a factor of its odds; the others keep
    their proportions. With two classes only the rarer one is moved, as the other follows; with more than five only the
    five that most rows are labeled with. A label that becomes a tie is changed; ties that are decided are not counted.
    Models that use the class balance for uncovered rows only answer 0. Cost: a prediction a class and factor.
    """
    matrix = name_votes(model, votes)
    return _shift_each(model, read_rows(matrix), matrix.labels.names, odds)


def _shift_each(model: BaseLabelModel, rows: Rows, names: Sequence[str], odds: Sequence[float]) -> list[BalanceShift]:
    counts, before = rows.counts, rows.labels(model)
    decided = before != ABSTAIN
    if not decided.any():
        return []
    now = model.class_balance_
    if isinstance(model, LabelModel):
        now = counts @ rows.proba(model) / counts.sum()
    total = int(counts[decided].sum())
    found = []
    for c in _classes_to_move(now, np.bincount(before[decided], counts[decided], minlength=model.k_)):
        for factor in odds:
            shifted = _shift(now, c, factor)
            after = rows.labels(with_balance(model, shifted, rows.patterns))
            changed = int(counts[decided & (after != before)].sum())
            found.append(BalanceShift(names[c], float(now[c]), float(shifted[c]), changed, total))
    return found


def prior_mismatch(case: Case) -> Iterator[Finding]:
    """Find a class balance, given or assumed, that the votes contradict."""
    if case.one_label is not None:
        return
    model, balance = case.model, case.model.class_balance_
    told: NDArray[np.float64] = case.rows.counts @ case.rows.proba(unforced(model)) / len(case.votes)
    worst = int(np.abs(told - balance).argmax())
    if abs(told[worst] - balance[worst]) <= _APART or not (model.balance_given_ or _turns_labels(case, told)):
        return
    yield Finding(
        "prior mismatch",
        f"the class balance {'given' if model.balance_given_ else 'assumed'} has {balance[worst]:.0%} "
        f'"{case.names[worst]}", the votes speak for {told[worst]:.0%}',
        "check the shares and their names (--class-balance), and that these are the rows they are of"
        if model.balance_given_
        else "give --class-balance if you know it",
        {"label": case.names[worst], "balance": float(balance[worst]), "votes": float(told[worst])},
    )


def _turns_labels(case: Case, told: NDArray[np.float64]) -> bool:
    """Say whether the balance that the votes speak for would give more than 5 % of the rows another label."""
    told = np.maximum(told, 1e-6)
    rows = case.rows
    before, after = rows.labels(case.model), rows.labels(with_balance(case.model, told / told.sum(), rows.patterns))
    decided = before != ABSTAIN
    return bool(rows.counts[decided & (after != before)].sum() > _SOME * rows.counts[decided].sum())


def balance_matters(case: Case) -> Iterator[Finding]:
    """Find labels that hang on a class balance nobody gave: a moderate shift turns far more than its part of them."""
    if case.model.balance_given_ or case.one_label is not None:
        return
    shifts = _shift_each(case.model, case.rows, case.names, (2 / 3, 3 / 2))
    heavy = [s for s in shifts if s.changed > s.labels * max(_MANY, _LEVERAGE * abs(s.share - s.now))]
    if heavy:
        s = max(heavy, key=lambda s: s.changed)
        yield Finding(
            "class balance matters",
            f'if "{s.label}" were {s.share:.0%} of the rows and not {s.now:.0%}, {s.changed:,} labels '
            f"({s.changed / s.labels:.0%}) would change",
            "give --class-balance if you know it, or add sources that vote on the rows in doubt",
            {"shifts": [shift.to_json() for shift in shifts]},
        )


def _classes_to_move(now: NDArray[np.float64], labeled: NDArray[Any]) -> list[int]:
    if len(now) == 2:
        return [int(now.argmin())]
    most: list[int] = np.argsort(-labeled, kind="stable")[:_MOST_CLASSES].tolist()
    return sorted(most)


def _shift(shares: NDArray[np.float64], c: int, factor: float) -> NDArray[np.float64]:
    """Multiply the odds of one class; the others keep their proportions. No share becomes 0."""
    moved = np.maximum(shares, 1e-6)
    moved[c] *= factor
    moved /= moved.sum()
    return moved
