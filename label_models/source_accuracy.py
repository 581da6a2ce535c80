"""How often each source is right, with intervals: measured on gold, or the model's own opinion."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.label_models.base import BaseLabelModel, Floats1d, Floats2d
from weaksup.label_models.cast import cast_votes
from weaksup.label_models.default import LabelModel
from weaksup.label_models.one_coin import toss
from weaksup.label_models.reading import read_gold
from weaksup.label_models.what_if import name_votes
from weaksup.labels import ABSTAIN
from weaksup.metrics import wilson
from weaksup.patterns import find_patterns
from weaksup.votes import VoteMatrix

__all__ = ["SourceAccuracy", "accuracy_intervals"]

Basis = Literal["gold", "opinion"]


@dataclass(frozen=True, slots=True)
class SourceAccuracy:
    """The share of a source's votes that are right, with its 95 % interval; NaN and 0..1 without a vote.

    `basis` says what it is: "gold", measured on `votes` votes for rows of known label, or "opinion", what the model
    believes of all its `votes` votes.
    """

    source: str
    votes: int
    accuracy: float
    low: float
    high: float
    basis: Basis

    def to_json(self) -> dict[str, Any]:
        """Return the accuracy as plain JSON: null without a vote, which JSON has no NaN for."""
        return asdict(self) | {"accuracy": self.accuracy if self.votes else None}


def accuracy_intervals(
    model: BaseLabelModel, votes: VoteMatrix | ArrayLike, *, gold: ArrayLike | None = None
) -> list[SourceAccuracy]:
    """Return the accuracy of every source with an interval, and say where it comes from.

    A source that voted on rows with gold ([n], -1 where not known) is measured there, with Wilson's interval. Of all
    others the model's opinion is returned (`source_accuracies`). It was read off the agreement between sources, so the
    sample is the sources, not the rows: the level of all accuracies is known as if from s votes, s being the strength
    of the one-coin belief (`toss`; about 3 and one a source), however many rows there are. The interval is that of a
    share in n s / (n + s) votes (H. Jeffreys' prior, 1946), n being the source's own.
    """
    matrix = name_votes(model, votes)
    given, strength = (matrix.values != ABSTAIN).sum(axis=0), _strength(model, matrix)
    accuracy = np.nan_to_num(model.source_accuracies(matrix))
    low, high = _interval(accuracy, given * strength / (given + strength))
    numbers = zip(given.tolist(), accuracy.tolist(), low.tolist(), high.tolist(), strict=True)
    believed = [
        SourceAccuracy(name, n, a, min(low, a), max(high, a), "opinion")
        if n
        else SourceAccuracy(name, 0, float("nan"), 0.0, 1.0, "opinion")
        for name, (n, a, low, high) in zip(matrix.names, numbers, strict=True)
    ]
    if gold is None:
        return believed
    measured = _measure(matrix, read_gold(gold, len(matrix), model.k_))
    return [theirs or own for own, theirs in zip(believed, measured, strict=True)]


def _strength(model: BaseLabelModel, votes: VoteMatrix) -> float:
    if isinstance(model, LabelModel):
        return model.strength_
    return toss(cast_votes(find_patterns(votes, model.k_), model.k_)).strength


def _interval(accuracy: Floats1d, votes: Floats1d) -> Floats2d:
    from scipy.special import betaincinv

    right = np.clip(accuracy, 0.0, 1.0) * votes
    ends: Floats2d = betaincinv(right + 0.5, votes - right + 0.5, np.array([[0.025], [0.975]]))
    return ends


def _measure(votes: VoteMatrix, gold: NDArray[np.int64]) -> list[SourceAccuracy | None]:
    judged = (votes.values != ABSTAIN) & (gold >= 0)[:, None]
    right = judged & (votes.values == gold[:, None])
    given, hits = judged.sum(axis=0).tolist(), right.sum(axis=0).tolist()
    return [
        SourceAccuracy(name, n, h / n, *wilson(h, n), "gold") if n else None
        for name, n, h in zip(votes.names, given, hits, strict=True)
    ]
