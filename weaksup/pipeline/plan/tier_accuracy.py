"""How often each tier is right: as the label model sees its answers, or assumed by its place in the ladder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from weaksup.errors import UsageError
from weaksup.labels import ABSTAIN, SoftLabels
from weaksup.llm import Tier
from weaksup.votes import VoteMatrix

__all__ = ["tier_accuracies"]

_JUDGED = 30  # answers from which a tier's accuracy is the label model's estimate
_ASSUMED = {"student": 0.8, "people": 0.97}
_CHEAPEST, _MIDDLE, _PREMIUM = 0.85, 0.9, 0.95


def tier_accuracies(
    votes: VoteMatrix, soft: SoftLabels, tiers: Sequence[Tier], sources: Sequence[str], given: Mapping[str, float]
) -> list[tuple[float, str]]:
    """Return how often each tier is right, and what that rests on.

    A tier with answers to 30 rows, and to half of all, is judged by the labels as they stand, which is the label
    model's opinion. Another one is assumed to be as good as its place in the ladder: a tier that was asked where rows
    were in doubt is better than it looks there.
    """
    odd = sorted(set(given) - {tier.name for tier in tiers})
    if odd or not all(0 <= value <= 1 for value in given.values()):
        names = ", ".join(tier.name for tier in tiers)
        raise UsageError(f"plan: expected accuracies from 0 to 1 of {names}, got {dict(given)}; name the tiers so")
    machines = [tier.name for tier in tiers if tier.kind not in _ASSUMED]
    found = []
    for tier, source in zip(tiers, sources, strict=True):
        code = votes.values[:, votes.names.index(source)] if source in votes.names else np.empty(0, np.int16)
        said = np.flatnonzero(code != ABSTAIN)
        if tier.name in given:
            found.append((given[tier.name], "given"))
        elif len(said) >= max(_JUDGED, len(votes) / 2):
            right = float(soft.proba[said, code[said]].mean())
            found.append((right, f"estimated by the label model from {len(said):,} answers"))
        else:
            found.append((_assumed(tier, machines), "assumed from its place"))
    return found


def _assumed(tier: Tier, machines: Sequence[str]) -> float:
    if tier.kind in _ASSUMED:
        return _ASSUMED[tier.kind]
    if len(machines) == 1 or tier.name not in (machines[0], machines[-1]):
        return _MIDDLE
    return _CHEAPEST if tier.name == machines[0] else _PREMIUM
