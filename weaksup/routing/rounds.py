"""Which rows to ask next, and whom: rows in doubt alone, where an answer is worth most, never more than the limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.routing.audit import draws
from weaksup.routing.ladder import Answers, Floats, Ladder, Rows, answers_of, answers_taken_for_truth
from weaksup.routing.value import Belief, gain
from weaksup.votes import VoteMatrix

__all__ = ["Round", "Rules", "Terms", "choose_first", "choose_round"]

_WRONG, _OF = 2.0, 20.0  # before the teacher says otherwise, a middle tier is wrong twice in 20 rows in doubt


@dataclass(frozen=True, slots=True)
class Rules:
    """When to ask: one configuration for every set.

    A row is left alone once the chance that its label is wrong is at most `doubt`. The teacher is asked in `rounds`,
    each learning from the one before; a share `probe` of its rows is drawn at random, so that rows that look sure are
    seen too. Where there is a student, the first rung begins with a random share `first` of the rows.
    """

    doubt: float = 0.1
    rounds: int = 5
    first: float = 0.2
    probe: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("doubt", "first", "probe"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise UsageError(f"routing: expected {name} from 0 to 1, got {value}")
        if self.rounds < 1:
            raise UsageError(f"routing: expected at least 1 round, got {self.rounds}")
        if not 0 <= self.seed < 2**64:
            raise UsageError(f"routing: expected a seed from 0 to 2**64 - 1, got {self.seed}")


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """On what terms each rung may be asked, by its name.

    `limits`: rows at most, those asked before counted in; all rows where there is none. `costs`: what a call is likely
    to cost for each row, [n], in any unit; alike where there are none. `below`: for each class, [k], the probability of
    the label under which a row may be asked; where there is none, 1 - `Rules.doubt`. `barred`: rows [n] that brought
    no answer when they were asked: they count, are not asked of this rung again, and may go one rung up.
    """

    limits: Mapping[str, int] = field(default_factory=dict)
    costs: Mapping[str, Floats] = field(default_factory=dict)
    below: Mapping[str, Floats] = field(default_factory=dict)
    barred: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, limit in self.limits.items():
            if limit < 0:
                raise UsageError(f"routing: expected a limit of at least 0 rows for {name}, got {limit}")

    def left(self, votes: VoteMatrix, name: str) -> int:
        """Return how many more rows may be asked."""
        return max(0, self.limits.get(name, len(votes)) - int(self.tried(votes, name).sum()))

    def tried(self, votes: VoteMatrix, name: str) -> NDArray[np.bool_]:
        """Mark the rows [n] that were asked, in vain too."""
        asked = answers_of(votes, name).asked
        return asked | self.barred[name] if name in self.barred else asked

    def reached(self, votes: VoteMatrix, ladder: Ladder) -> Rows:
        """Return the highest rung that was asked about each row, in vain too, [n]; -1 where none was."""
        highest = np.full(len(votes), -1, np.int64)
        for number, name in enumerate(ladder.rungs):
            highest[self.tried(votes, name)] = number
        return highest

    def doubtful(self, belief: Belief, name: str, rules: Rules) -> NDArray[np.bool_]:
        """Mark the rows [n] whose label is not sure enough to leave this rung out."""
        if name not in self.below or not len(belief.label):
            return belief.doubt > rules.doubt
        found: NDArray[np.bool_] = 1 - belief.doubt < self.below[name][belief.label]
        return found

    def cost(self, name: str, n: int) -> Floats:
        """Return what a call costs for each row, [n]."""
        return self.costs.get(name, np.ones(n))


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """Positions of the rows to ask now, ascending, by the name of the rung; rungs with none are left out."""

    rows: Mapping[str, Rows]

    def __len__(self) -> int:
        return sum(map(len, self.rows.values()))


def choose_first(votes: VoteMatrix, ladder: Ladder, terms: Terms, rules: Rules, *, taught: bool) -> Round:
    """Choose the rows that the first rung answers before anything is known.

    A random share where a student learns from them, and at most half of what the limit allows; all rows without a
    student, if they may all be asked. None where the rung has answers already.
    """
    asked, n, limit = terms.tried(votes, ladder.first), len(votes), terms.left(votes, ladder.first)
    size = min(int(np.ceil(rules.first * n)), -(-limit // 2)) if taught else n if limit == n else 0
    rows = np.argsort(_draws(votes, rules, 0))[: 0 if asked.any() else size]  # fewer rows are some of the same
    return _round({ladder.first: np.sort(rows)})


def choose_round(
    votes: VoteMatrix,
    ladder: Ladder,
    belief: Belief,
    *,
    terms: Terms | None = None,
    rules: Rules | None = None,
    number: int = 1,
) -> Round:
    """Choose the rows to ask in round `number`; the teacher gets its part of what its limit leaves.

    A row in doubt goes one rung up: first to the cheapest tier, then to the next that may be asked about it and has
    calls left, past tiers that would take away less error for their price than the teacher. Where more rows want a rung
    than may have it, those where the answer is worth most for its price go first. Ties, and the rows of the probe, are
    drawn by the seed and the number.
    """
    rules, terms = rules or Rules(), terms or Terms()
    draw = _draws(votes, rules, number)
    wanted = _destinations(votes, ladder, belief, terms, rules)
    found = {name: np.flatnonzero(wanted == t) for t, name in enumerate(ladder.rungs)}
    size = -(-terms.left(votes, ladder.teacher) // max(1, rules.rounds - number + 1))
    probes = int(np.ceil(rules.probe * size))
    for name, rows in found.items():
        most = size - probes if name == ladder.teacher else terms.left(votes, name)
        worth = belief.doubt[rows] / np.maximum(terms.cost(name, len(votes))[rows], 1e-12)
        found[name] = rows[np.lexsort((draw[rows], -worth))][:most]
    # What gold tells (it leaves no doubt at all) needs no probe.
    known = answers_of(votes, ladder.first).asked & (belief.doubt > 0) & ~_told(votes, ladder, terms)
    rest = np.setdiff1d(np.flatnonzero(known), found[ladder.teacher])
    drawn = rest[np.argsort(draw[rest])[:probes]]
    found[ladder.teacher] = np.concatenate([found[ladder.teacher], drawn])
    return _round({name: np.sort(rows) for name, rows in found.items()})


def _destinations(votes: VoteMatrix, ladder: Ladder, belief: Belief, terms: Terms, rules: Rules) -> Rows:
    """Return the rung [n] that each row goes to next; -1 where it is left alone."""
    n, top = len(votes), len(ladder.rungs) - 1
    told, below = answers_taken_for_truth(votes, ladder), terms.reached(votes, ladder)
    wanted = np.full(n, -1, np.int64)
    rate = _per_price(belief, terms, ladder.teacher, n, 0.0)
    for t in range(top, -1, -1):
        name = ladder.rungs[t]
        may = terms.doubtful(belief, name, rules) & (below < t) & ~told.asked
        if not terms.left(votes, name):
            continue
        if 0 < t < top:
            worth = _per_price(belief, terms, name, n, _error(votes, name, told))
            may &= (worth >= rate) | ((wanted < 0) & (worth > 0))
        # Every row begins at the first rung, if that may be asked: what the others cost is learned from there.
        wanted[may & ((below >= 0) | (t == 0) | (not terms.left(votes, ladder.first)))] = t
    return wanted


def _told(votes: VoteMatrix, ladder: Ladder, terms: Terms) -> NDArray[np.bool_]:
    """Mark the rows [n] that the teacher, or people, were asked about."""
    told: NDArray[np.bool_] = answers_taken_for_truth(votes, ladder).asked | terms.tried(votes, ladder.teacher)
    return told


def _per_price(belief: Belief, terms: Terms, name: str, n: int, error: float) -> Floats:
    worth: Floats = gain(belief.doubt, error) / np.maximum(terms.cost(name, n), 1e-12)
    return worth


def _error(votes: VoteMatrix, name: str, told: Answers) -> float:
    """Return how often a middle tier is wrong, where the truth was told as well."""
    said = answers_of(votes, name)
    both = said.known & told.known
    return float(((said.label != told.label)[both].sum() + _WRONG) / (both.sum() + _OF))


def _round(rows: Mapping[str, NDArray[np.int64]]) -> Round:
    return Round({name: some.astype(np.int64) for name, some in rows.items() if len(some)})


def _draws(votes: VoteMatrix, rules: Rules, number: int) -> Floats:
    """Draw a number for each row, [n], by its id: rows that come later change no draw, nor does their order."""
    return draws(votes.ids, (rules.seed << 32) + number)
