"""The loop: judge, choose, buy, and judge again with what was learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from weaksup.errors import UsageError
from weaksup.routing.evidence import Rows, Tiers, answers_of
from weaksup.routing.rounds import Round, Rules, choose_first, choose_round
from weaksup.routing.value import Belief, Opinion, estimate
from weaksup.votes import VoteMatrix

__all__ = ["Buy", "Routed", "route"]

Buy = Callable[[VoteMatrix, str, Rows], VoteMatrix]
"""Ask the source of a name about some rows, and return the votes with what it said there."""


@dataclass(frozen=True, slots=True, eq=False)
class Routed:
    """The votes with all answers bought, and what is believed of the rows at the end."""

    votes: VoteMatrix
    belief: Belief


def route(
    votes: VoteMatrix, tiers: Tiers, buy: Buy, *, limit: int, opinion: Opinion | None = None, rules: Rules | None = None
) -> Routed:
    """Buy answers in rounds, at most `limit` rows of the premium tier, those that `votes` has counted in; use no gold.

    Labels of rows that were never asked change too. What `buy` raises ends the work.
    """
    if limit < 0:
        raise UsageError(f"routing: expected a limit of at least 0 rows, got {limit}")
    rules = rules or Rules()
    votes = _ask(votes, tiers, buy, choose_first(votes, tiers, rules, taught=opinion is not None))
    belief = estimate(votes, tiers, opinion=opinion, seed=rules.seed)
    for number in range(1, rules.rounds + 1):
        left = max(0, limit - int(answers_of(votes, tiers.premium).asked.sum()))
        size = -(-left // (rules.rounds - number + 1))
        chosen = choose_round(votes, tiers, belief, limit=size, rules=rules, number=number)
        if not len(chosen):
            break
        votes = _ask(votes, tiers, buy, chosen)
        belief = estimate(votes, tiers, opinion=opinion, before=belief, seed=rules.seed)
    return Routed(votes, belief)


def _ask(votes: VoteMatrix, tiers: Tiers, buy: Buy, chosen: Round) -> VoteMatrix:
    for name in tiers.bought_first if len(chosen.cheap) else ():
        votes = buy(votes, name, chosen.cheap)
    return buy(votes, tiers.premium, chosen.premium) if len(chosen.premium) else votes
