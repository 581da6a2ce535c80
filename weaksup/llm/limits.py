"""Caps and rates as people write them: dollars and minutes; the store counts micro-dollars and seconds."""

from __future__ import annotations

from decimal import Decimal

from weaksup.errors import UsageError
from weaksup.llm.pricing.prices import budget_cap
from weaksup.store import Caps

__all__ = ["make_caps"]


def make_caps(
    *,
    usd: float | Decimal | None = None,
    calls: int | None = None,
    tokens: int | None = None,
    people_minutes: float | None = None,
) -> Caps:
    """Make caps; what is `None` has no cap.

    >>> make_caps(usd=1.5, people_minutes=2)
    Caps(cost=1500000, calls=None, tokens=None, seconds=120)
    """
    if people_minutes is not None and not 0 <= people_minutes < 1e9:
        raise UsageError(f"caps: expected people_minutes of 0 or more, got {people_minutes}")
    return Caps(
        cost=None if usd is None else budget_cap(usd),
        calls=calls,
        tokens=tokens,
        seconds=None if people_minutes is None else int(60 * people_minutes),
    )
