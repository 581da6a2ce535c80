"""Minimax aggregation: the answer that is best in the worst case that the sources' accuracy bounds allow."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.label_models.accuracy_game import Game, Loss, Solution, answer, solve, solve_by_weights
from weaksup.label_models.base import BaseLabelModel, Floats1d, Floats2d
from weaksup.label_models.default import LabelModel
from weaksup.patterns import Patterns
from weaksup.votes import Votes

__all__ = ["Minimax"]

_WIDTH = 0.05  # on either side of an accuracy that is estimated without gold
_MOST_OPTIONS = 60_000  # rows times labels that Clarabel gets
_GAVE_WAY = 1e-6


class Minimax(BaseLabelModel):
    """Play against every labeling that keeps each source's accuracy within bounds (Balsubramani and Freund, 2015).

        min over answers g, max over labelings q of E loss(g, q)
        where   lower_j <= P(q = vote of j | j votes) <= upper_j   for every source j

    The best answer weighs votes: with s_c the summed weights of the votes for class c, it is balance_c exp(s_c),
    normed, under the log loss (An and Dasgupta, 2024) and the point of the simplex nearest to s under "error" (for two
    classes the clipped vote of 2015). Weights are the multipliers of the bounds (`accuracy_game`), found by Clarabel,
    so new votes need no solver.

    Bounds: the default model's estimate of the source's accuracy, .05 to either side. Gold rows are clamped: the
    adversary may not relabel them, so the votes on them are right or wrong for good, and of the source's other votes
    Wilson's 95 % interval of those judged must hold; the bounds are narrowed to their overlap with that, or are that,
    where there is none. Gold on every row leaves one accuracy. (The answer weighs votes and knows no row, so it is
    through the accuracies that gold rows matter.) Bounds that cannot all hold give way at a cost of 10 per row, which
    also means that no vote weighs more than 10 nats; `note_` says so. The balance is the given one, else the default
    model's. Confidences are not heeded.

    Cost: O(votes), and the solver's: seconds at 10,000 pairs of distinct row and label given there. Beyond 60,000 pairs
    of distinct row and label given there, log loss is solved for the weights directly (L-BFGS-B, exact at any size,
    O(votes) a step), and error on the most frequent rows that fit. `note_` says so, too. No randomness: the seed
    changes nothing. Under "error" several answers may be best in the worst case; one is given.

    weights_         [m] of each source's votes; 0 where a bound says nothing that the others do not
    lower_, upper_   [m] the bounds; 0 and 1 for a source that never voted
    excess_          [m] by how much of the source's votes its bound had to give way
    value_           the loss in the worst case, per covered row: of the log loss in nats beside that of answering the
                     balance (at most 0), or the share of wrong labels; it holds if the bounds do
    note_            what a reader must know about the solution, or ""
    """

    name = "minimax"
    options: ClassVar[tuple[str, ...]] = ("cardinality", "seed", "loss")

    weights_: Floats1d
    lower_: Floats1d
    upper_: Floats1d
    excess_: Floats1d
    value_: float
    note_: str

    def __init__(self, cardinality: int | None = None, *, seed: int = 0, loss: Loss = "log") -> None:
        super().__init__(cardinality, seed=seed)
        if loss not in ("log", "error"):
            raise UsageError(f'label model "minimax": expected loss "log" or "error", got "{loss}"')
        self.loss: Loss = loss

    def _learn(self, patterns: Patterns, *, balance: Floats1d | None, gold: Floats2d | None) -> None:
        self.weights_, self.excess_ = np.zeros(self.m_), np.zeros(self.m_)
        self.lower_, self.upper_ = np.zeros(self.m_), np.ones(self.m_)
        self.value_, self.note_ = 0.0, ""
        if not patterns.covered.any():
            return
        gold = gold if gold is not None and gold.any() else None
        estimates = self._estimate(patterns, balance, gold)
        spoke = np.flatnonzero(np.isfinite(estimates))
        said = patterns.counts @ (patterns.values >= 0)
        lower, upper = np.maximum(estimates - _WIDTH, 0.0), np.minimum(estimates + _WIDTH, 1.0)
        if gold is not None:
            lower, upper = _narrow(lower, upper, *_measure(patterns, gold), said)
        self.lower_[spoke], self.upper_[spoke] = lower[spoke], upper[spoke]
        values, counts = patterns.values[patterns.covered][:, spoke], patterns.counts[patterns.covered]
        found, notes = _best(values, counts, self.class_balance_, (lower[spoke], upper[spoke]), self.loss)
        self.weights_[spoke], self.excess_[spoke], self.value_ = found.weights, found.excess, found.value
        self.note_ = "; ".join([*notes, *self._tell_excess(len(spoke))])

    def _infer(self, patterns: Patterns) -> Floats2d:
        row, source = np.nonzero(patterns.values >= 0)
        cell = row * self.k_ + patterns.values[row, source]
        scores = np.bincount(cell, self.weights_[source], minlength=len(patterns) * self.k_)
        return answer(scores.astype(np.float64).reshape(-1, self.k_), self.class_balance_, self.loss)

    def _estimate(self, patterns: Patterns, balance: Floats1d | None, gold: Floats2d | None) -> Floats1d:
        """Return the default model's opinion of each source, [m], NaN without a vote; take over its class balance."""
        votes = np.repeat(patterns.values, patterns.counts, axis=0)
        known = None if gold is None else _by_row(gold, patterns.counts)
        model = LabelModel(self.k_).fit(votes, class_balance=None if balance is None else balance.tolist(), gold=known)
        self.class_balance_ = model.class_balance_
        return model.source_accuracies(votes)

    def _tell_excess(self, spoke: int) -> list[str]:
        gave_way = int((self.excess_ > _GAVE_WAY).sum())
        if not gave_way:
            return []
        worst = int(self.excess_.argmax())
        who = f'"{self.names_[worst]}"' if self.names_ else f"source {worst}"
        return [
            f"the accuracy bounds cannot all hold: those of {gave_way} of {spoke} sources gave way, most that of {who} "
            f"by {self.excess_[worst]:.3f}; look for sources that contradict each other, or give gold"
        ]


def _best(
    values: Votes, counts: NDArray[np.int64], balance: Floats1d, bounds: tuple[Floats1d, Floats1d], loss: Loss
) -> tuple[Solution, list[str]]:
    """Return the solution, and what a reader must know of how it was found."""
    notes: list[str] = []
    game = Game.build(values, counts, balance, *bounds)
    if game.size > _MOST_OPTIONS and loss == "log":
        return solve_by_weights(game), [f"solved by L-BFGS-B: {game.size:,} options are beyond {_MOST_OPTIONS:,}"]
    if game.size > _MOST_OPTIONS:
        often = np.argsort(-counts, kind="stable")
        kept = often[np.bincount(game.row)[often].cumsum() <= _MOST_OPTIONS]
        notes = [f"solved on the {counts[kept].sum():,} of {counts.sum():,} rows with the most frequent votes"]
        game = Game.build(values[kept], counts[kept], balance, *bounds)
    found = solve(game, loss)
    if loss == "log" and found is None:
        return solve_by_weights(game), ["solved by L-BFGS-B: Clarabel gave up"]
    if found is not None:
        return solve_by_weights(game, found.weights) if loss == "log" else found, notes
    equal = Solution(np.ones(values.shape[1]), 1.0, np.zeros(values.shape[1]))
    return equal, [*notes, "Clarabel gave up: this is majority vote, and nothing is promised"]


def _measure(patterns: Patterns, gold: Floats2d) -> tuple[Floats1d, Floats1d]:
    """Return how many of each source's votes are right and how many lie on gold rows, [m]."""
    row, source = np.nonzero(patterns.values >= 0)
    m = patterns.values.shape[1]
    right = np.bincount(source, gold[row, patterns.values[row, source]], minlength=m)
    judged = np.bincount(source, gold.sum(axis=1)[row], minlength=m)
    return right.astype(np.float64), judged.astype(np.float64)


def _narrow(
    lower: Floats1d, upper: Floats1d, right: Floats1d, judged: Floats1d, said: NDArray[np.int64]
) -> tuple[Floats1d, Floats1d]:
    """Return the bounds' overlap with what gold leaves possible, or that where they are apart, [m] each.

    Of `said` votes `judged` are known and `right`; of the others Wilson's interval of these holds.
    """
    from scipy.stats import binomtest

    lower, upper = lower.copy(), upper.copy()
    for j in np.flatnonzero(judged):
        wilson = binomtest(round(right[j]), round(judged[j])).proportion_ci(0.95, method="wilson")
        low, high = ((right[j] + (said[j] - judged[j]) * share) / said[j] for share in (wilson.low, wilson.high))
        apart = low > upper[j] or high < lower[j]
        lower[j] = low if apart else max(lower[j], low)
        upper[j] = high if apart else min(upper[j], high)
    return lower, upper


def _by_row(gold: Floats2d, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return known labels, -1 where not known, by row; `counts` [p] rows have one pattern, known ones come first."""
    known = np.full(int(counts.sum()), -1)
    pattern, label = np.nonzero(gold)
    times = gold[pattern, label].astype(np.int64)
    labels = np.repeat(label, times)
    of = np.repeat(pattern, times)
    known[(np.cumsum(counts) - counts)[of] + np.arange(len(of)) - np.searchsorted(of, of)] = labels
    return known
