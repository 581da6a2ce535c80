"""What the class balance does to the labels: "if it were x, n labels change"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.label_models.base import BaseLabelModel
from weaksup.label_models.default import LabelModel
from weaksup.label_models.health.case import Case, Finding
from weaksup.label_models.what_if import Balances, Rows, name_votes, read_rows
from weaksup.labels import ABSTAIN
from weaksup.votes import VoteMatrix

__all__ = ["BalanceShift", "balance_matters", "balance_sensitivity", "prior_mismatch"]

_ODDS = (1 / 3, 1 / 2, 2.0, 3.0)
_MOST_CLASSES = 5
_APART = 0.2  # of the share given and the share that the votes tell
_LEVERAGE = 3.0  # labels that change, for each that the shift in the balance moves by itself
_MANY = 0.1  # of the labels
_SOME = 0.05
_DRAWN = 0.1  # by which probabilities leave the share given, on rows with a vote


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
    Models that use the class balance for uncovered rows only answer 0. Cost: a prediction a class and factor; for the
    default 15 to 30 times the step from weighed votes to probabilities instead, which is much less than a prediction
    where sources are many.
    """
    matrix = name_votes(model, votes)
    return _shift_each(model, read_rows(model, matrix), matrix.labels.names, odds)


def _shift_each(model: BaseLabelModel, rows: Rows, names: Sequence[str], odds: Sequence[float]) -> list[BalanceShift]:
    counts, proba = rows.counts, rows.proba(model)
    before = rows.choose(proba)
    decided = before != ABSTAIN
    if not decided.any():
        return []
    balances, now = Balances.of(model, rows), model.class_balance_
    if isinstance(model, LabelModel):
        now = counts @ proba / counts.sum()
    total = int(counts[decided].sum())
    found = []
    for c in _classes_to_move(now, np.bincount(before[decided], counts[decided], minlength=model.k_)):
        for factor in odds:
            shifted = _shift(now, c, factor)
            after = rows.choose(balances.given(shifted, now))
            changed = int(counts[decided & (after != before)].sum())
            found.append(BalanceShift(names[c], float(now[c]), float(shifted[c]), changed, total))
    return found


def prior_mismatch(case: Case) -> Iterator[Finding]:
    """Find a class balance, given or assumed, that the votes contradict, whatever rows without a vote are.

    What the votes speak for is the mean probability of the rows with a vote, all classes being alike before. Weak votes
    leave it near uniform, so they contradict a balance only if they also draw the probabilities away from it.
    """
    if case.one_label is not None:
        return
    model, balance = case.model, case.model.class_balance_
    balances, covered = Balances.of(model, case.sample), case.sample.covered
    weight = case.sample.counts[covered] / case.sample.counts[covered].sum()
    told = weight @ balances.as_prior(np.full(model.k_, 1 / model.k_))[covered]
    drawn = weight @ balances.as_prior(balance)[covered] - balance
    at_least = told * case.covered.mean()
    contradicted = np.maximum(at_least - balance, balance - at_least - (~case.covered).mean())
    contradicted[(np.abs(drawn) <= _DRAWN) | (np.sign(drawn) != np.sign(told - balance))] = 0.0
    worst = int(contradicted.round(9).argmax())  # of two classes always the first
    if contradicted[worst] <= _APART or not (model.balance_given_ or _turns_labels(balances, told)):
        return
    yield Finding(
        "prior mismatch",
        f"the class balance {'given' if model.balance_given_ else 'assumed'} has {balance[worst]:.0%} "
        f'"{case.names[worst]}", the votes speak for {told[worst]:.0%} of the rows that have any',
        "check the shares and their names (--class-balance), and that these are the rows they are of"
        if model.balance_given_
        else "give --class-balance if you know it",
        {"label": case.names[worst], "balance": float(balance[worst]), "votes": float(told[worst])},
    )


def _turns_labels(balances: Balances, told: NDArray[np.float64]) -> bool:
    """Say whether the balance that the votes speak for would give more than 5 % of the rows another label."""
    rows, model = balances.rows, balances.model
    told, proba = np.maximum(told, 1e-6), rows.proba(model)
    before, now = rows.choose(proba), rows.counts @ proba / rows.counts.sum()
    after, decided = rows.choose(balances.given(told / told.sum(), now)), before != ABSTAIN
    return bool(rows.counts[decided & (after != before)].sum() > _SOME * rows.counts[decided].sum())


def balance_matters(case: Case) -> Iterator[Finding]:
    """Find labels that hang on a class balance nobody gave: a moderate shift turns far more than its part of them."""
    if case.model.balance_given_ or case.one_label is not None:
        return
    shifts = _shift_each(case.model, case.sample, case.names, (2 / 3, 3 / 2))
    sampled, rows = len(case.votes), int(case.sample.counts.sum())
    about = "about " if rows < sampled else ""
    shifts = [replace(s, changed=s.changed * sampled // rows, labels=s.labels * sampled // rows) for s in shifts]
    heavy = [s for s in shifts if s.changed > s.labels * max(_MANY, _LEVERAGE * abs(s.share - s.now))]
    if heavy:
        s = max(heavy, key=lambda s: s.changed)
        yield Finding(
            "class balance matters",
            f'if "{s.label}" were {s.share:.0%} of the rows and not {s.now:.0%}, {about}{s.changed:,} labels '
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
