"""Estimate the class balance from votes, but only as far as the sources tell the same one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.cast import CastVotes
from weaksup.label_models.one_coin import OneCoin, row_evidence, toss
from weaksup.label_models.softmax import softmax

__all__ = ["discord", "estimate_balance", "match_balance", "settle_balance"]

_SCALE = 0.02  # discord at which belief has fallen to 1 / e

_MATCH_ROUNDS = 200


def estimate_balance(
    votes: CastVotes, coin: OneCoin, evidence: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return shares [k] that sum to 1: the one-coin posterior's mean, drawn towards uniform by the discord.

    Weak sources choose which rows they speak on, so their votes' shares say little about the classes' shares, and a
    wrong balance is worse than none. Sources that all see the same shares (discord 0) are believed, and belief falls
    off as exp(-discord / .02); with fewer than 3 sources that can be checked against each other the balance is uniform.
    """
    belief = float(np.exp(-max(discord(votes), 0.0) / _SCALE)) if coin.witnesses >= 3 else 0.0
    posterior = softmax(row_evidence(votes.tally, coin) if evidence is None else evidence)
    posterior *= np.where(votes.given > 0, votes.rows, 0.0)[:, None]
    shares: NDArray[np.float64] = posterior.sum(axis=0) ** belief
    shares /= shares.sum()
    return shares


def settle_balance(
    given: NDArray[np.float64] | None, votes: CastVotes, gold: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return the given class balance [k], else the estimate; uniform without votes.

    An estimate within 1 % of uniform is uniform: it would do nothing but break ties, all of them the same way.
    """
    if given is not None:
        return given
    uniform = np.full(votes.k, 1.0 / votes.k)
    if not votes.tally.any():
        return uniform
    shares = estimate_balance(votes, toss(votes, gold))
    return uniform if np.abs(votes.k * shares - 1).max() < 0.01 else shares


def match_balance(
    balance: NDArray[np.float64], evidence: NDArray[np.float64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return offsets [k] with which the mean of softmax(evidence + offsets) over rows is the given balance.

    `evidence` is [p, k], `rows` [p] how many rows a pattern has. With sources that speak on either class alike the
    offsets are about log(balance); where all speak for one class they are lower for it, which is how rows on which
    nobody speaks come to be less likely of that class. Iterative proportional fitting; the answer is unique.
    """
    offsets: NDArray[np.float64] = np.log(balance)
    share = rows[:, None] / max(int(rows.sum()), 1)  # no matrix product: its sums differ with the number of threads
    for _ in range(_MATCH_ROUNDS if len(rows) else 0):
        step = np.log(balance) - np.log((share * softmax(evidence + offsets)).sum(axis=0))
        offsets = offsets + step
        if np.abs(step).max() < 1e-6:
            break
    return offsets


def discord(votes: CastVotes) -> float:
    """Return the share of the votes' variance that lies between sources, at most 1: how far labels depend on who votes.

    1 when every source votes for one label only; about 0 (it may be slightly below) when all sources vote for the
    labels in the same shares. Correlation ratio with Gini variance, bias-corrected (Light and Margolin, 1971).
    """
    said = votes.cell_rows
    by_source = np.bincount(votes.source, said)[votes.source]
    pooled = np.bincount(votes.label, said, minlength=votes.k) / said.sum()
    total = 1.0 - (pooled**2).sum()
    if total <= 1e-12:
        return 1.0  # one label only: nothing tells its share
    # Pairs of votes of one source that differ: the unbiased variance within that source.
    differing = said * (by_source - said) / np.maximum(by_source - 1, 1.0)
    return float(1.0 - differing.sum() / said.sum() / total)
