"""Which rows to ask next, and whom: rows in doubt alone, the most doubtful first, never more than the limit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.routing.evidence import Rows, Tiers, answers_of
from weaksup.routing.value import Belief
from weaksup.votes import VoteMatrix

__all__ = ["Round", "Rules", "choose_first", "choose_round"]


@dataclass(frozen=True, slots=True)
class Rules:
    """When to ask: one configuration for every set.

    A row is left alone once the chance that its label is wrong is at most `doubt`. The premium tier is asked in
    `rounds`, each learning from the one before; a share `probe` of its rows is drawn at random, so that rows that look
    sure are seen too. Where there is a student, the cheap tier first answers a random share `first` of the rows.
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


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """Positions of the rows to ask now: `cheap` for the cheap tier and its signals, `premium`; both ascending."""

    cheap: Rows
    premium: Rows

    def __len__(self) -> int:
        return len(self.cheap) + len(self.premium)


def choose_first(votes: VoteMatrix, tiers: Tiers, rules: Rules, *, taught: bool) -> Round:
    """Choose the rows that the cheap tier answers before anything is known: a random share, or all without a student.

    None where it has answers already.
    """
    asked, n = answers_of(votes, tiers.cheap).asked, len(votes)
    size = 0 if asked.any() else n if not taught else int(np.ceil(rules.first * n))
    rows = np.sort(_generator(rules, 0).choice(n, size, replace=False))
    return Round(rows.astype(np.int64), np.empty(0, np.int64))


def choose_round(
    votes: VoteMatrix, tiers: Tiers, belief: Belief, *, limit: int, rules: Rules | None = None, number: int = 1
) -> Round:
    """Choose the rows to ask in round `number`, at most `limit` for the premium tier.

    A row in doubt goes to the cheap tier first; where that has answered, or could not, to the premium tier. Ties, and
    the rows of the probe, are drawn by the seed and the number.
    """
    if limit < 0:
        raise UsageError(f"routing: expected a limit of at least 0 rows, got {limit}")
    rules = rules or Rules()
    cheap, premium = answers_of(votes, tiers.cheap).asked, answers_of(votes, tiers.premium).asked
    doubtful = (belief.doubt > rules.doubt) & ~premium
    draw = _generator(rules, number)
    ready = np.flatnonzero(doubtful & cheap)
    order = np.lexsort((draw.random(len(ready)), -belief.doubt[ready]))
    probes = int(np.ceil(rules.probe * limit))
    worst = ready[order[: limit - probes]]
    rest = np.setdiff1d(np.flatnonzero(cheap & ~premium), worst)
    drawn = draw.choice(rest, min(probes, len(rest)), replace=False)
    return Round(np.flatnonzero(doubtful & ~cheap), _merge(worst, drawn))


def _merge(one: NDArray[np.int64], other: NDArray[np.int64]) -> Rows:
    return np.sort(np.concatenate([one, other])).astype(np.int64)


def _generator(rules: Rules, number: int) -> np.random.Generator:
    return np.random.default_rng([rules.seed, number])
