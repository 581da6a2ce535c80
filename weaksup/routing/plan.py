"""A plan: what asking would cost and change, before a cent is spent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["BudgetPoint", "NextDollar", "Plan", "PlannedSlice", "PlannedTier", "Range"]


_SOMETHING = 0.05  # labels


@dataclass(frozen=True, slots=True)
class Range:
    """Micro-dollars: what is certain to be spent if every call is answered, what is likely, what can at most be."""

    low: float = 0.0
    likely: float = 0.0
    high: float = 0.0

    def to_json(self) -> dict[str, float]:
        """Return dollars."""
        return {"low_usd": self.low / 1e6, "likely_usd": self.likely / 1e6, "high_usd": self.high / 1e6}


@dataclass(frozen=True, slots=True)
class PlannedTier:
    """What one tier is to do.

    `limit` is the most rows that it is asked about; `rows` how many it is expected to be asked about, of which `cached`
    have a stored answer; `calls`, `tokens` and `seconds` of people's time are expected too. `basis` says what the
    tokens rest on, `accuracy_basis` what the accuracy does.
    """

    source: str
    tier: str
    model: str
    price_source: str
    limit: int
    rows: float
    cached: float
    calls: float
    tokens: float
    seconds: float
    cost: Range
    accuracy: float
    basis: str
    accuracy_basis: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON; dollars as numbers."""
        names = ("source", "tier", "model", "price_source", "limit", "rows", "cached", "calls", "tokens")
        return {
            **{name: getattr(self, name) for name in names},
            "people_minutes": self.seconds / 60,
            **self.cost.to_json(),
            "accuracy": self.accuracy,
            "tokens_basis": self.basis,
            "accuracy_basis": self.accuracy_basis,
        }


@dataclass(frozen=True, slots=True)
class PlannedSlice:
    """What happens to one slice: rows asked by source, likely micro-dollars, errors before and after, flips."""

    name: str
    kind: str
    rows: int
    asked: Mapping[str, float]
    likely: float
    errors_before: float
    errors_after: float
    flips: float

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON; dollars as numbers."""
        return {
            "name": self.name,
            "kind": self.kind,
            "rows": self.rows,
            "asked": dict(self.asked),
            "likely_usd": self.likely / 1e6,
            "errors_before": self.errors_before,
            "errors_after": self.errors_after,
            "flips": self.flips,
        }


@dataclass(frozen=True, slots=True)
class NextDollar:
    """What one dollar more would buy: wrong labels put right, labels changed, and how much of it would be spent.

    `errors_a_dollar` is the price of the budget at the margin: for less than a dollar too. 0 where it does not bind.
    """

    errors: float = 0.0
    flips: float = 0.0
    spent: float = 0.0
    errors_a_dollar: float = 0.0

    @property
    def buys(self) -> bool:
        """Whether it would change anything: what the solver leaves of a cap that does not bind is no gain."""
        return self.errors >= _SOMETHING or self.flips >= _SOMETHING

    def to_json(self) -> dict[str, float]:
        """Return it as plain JSON; dollars as numbers."""
        return {
            "errors": self.errors,
            "flips": self.flips,
            "spent_usd": self.spent / 1e6,
            "errors_a_dollar": self.errors_a_dollar,
        }


@dataclass(frozen=True, slots=True)
class BudgetPoint:
    """What a budget in micro-dollars would leave of errors, and the labels that it would change."""

    budget: float
    errors: float
    flips: float

    def to_json(self) -> dict[str, float]:
        """Return it as plain JSON; dollars as numbers."""
        return {"budget_usd": self.budget / 1e6, "errors": self.errors, "flips": self.flips}


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Which rows are asked of whom, and what it costs and changes; nothing has been sent.

    `errors_before` and `errors_after` are expected numbers of wrong labels among all `rows`: the label model's own
    doubt, and what Bayes' rule leaves of it. `chosen` names, by source, the rows that are expected to be asked with a
    chance above 0, the most doubtful first. `budget` is what is left of it, in micro-dollars; None if none was given.
    """

    rows: int
    tiers: tuple[PlannedTier, ...]
    slices: tuple[PlannedSlice, ...]
    cost: Range
    errors_before: float
    errors_after: float
    flips: float
    budget: int | None
    next_dollar: NextDollar
    curve: tuple[BudgetPoint, ...] = ()
    notes: tuple[str, ...] = ()
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def limits(self) -> dict[str, int]:
        """The most rows that each source is asked about."""
        return {tier.source: tier.limit for tier in self.tiers}

    @property
    def accuracy(self) -> tuple[float, float]:
        """The expected share of right labels, before and after."""
        n = max(1, self.rows)
        return 1 - self.errors_before / n, 1 - self.errors_after / n

    @property
    def cached(self) -> float:
        """How many of the answers are stored already, and free."""
        return sum(tier.cached for tier in self.tiers)

    @property
    def calls(self) -> float:
        """How many calls are expected."""
        return sum(tier.calls for tier in self.tiers)

    @property
    def tokens(self) -> float:
        """How many tokens are expected, in and out."""
        return sum(tier.tokens for tier in self.tiers)

    @property
    def people_minutes(self) -> float:
        """How many minutes of people's time are expected."""
        return sum(tier.seconds for tier in self.tiers) / 60

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON, without the rows' ids; dollars as numbers."""
        before, after = self.accuracy
        return {
            "rows": self.rows,
            **self.cost.to_json(),
            "budget_usd": None if self.budget is None else self.budget / 1e6,
            "calls": self.calls,
            "cached": self.cached,
            "tokens": self.tokens,
            "people_minutes": self.people_minutes,
            "flips": self.flips,
            "errors_before": self.errors_before,
            "errors_after": self.errors_after,
            "accuracy_before": before,
            "accuracy_after": after,
            "next_dollar": self.next_dollar.to_json(),
            "limits": self.limits,
            "tiers": [tier.to_json() for tier in self.tiers],
            "slices": [part.to_json() for part in self.slices],
            "budgets": [point.to_json() for point in self.curve],
            "notes": list(self.notes),
        }
