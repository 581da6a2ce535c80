"""Estimate the class balance from votes, but only as far as the sources tell the same one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.cast import CastVotes
from weaksup.label_models.dawid_skene import softmax
from weaksup.label_models.one_coin import OneCoin, row_evidence

__all__ = ["discord", "estimate_balance"]

_LIMIT = 0.05  # discord from which on nothing is believed


def estimate_balance(votes: CastVotes, coin: OneCoin) -> NDArray[np.float64]:
    """Return shares [k] that sum to 1: the one-coin posterior's mean, drawn towards uniform by the discord.

    Weak sources choose which rows they speak on, so their votes' shares say little about the classes' shares, and a
    wrong balance is worse than none. Sources that all see the same shares (discord 0) are believed; from a discord of
    .05 on, or with fewer than 3 sources that can be checked against each other, the balance is uniform.
    """
    belief = max(0.0, 1.0 - discord(votes) / _LIMIT) if coin.witnesses >= 3 else 0.0
    covered = votes.tally.any(axis=1)
    posterior = softmax(row_evidence(votes.tally[covered], coin))
    shares: NDArray[np.float64] = (posterior * votes.rows[covered, None]).sum(axis=0) ** min(belief, 1.0)
    shares /= shares.sum()
    return shares


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
