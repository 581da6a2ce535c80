"""Estimate the class balance from votes, but only as far as the sources tell the same one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.cast import CastVotes
from weaksup.label_models.one_coin import OneCoin, row_evidence, toss
from weaksup.label_models.softmax import over_classes, softmax

__all__ = ["balance_gap", "discord", "estimate_balance", "match_balance", "settle_balance"]

_Floats = NDArray[np.float64]

_SCALE = 0.02  # discord at which belief has fallen to 1 / e
_NEAR, _ROUGH = (1e-4, 1e-5, 1e-6, 1e-8), 1e-3  # of a mean probability, over the root of its share
_STILL, _MET = 1e-14, 1e-9  # of a mean probability
_PARTS = (1.0, 0.5, 0.25, 0.125)  # of a step
_FEW, _MANY, _NEWTON_STEPS = 30, 1000, 20  # rounds


def estimate_balance(votes: CastVotes, coin: OneCoin, evidence: _Floats | None = None) -> _Floats:
    """Return shares [k] that sum to 1: the one-coin posterior's mean, drawn towards uniform by the discord.

    Weak sources choose which rows they speak on, so their votes' shares say little about the classes' shares, and a
    wrong balance is worse than none. Sources that all see the same shares (discord 0) are believed, and belief falls
    off as exp(-discord / .02); with fewer than 3 sources that can be checked against each other the balance is uniform.
    """
    belief = float(np.exp(-max(discord(votes), 0.0) / _SCALE)) if coin.witnesses >= 3 else 0.0
    posterior = softmax(row_evidence(votes.tally, coin) if evidence is None else evidence)
    posterior *= np.where(votes.given > 0, votes.rows, 0.0)[:, None]
    shares: _Floats = posterior.sum(axis=0) ** belief
    shares /= shares.sum()
    return shares


def settle_balance(given: _Floats | None, votes: CastVotes, gold: _Floats | None) -> _Floats:
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
    balance: _Floats,
    evidence: _Floats,
    rows: NDArray[np.int64],
    *,
    start: _Floats | None = None,
    rough: bool = False,
) -> _Floats:
    """Return offsets [k] with which the mean of softmax(evidence + offsets) over rows is the given balance.

    `evidence` is [p, k], `rows` [p] how many rows a pattern has. With sources that speak on either class alike the
    offsets are about log(balance), which is where the search begins unless it is told a `start`; where all speak for
    one class they are lower for it, which is how rows on which nobody speaks come to be less likely of that class.

    They minimize the mean of logsumexp(evidence + offsets) less balance . offsets, which is convex: L-BFGS-B (R. Byrd
    et al., 1995), then Newton's steps until nothing moves. `rough` leaves these out and takes 30 rounds at most.
    `balance_gap` says how well it went.
    """
    from scipy.optimize import minimize

    begin = np.log(balance) if start is None else start
    if not len(rows):
        return begin
    scale = 1 / np.sqrt(balance)  # else the search cares for frequent classes alone
    share = rows / int(rows.sum())

    def excess(moved: _Floats) -> tuple[float, _Floats]:
        value, slope = _dual(begin + moved * scale, balance, evidence, share)
        return value, slope * scale

    def search(near: float, rounds: int) -> _Floats:
        options = {"ftol": 0.0, "gtol": near, "maxiter": rounds, "maxfun": 3 * rounds, "maxcor": 20}
        return np.asarray(minimize(excess, np.zeros(len(balance)), jac=True, method="L-BFGS-B", options=options).x)

    if rough:
        return begin + search(_ROUGH, _FEW) * scale
    for near in _NEAR:  # Newton's steps are few and exact, but lead nowhere from too far away
        begin, missed = _polish(begin + search(near, _MANY) * scale, balance, evidence, share)
        if missed < _MET:
            break
    begin = begin - np.log(np.exp(begin - begin.max()).sum()) - begin.max()  # a constant more would change nothing
    rounded: _Floats = np.round(begin, 11)  # which does not depend on the order of sums
    return rounded


def balance_gap(balance: _Floats, proba: _Floats, rows: NDArray[np.int64]) -> float:
    """Return by how much the mean of probabilities [p, k] over the rows [p] of each pattern misses the balance."""
    if not len(rows):
        return 0.0
    return float(np.abs((rows[:, None] * proba).sum(axis=0) / int(rows.sum()) - balance).max())


def _dual(offsets: _Floats, balance: _Floats, evidence: _Floats, share: _Floats) -> tuple[float, _Floats]:
    """Return what `match_balance` minimizes and its slope [k]: by how much the mean probabilities miss the balance."""
    logits = evidence + offsets
    top = over_classes(np.maximum, logits)
    logits -= top[:, None]
    np.exp(logits, out=logits)
    total = over_classes(np.add, logits)
    logits *= (share / total)[:, None]
    slope = logits.sum(axis=0) - balance  # no matrix product: its sums differ with the number of threads
    return float((share * (top + np.log(total))).sum() - (balance * offsets).sum()), slope


def _polish(offsets: _Floats, balance: _Floats, evidence: _Floats, share: _Floats) -> tuple[_Floats, float]:
    """Take Newton's steps while they help; return the offsets and by how much a mean probability is still missed."""
    from scipy.linalg import lstsq

    _, slope = _dual(offsets, balance, evidence, share)
    for _ in range(_NEWTON_STEPS):
        proba = softmax(evidence + offsets)
        curvature = np.diag(slope + balance) - (share[:, None] * proba).T @ proba
        step = lstsq(curvature, -slope, lapack_driver="gelsy")[0]
        further, left = offsets, slope
        for part in _PARTS:
            further = offsets + part * step
            _, left = _dual(further, balance, evidence, share)
            if np.abs(left).max() < np.abs(slope).max():
                break
        else:
            break
        offsets, slope = further, left
        if np.abs(slope).max() < _STILL:
            break
    return offsets, float(np.abs(slope).max())


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
