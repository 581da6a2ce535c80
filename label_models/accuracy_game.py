"""The game behind minimax aggregation: a labeler against every labeling that the sources' accuracy bounds allow.

A. Balsubramani and Y. Freund, "Optimally combining classifiers using unlabeled data" (2015) and "Scalable
semi-supervised aggregation of classifiers" (2015); several classes and the log loss as in S. An and S. Dasgupta,
"Convergence behavior of an adversarial weak supervision method" (2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.softmax import softmax
from weaksup.votes import Votes

__all__ = ["Game", "Loss", "Solution", "answer", "solve", "solve_by_weights"]

Loss = Literal["log", "error"]
_Floats = NDArray[np.float64]

MOST_WEIGHT = 10.0
"""What one vote may count for, in nats; also what a bound costs that is not kept, per row."""


@dataclass(frozen=True, slots=True, eq=False)
class Game:
    """Distinct rows, their votes and the bounds; labels nobody gives on a row are one option there.

    `share` [p] of all rows; option o is on row `row[o]`, stands for `classes[o]` labels and has `prior[o]` of the class
    balance; `votes` is a scipy CSR matrix [o, m]: who votes for the option. Source j votes on
    the share `voting[j]` of all rows and is right on at least `least[j]` and at most `most[j]` of them.
    """

    share: _Floats
    row: NDArray[np.int64]
    classes: _Floats
    prior: _Floats
    votes: Any
    voting: _Floats
    least: _Floats
    most: _Floats

    @property
    def size(self) -> int:
        """How many options there are."""
        return len(self.row)

    @classmethod
    def build(cls, values: Votes, counts: NDArray[np.int64], balance: _Floats, lower: _Floats, upper: _Floats) -> Game:
        """List the options of distinct rows `values` [p, m], each of which stands for `counts` [p] rows.

        `lower` and `upper` [m] bound each source's accuracy on the rows where it votes.
        """
        from scipy.sparse import csr_matrix

        k, (p, m) = len(balance), values.shape
        voted, source = np.nonzero(values >= 0)
        label = values[voted, source].astype(np.int64)
        codes, option = np.unique(voted * k + label, return_inverse=True)
        said_row, said_label = codes // k, codes % k
        left = k - np.bincount(said_row, minlength=p)
        rest = np.flatnonzero(left)
        prior_left = 1.0 - np.bincount(said_row, balance[said_label], minlength=p)
        row = np.concatenate([said_row, rest])
        share = counts / counts.sum()
        voting = np.bincount(source, share[voted], minlength=m).astype(np.float64)
        return cls(
            share=share,
            row=row,
            classes=np.concatenate([np.ones(len(codes)), left[rest]]),
            prior=np.concatenate([balance[said_label], prior_left[rest]]),
            votes=csr_matrix((np.ones(len(option)), (option, source)), shape=(len(row), m)),
            voting=voting,
            least=lower * voting,
            most=upper * voting,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Weights [m] of the best labeler, its loss in the worst case, and by how much [m] each bound had to give way.

    The excess is a share of the source's votes.
    """

    weights: _Floats
    value: float
    excess: _Floats


def answer(scores: _Floats, balance: _Floats, loss: Loss) -> _Floats:
    """Return the best labeler's probabilities [n, k] from the summed weights [n, k] of the votes for each class.

    Log loss: balance times exp(score), normed. Error: the nearest point of the simplex, the scores clipped from below
    (for two classes this is Balsubramani and Freund's clipped vote).
    """
    if loss == "log":
        return softmax(scores + np.log(balance))
    k = scores.shape[1]
    falling = -np.sort(-scores, axis=1)
    level = (falling.cumsum(axis=1) - 1.0) / np.arange(1, k + 1)
    kept = (falling > level).sum(axis=1) - 1
    clipped: _Floats = np.maximum(scores - level[np.arange(len(scores)), kept][:, None], 0.0)
    clipped /= clipped.sum(axis=1, keepdims=True)
    return clipped


def solve(game: Game, loss: Loss) -> Solution | None:
    """Solve the adversary's side by Clarabel; its multipliers are the labeler's weights. None if the solver gives up.

    max over labelings q of sum_i share_i L(q_i) - MOST_WEIGHT * (excess over the bounds), where L is the least loss
    that any answer to q_i has: -KL(q_i, balance) or 1 - max_c q_ic.
    """
    import warnings

    import cvxpy as cp

    truth = cp.Variable(len(game.row))
    below, above = (cp.Variable(len(game.least), nonneg=True) for _ in range(2))
    weight = game.share[game.row]
    right = _scaled(game.votes, weight).T.tocsr() @ truth
    at_least, at_most = right + below >= game.least, right - above <= game.most
    rules = [at_least, at_most, _rows_of(game) @ truth == 1]
    if loss == "log":
        gain = -cp.sum(cp.multiply(weight, cp.rel_entr(truth, game.prior)))
    else:
        top = cp.Variable(len(game.share))
        gain = 1 - game.share @ top
        rules += [truth >= 0, top[game.row] >= cp.multiply(1 / game.classes, truth)]
    problem = cp.Problem(cp.Maximize(gain - MOST_WEIGHT * cp.sum(below + above)), rules)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an inaccurate solution is refused below
            problem.solve(solver=cp.CLARABEL)
    except cp.SolverError:
        return None
    if problem.status != cp.OPTIMAL:
        return None
    return Solution(
        weights=np.asarray(at_least.dual_value - at_most.dual_value, np.float64),
        value=float(problem.value),
        excess=_clean(np.maximum(below.value, above.value), game),
    )


def solve_by_weights(game: Game, start: _Floats | None = None) -> Solution:
    """Solve the labeler's side under log loss, for any number of rows: O(votes) a step, L-BFGS-B from `start` [m].

    It also adds the digits that Clarabel leaves open, without which renaming classes would show in the sixth one.

    min over weights w of sum_i share_i log sum_c balance_c exp(w . votes for c) - least . w+ + most . w-, |w| <=
    MOST_WEIGHT: the dual of `solve`, of which it needs no row's labeling.
    """
    from scipy.optimize import minimize

    m = len(game.least)

    def loss(split: _Floats) -> tuple[float, _Floats]:
        up, down = split[:m], split[m:]
        partition, right = _expect(game, up - down)
        slope = np.concatenate([right - game.least, game.most - right])
        return float(partition - up @ game.least + down @ game.most), slope

    options = {"maxiter": 5000, "maxfun": 10000, "ftol": 1e-15, "gtol": 1e-9}
    limits = [(0.0, MOST_WEIGHT)] * (2 * m)
    first = np.zeros(m) if start is None else start
    begin = np.clip(np.concatenate([first, -first]), 0.0, MOST_WEIGHT)
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=limits, options=options)
    weights = found.x[:m] - found.x[m:]
    _, right = _expect(game, weights)
    excess = np.maximum(game.least - right, right - game.most)
    return Solution(weights, float(found.fun), _clean(excess, game))


def _expect(game: Game, weights: _Floats) -> tuple[float, _Floats]:
    """Return the mean log of the rows' sums, and on what share of the rows each source is right, [m]."""
    score = game.votes @ weights
    top = np.full(len(game.share), -np.inf)
    np.maximum.at(top, game.row, score)
    parts = game.prior * np.exp(score - top[game.row])
    total = np.bincount(game.row, parts)
    truth = parts / total[game.row] * game.share[game.row]
    right: _Floats = game.votes.T @ truth
    return float(game.share @ (np.log(total) + top)), right


def _clean(excess: _Floats, game: Game) -> _Floats:
    share: _Floats = np.maximum(excess, 0.0) / np.maximum(game.voting, np.finfo(np.float64).tiny)
    return share


def _scaled(votes: Any, weight: _Floats) -> Any:
    from scipy.sparse import diags

    return diags(weight) @ votes


def _rows_of(game: Game) -> Any:
    from scipy.sparse import csr_matrix

    n = len(game.row)
    return csr_matrix((np.ones(n), (game.row, np.arange(n))), shape=(len(game.share), n))
