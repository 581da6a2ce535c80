"""The loop: judge, choose, buy, and judge again with what was learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from weaksup.routing.ladder import Ladder, Rows
from weaksup.routing.rounds import Round, Rules, Terms, choose_first, choose_round
from weaksup.routing.value import Belief, Opinion, estimate
from weaksup.votes import VoteMatrix

__all__ = ["Buy", "Routed", "route"]

Buy = Callable[[VoteMatrix, str, Rows], VoteMatrix]
"""Ask the source of a name about some rows; return the votes with what it said. The same votes end the work."""


@dataclass(frozen=True, slots=True, eq=False)
class Routed:
    """The votes with all answers bought, and what is believed of the rows at the end."""

    votes: VoteMatrix
    belief: Belief


def route(
    votes: VoteMatrix,
    ladder: Ladder,
    buy: Buy,
    *,
    terms: Terms | None = None,
    opinion: Opinion | None = None,
    gold: Rows | None = None,
    rules: Rules | None = None,
) -> Routed:
    """Buy answers in rounds, on the terms of each rung; `gold` [n] is used where it is not ABSTAIN, none is needed.

    Labels of rows that were never asked change too. What `buy` raises ends the work.
    """
    return _Loop(votes, ladder, buy, terms or Terms(), opinion, gold, rules or Rules()).run()


@dataclass(slots=True)
class _Loop:
    votes: VoteMatrix
    ladder: Ladder
    buy: Buy
    terms: Terms
    opinion: Opinion | None
    gold: Rows | None
    rules: Rules

    def run(self) -> Routed:
        """Go on until no row is in doubt, the rounds are over, or nothing more can be bought."""
        self._ask(choose_first(self.votes, self.ladder, self.terms, self.rules, taught=self.opinion is not None))
        belief = self._judge(None)
        for number in range(1, self.rules.rounds + 1):
            chosen = choose_round(self.votes, self.ladder, belief, terms=self.terms, rules=self.rules, number=number)
            before = self.votes
            self._ask(chosen)
            if self.votes is before:
                break
            belief = self._judge(belief)
        return Routed(self.votes, belief)

    def _judge(self, before: Belief | None) -> Belief:
        seed = self.rules.seed
        return estimate(self.votes, self.ladder, opinion=self.opinion, before=before, gold=self.gold, seed=seed)

    def _ask(self, chosen: Round) -> None:
        for rung, rows in chosen.rows.items():
            for name in self.ladder.bought_first if rung == self.ladder.first else (rung,):
                self.votes = self.buy(self.votes, name, rows)
            self._bar(rung, rows)

    def _bar(self, name: str, rows: Rows) -> None:
        """Note that rows were asked, for those that brought no answer: again and again would hold up the others."""
        barred = self.terms.tried(self.votes, name).copy()
        barred[rows] = True
        self.terms = replace(self.terms, barred={**self.terms.barred, name: barred})
