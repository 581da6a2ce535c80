"""The likelihood of votes whose sources depend on each other along a forest, exact and with exact gradients, in torch.

Given the class y, source j is right with probability a_j = e^w_j / (e^w_j + k - 1) where it votes, else it gives any
other label with equal probability. Two sources i, j that share an edge are both right with probability
(1 - s) a_i a_j + s min(a_i, a_j), and where both are wrong they give the same label with probability
s + (1 - s) / (k - 1): s = 0 is independence, s = 1 a copy. Every source keeps its accuracy whatever s is, so a forest
of such pairs is normed:

    P(votes | y, who votes) = prod_j P(v_j | y) prod_edges P(v_i, v_j | y) / (P(v_i | y) P(v_j | y))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.cast import CastVotes

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["TreeVotes", "edge_evidence", "log_likelihood", "meet"]

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TreeVotes:
    """Distinct rows as options (a row with a label that somebody gives there) and the votes that enter them.

    Option o lies on row `row[o]` and has label `label[o]`, rows in order. Vote e says option `option[e]` and comes from
    source `source[e]`. `agree` [x, 2] holds (option, edge) where both ends of an edge say it; `apart` [z, 3] (option of
    the first end, option of the second, edge) where they differ.
    """

    rows: int
    row: _Ints
    label: _Ints
    option: _Ints
    source: _Ints
    agree: _Ints
    apart: _Ints


def meet(votes: CastVotes, edges: _Ints) -> TreeVotes:
    """List where the votes, and the votes at both ends of each edge, fall; cost O(votes), and O(rows) an edge."""
    p, k = votes.tally.shape
    of_row = np.repeat(np.arange(p), np.diff(votes.says.indptr))
    cell = votes.says.indices
    codes, option = np.unique(of_row * k + votes.label[cell], return_inverse=True)
    source = votes.source[cell]
    order = np.argsort(source, kind="stable")
    ends = np.searchsorted(source[order], np.arange(int(edges.max(initial=-1)) + 2))
    agree, apart = [np.zeros((0, 2), np.int64)], [np.zeros((0, 3), np.int64)]
    for e, (i, j) in enumerate(edges.tolist()):
        mine, yours = order[ends[i] : ends[i + 1]], order[ends[j] : ends[j + 1]]
        _, at, to = np.intersect1d(of_row[mine], of_row[yours], assume_unique=True, return_indices=True)
        first, second = option[mine[at]], option[yours[to]]
        same = first == second
        agree.append(np.column_stack([first[same], np.full(int(same.sum()), e)]))
        apart.append(np.column_stack([first[~same], second[~same], np.full(int((~same).sum()), e)]))
    return TreeVotes(p, codes // k, codes % k, option, source, np.vstack(agree), np.vstack(apart))


def edge_evidence(weights: Tensor, shared: Tensor, edges: _Ints, k: int) -> dict[str, Tensor]:
    """Return for each edge log P(v_i, v_j | y) / (P(v_i | y) P(v_j | y)) in the five ways that votes and y can lie.

    "both" right, "neither" right though equal, "first" or "second" alone right, "none": wrong and different.
    """
    import torch

    k_less = torch.full_like(weights, np.log(k - 1))
    right = (weights - torch.logaddexp(weights, k_less)).exp()
    a, b = (right.index_select(0, _tensor(edges[:, end])) for end in (0, 1))
    own = 1 - shared
    beside = (own + shared / (1 - torch.minimum(a, b))).log()
    return {
        "both": (own + shared / torch.maximum(a, b)).log(),
        "neither": beside + (own + shared * (k - 1)).log(),
        "first": (own + shared * (a - b).clamp_min(0) / (a * (1 - b))).log(),
        "second": (own + shared * (b - a).clamp_min(0) / (b * (1 - a))).log(),
        "none": beside + own.log() if k > 2 else torch.zeros_like(shared),
    }


def log_likelihood(
    votes: TreeVotes, edges: _Ints, weights: Tensor, shared: Tensor, balance: _Floats
) -> tuple[Tensor, Tensor]:
    """Return log P(votes, y) of every option [o] and log P(votes, y no option of the row) of every row [p].

    Sums run over one index in one order (`index_add` of one dimension), so they are the same for any number of threads.
    """
    import torch

    k = len(balance)
    wrong = -torch.logaddexp(weights, torch.full_like(weights, np.log(k - 1)))
    evidence = edge_evidence(weights, shared, edges, k)
    row, option, source = _tensor(votes.row), _tensor(votes.option), _tensor(votes.source)
    agree, agree_edge = (_tensor(votes.agree[:, c]) for c in (0, 1))
    first, second, apart_edge = (_tensor(votes.apart[:, c]) for c in (0, 1, 2))
    plain = weights.new_zeros(votes.rows)
    for place, values, by in (
        (option, wrong, source),
        (agree, evidence["neither"], agree_edge),
        (first, evidence["none"], apart_edge),
    ):
        plain = plain.index_add(0, row.index_select(0, place), values.index_select(0, by))
    gain = weights.new_zeros(len(votes.row))
    for place, values, by in (
        (option, weights, source),
        (agree, evidence["both"] - evidence["neither"], agree_edge),
        (first, evidence["first"] - evidence["none"], apart_edge),
        (second, evidence["second"] - evidence["none"], apart_edge),
    ):
        gain = gain.index_add(0, place, values.index_select(0, by))
    left = 1.0 - np.bincount(votes.row, balance[votes.label], minlength=votes.rows)
    left[np.bincount(votes.row, minlength=votes.rows) == k] = 0.0
    rest = _tensor(np.where(left > 1e-12, np.log(np.maximum(left, 1e-300)), -np.inf))
    return plain.index_select(0, row) + gain + _tensor(np.log(balance[votes.label])), plain + rest


def _tensor(values: NDArray[Any]) -> Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(values))
