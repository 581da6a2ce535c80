"""Why a row got its label: what each source's vote, and the class balance, said for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.errors import UsageError
from weaksup.label_models.base import BaseLabelModel, Floats2d
from weaksup.label_models.majority import MajorityVote
from weaksup.label_models.what_if import name_votes
from weaksup.labels import ABSTAIN
from weaksup.votes import VoteMatrix

__all__ = ["Contribution", "Explanation", "explain"]

_LEAST = np.finfo(np.float64).tiny  # smaller probabilities count as it, so that no part is infinite


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one vote said: `nats` above 0 speak for the row's label, below 0 for the runner-up."""

    source: str
    vote: str
    confidence: float | None
    nats: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A row's label, taken apart.

    `label` is `None` on a tie and where no source voted; then `first` and `runner_up` are still the two likeliest
    classes. `log_odds` is log(P(first) / P(runner_up)) in nats, the sum of `balance` (what it is without any vote), all
    `contributions`, the strongest first, and `together`: what is left because votes do not simply add up, 0 where they
    do.
    """

    id: str
    label: str | None
    majority: str | None
    first: str
    probability: float
    runner_up: str
    log_odds: float
    balance: float
    contributions: tuple[Contribution, ...]
    together: float

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as plain JSON."""
        return asdict(self)


def explain(model: BaseLabelModel, votes: VoteMatrix | ArrayLike, row: int | str) -> Explanation:
    """Say what each vote on a row, by position or id, adds to the log-odds of its label against the runner-up.

    A vote's part is the mean of what it adds to the votes of all others and what it adds alone: its Shapley value
    (L. Shapley, 1953) where votes interact at most in pairs, and its log-likelihood ratio where they are independent
    (Dawid-Skene, one coin). So two copies of a source that count once share what they say. The fitted model is
    kept; it predicts, in one call, 2 v + 2 rows, v being the votes on the row. Cost: O(v m k).
    """
    matrix = name_votes(model, votes)
    place = _place(matrix, row)
    spoke = np.flatnonzero(matrix.values[place] != ABSTAIN)
    v = len(spoke)
    proba = model.predict_proba(_cases(matrix, place, spoke))
    first, second = _two_likeliest(proba[0])
    odds = _log_odds(proba, first, second)
    parts = (odds[0] - odds[1 : v + 1] + odds[v + 1 : -1] - odds[-1]) / 2
    names = matrix.labels.names
    said = [_contribution(matrix, place, j, nats) for j, nats in zip(spoke.tolist(), parts.tolist(), strict=True)]
    one = matrix.take(np.array([place]))
    label, majority = (int(m.predict(one)[0]) for m in (model, MajorityVote(model.k_).fit(one)))
    return Explanation(
        id=matrix.ids[place],
        label=names[label] if label >= 0 else None,
        majority=names[majority] if majority >= 0 else None,
        first=names[first],
        probability=float(proba[0, first]),
        runner_up=names[second],
        log_odds=float(odds[0]),
        balance=float(odds[-1]),
        contributions=tuple(sorted(said, key=lambda c: -abs(c.nats))),
        together=float(odds[0] - odds[-1] - parts.sum()),
    )


def _cases(votes: VoteMatrix, place: int, spoke: NDArray[np.int64]) -> VoteMatrix:
    """Return one row with all votes, then without each, then with each alone, then with none, [2 v + 2]."""
    v = len(spoke)
    kept = np.zeros((2 * v + 2, len(votes.sources)), np.bool_)
    kept[: v + 1] = True
    kept[np.arange(v) + 1, spoke] = False
    kept[np.arange(v) + v + 1, spoke] = True
    cases = votes.take(np.full(len(kept), place))
    return replace(cases, values=np.where(kept, cases.values, np.int16(ABSTAIN)))


def _place(votes: VoteMatrix, row: int | str) -> int:
    if isinstance(row, str):
        if row not in votes.ids:
            raise UsageError(f'explain: expected the id of a row of the votes, got "{row}"')
        return votes.ids.index(row)
    if not 0 <= row < len(votes):
        raise UsageError(f"explain: expected a row from 0 to {len(votes) - 1}, or an id; got {row}")
    return row


def _two_likeliest(proba: NDArray[np.float64]) -> tuple[int, int]:
    first, second = np.argsort(-proba, kind="stable")[:2].tolist()
    return first, second


def _log_odds(proba: Floats2d, first: int, second: int) -> NDArray[np.float64]:
    odds: NDArray[np.float64] = np.log(np.maximum(proba[:, first], _LEAST) / np.maximum(proba[:, second], _LEAST))
    return odds


def _contribution(votes: VoteMatrix, row: int, source: int, nats: float) -> Contribution:
    said = None if votes.confidence is None else float(votes.confidence[row, source])
    vote = votes.labels.names[int(votes.values[row, source])]
    return Contribution(votes.names[source], vote, None if said is None or np.isnan(said) else said, nats)
