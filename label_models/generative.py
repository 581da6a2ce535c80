"""Data programming: a generative model of votes with propensities, accuracies and dependent pairs of sources."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.label_models.base import Floats1d, Floats2d
from weaksup.label_models.cast import CastVotes, cast_votes
from weaksup.label_models.class_balance import estimate_balance
from weaksup.label_models.dependencies import find_dependencies
from weaksup.label_models.groups import group_sources, speak_as_one
from weaksup.label_models.heeding import HeedingModel
from weaksup.label_models.one_coin import toss
from weaksup.label_models.softmax import softmax
from weaksup.label_models.tree_likelihood import TreeVotes, edge_evidence, log_likelihood, meet
from weaksup.patterns import Patterns

__all__ = ["Evidence", "Generative"]

Evidence = Literal["sources", "rows"]
_MOST_WEIGHT = 12.0  # nats
_MOST_LOGIT = 7.0  # of sharing: .001 to .999
_STEPS = 500


class Generative(HeedingModel):
    """Fit P(votes) = sum_y balance_y prod_j P(v_j | y) by marginal likelihood (A. Ratner et al., 2016, equation 2).

    Source j votes with its propensity whatever the class, so an abstain says nothing; where it votes it is right with
    its accuracy a_j = e^w_j / (e^w_j + k - 1), else it errs evenly. Pairs that agree beyond chance and truth
    (`dependencies`, in place of the structure learning of S. Bach et al., 2017) share votes: with s near 1 two copies
    count as one. The pairs are a forest, which keeps the likelihood exact, all classes summed, without sampling
    (`tree_likelihood`). Torch gives the gradient in float64, L-BFGS-B the maximum.

        max over w, s of  T mean_rows log P(votes) + sum_gold rows log P(votes, y) - sum_j (w_j - w_0)^2 / 2

    w_0 is the weight of a vote of unknown origin (`one_coin`, dependent sources voting once). T is how many independent
    rows the votes count for. Errors are shared between rows, so by default T is the number of sources that voted,
    dependent ones counted once ("sources"). With T the number of rows ("rows": plain maximum likelihood) votes that are
    independent, as simulated ones are, give up their exact accuracies, but labeling functions collapse (youtube .548
    instead of .883, ten sets .632 instead of .693). The class balance is the given one, else estimated as far as the
    sources tell the same. Gold rows have their label in the likelihood; confidences are heeded (`HeedingModel`); the
    seed changes nothing. Cost: O(votes) a step, O(rows) an edge, and the answer, rows x classes.

    accuracies_, propensities_   [m] where it votes, on how many rows it votes; w_0's accuracy for a silent source
    weights_                     [m] nats of a vote for its class
    edges_, shared_              [e, 2] dependent pairs of sources, [e] how far they share votes
    evidence_                    [e, 5] what a pair's votes add: both right, equal but wrong, first, second, none right
    iterations_, converged_      of L-BFGS-B
    """

    name = "generative"
    options: ClassVar[tuple[str, ...]] = ("cardinality", "seed", "evidence")

    accuracies_: Floats1d
    propensities_: Floats1d
    weights_: Floats1d
    edges_: NDArray[np.int64]
    shared_: Floats1d
    evidence_: Floats2d
    iterations_: int
    converged_: bool

    def __init__(self, cardinality: int | None = None, *, seed: int = 0, evidence: Evidence = "sources") -> None:
        super().__init__(cardinality, seed=seed)
        if evidence not in ("sources", "rows"):
            raise UsageError(f'label model "generative": expected evidence "sources" or "rows", got "{evidence}"')
        self.evidence: Evidence = evidence

    def _learn(self, patterns: Patterns, *, balance: Floats1d | None, gold: Floats2d | None) -> None:
        votes = cast_votes(patterns, self.k_)
        self.edges_ = find_dependencies(votes, self.m_)
        leaders = _leaders(self.edges_, self.m_)
        apart = cast_votes(speak_as_one(patterns, leaders), self.k_) if len(self.edges_) else votes
        coin = toss(apart)
        if balance is None and votes.tally.any():
            self.class_balance_ = estimate_balance(apart, coin)
        said = np.bincount(votes.source, votes.cell_rows, minlength=self.m_)
        self.propensities_ = said / max(float(votes.rows.sum()), 1.0)
        prior = float(np.log(coin.accuracy * (self.k_ - 1) / (1 - coin.accuracy)))
        self.weights_, self.shared_ = np.full(self.m_, prior), np.zeros(len(self.edges_))
        self.iterations_, self.converged_ = 0, True
        if votes.tally.any():
            voices = len(np.unique(leaders[said > 0]))
            self._climb(votes, gold, prior, float(voices if self.evidence == "sources" else votes.rows.sum()))
        self.accuracies_ = 1.0 / (1.0 + (self.k_ - 1) * np.exp(-self.weights_))
        self.evidence_ = _evidence(self.weights_, self.shared_, self.edges_, self.k_)

    def _climb(self, votes: CastVotes, gold: Floats2d | None, prior: float, counts_for: float) -> None:
        from scipy.optimize import minimize

        loss = _Loss(votes, self.edges_, self.class_balance_, gold=gold, prior=prior, counts_for=counts_for)
        m, e = self.m_, len(self.edges_)
        start = np.concatenate([np.full(m, prior), np.full(e, 2.0)])
        limits = [(-_MOST_WEIGHT, _MOST_WEIGHT)] * m + [(-_MOST_LOGIT, _MOST_LOGIT)] * e
        options = {"maxiter": _STEPS, "ftol": 1e-13, "gtol": 1e-9}
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=limits, options=options)
        self.weights_, self.shared_ = found.x[:m], 1.0 / (1.0 + np.exp(-found.x[m:]))
        self.iterations_, self.converged_ = int(found.nit), bool(found.success or np.abs(found.jac).max() < 1e-4)

    def _infer(self, patterns: Patterns) -> Floats2d:
        votes = cast_votes(patterns, self.k_)
        tree = meet(votes, self.edges_)
        both, neither, first, second, none = self.evidence_.T
        gain = np.bincount(tree.option, self.weights_[tree.source], minlength=len(tree.row))
        for option, by_edge, edge in (
            (tree.agree[:, 0], both - neither, tree.agree[:, 1]),
            (tree.apart[:, 0], first - none, tree.apart[:, 2]),
            (tree.apart[:, 1], second - none, tree.apart[:, 2]),
        ):
            gain = gain + np.bincount(option, by_edge[edge], minlength=len(tree.row))
        scores = np.zeros((len(patterns), self.k_))
        scores[tree.row, tree.label] = gain
        return softmax(scores + np.log(self.class_balance_))


def _leaders(edges: NDArray[np.int64], m: int) -> NDArray[np.int64]:
    linked = np.zeros((m, m), np.bool_)
    linked[edges[:, 0], edges[:, 1]] = True
    return group_sources(linked, None, np.zeros(m, np.bool_))


class _Loss:
    """The function to minimise, with its gradient: parameters are weights [m], then logits of sharing [e]."""

    def __init__(
        self,
        votes: CastVotes,
        edges: NDArray[np.int64],
        balance: Floats1d,
        *,
        gold: Floats2d | None,
        prior: float,
        counts_for: float,
    ) -> None:
        self.tree: TreeVotes = meet(votes, edges)
        self.edges, self.balance, self.prior = edges, balance, prior
        known = np.zeros(votes.tally.shape) if gold is None else gold
        covered = votes.tally.any(axis=1)
        self.free = np.where(covered, votes.rows - known.sum(axis=1), 0.0)
        self.free *= counts_for / float(votes.rows[covered].sum())
        self.known = known[self.tree.row, self.tree.label]
        self.known_rest = np.where(covered, known.sum(axis=1), 0.0)
        self.known_rest -= np.bincount(self.tree.row, self.known, minlength=len(votes.rows))

    def __call__(self, parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        import torch

        at = torch.from_numpy(np.array(parameters, np.float64)).requires_grad_()
        split = len(parameters) - len(self.edges)
        weights, shared = at[:split], torch.sigmoid(at[split:])
        option, rest = log_likelihood(self.tree, self.edges, weights, shared, self.balance)
        loss = self._loss(option, rest) + _total((weights - self.prior) ** 2) / 2
        loss.backward()
        assert at.grad is not None
        return float(loss.detach()), at.grad.numpy()

    def _loss(self, option: Any, rest: Any) -> Any:
        import torch

        row = torch.from_numpy(self.tree.row)
        top = rest.detach().clone().scatter_reduce(0, row, option.detach(), "amax")
        parts = (rest - top).exp().index_add(0, row, (option - top.index_select(0, row)).exp())
        loss = -_total(torch.from_numpy(self.free) * (parts.log() + top))
        known = np.flatnonzero(self.known)
        elsewhere = np.flatnonzero(self.known_rest > 0.5)
        loss = loss - _total(torch.from_numpy(self.known[known]) * option.index_select(0, torch.from_numpy(known)))
        return loss - _total(
            torch.from_numpy(self.known_rest[elsewhere]) * rest.index_select(0, torch.from_numpy(elsewhere))
        )


def _total(values: Any) -> Any:
    """Sum in one order, whatever the number of threads."""
    import torch

    return values.new_zeros(1).index_add(0, torch.zeros(len(values), dtype=torch.int64), values)[0]


def _evidence(weights: Floats1d, shared: Floats1d, edges: NDArray[np.int64], k: int) -> Floats2d:
    if not len(edges):
        return np.zeros((0, 5))
    import torch

    found = edge_evidence(torch.from_numpy(weights), torch.from_numpy(shared), edges, k)
    ways = ("both", "neither", "first", "second", "none")
    evidence: Floats2d = np.column_stack([found[way].numpy() for way in ways])
    return evidence
