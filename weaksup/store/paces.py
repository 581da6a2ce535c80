"""Rate limits of tiers: what was asked for in each second of the last minute, shared by all processes of a store.

Not a token bucket: one that holds a minute's worth lets twice as much through in a minute. Here no 60 seconds ever
hold more than the limit.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, select, text

from weaksup.store.tables import PACES
from weaksup.store.use import Limits

__all__ = ["Paces", "give_back"]

_WINDOW = 61  # seconds: a minute, and one more as calls arrive somewhat later than they are counted
_NEAR = PACES.c.tier == bindparam("of_tier")
_FIND = select(PACES.c.second, PACES.c.requests, PACES.c.tokens).where(_NEAR, PACES.c.second > bindparam("after"))
_FORGET = delete(PACES).where(_NEAR, PACES.c.second <= bindparam("after"))
_PUT = text(
    "INSERT INTO paces (tier, second, requests, tokens) VALUES (:tier, :second, :requests, :tokens) "
    "ON CONFLICT (tier, second) DO UPDATE SET requests = excluded.requests, tokens = excluded.tokens"
)
_GIVE_BACK = text("UPDATE paces SET tokens = tokens - :tokens WHERE tier = :tier AND second = :second")


class Paces:
    """The last minute of the tiers of one transaction."""

    def __init__(self, connection: Connection, now: float) -> None:
        self._connection = connection
        self._now = now
        self._second = int(now)
        self._seconds: dict[str, dict[int, tuple[int, int]]] = {}
        self._changed: set[str] = set()

    def wait(self, tier: str, limits: Limits, tokens: int) -> float:
        """Return the seconds until a call of so many tokens has room; 0 where it has room now."""
        asked = self._load(tier)
        requests = 1 + sum(r for r, _ in asked.values())
        wanted = tokens + sum(t for _, t in asked.values())
        wait = 0.0
        for second, (r, t) in sorted(asked.items()):
            if _fits(requests, limits.requests_a_minute) and _fits(wanted, limits.tokens_a_minute):
                break
            requests, wanted = requests - r, wanted - t
            wait = second + _WINDOW - self._now
        return wait

    def count(self, tier: str, tokens: int) -> None:
        """Count a call of a tier that was asked to `wait` for no time."""
        requests, used = self._load(tier).get(self._second, (0, 0))
        self._seconds[tier][self._second] = (requests + 1, used + tokens)
        self._changed.add(tier)

    def save(self) -> None:
        """Write what has changed, and forget what is older than the minute."""
        for tier in sorted(self._changed):
            requests, tokens = self._seconds[tier][self._second]
            row = {"tier": tier, "second": self._second, "requests": requests, "tokens": tokens}
            self._connection.execute(_PUT, row)
            self._connection.execute(_FORGET, {"of_tier": tier, "after": self._second - _WINDOW})
        self._changed.clear()

    def _load(self, tier: str) -> dict[int, tuple[int, int]]:
        if tier not in self._seconds:
            found = self._connection.execute(_FIND, {"of_tier": tier, "after": self._second - _WINDOW})
            # A clock that was set back leaves seconds that have not come yet; they count for a minute at most.
            self._seconds[tier] = {s: (r, t) for s, r, t in found if s < self._second + _WINDOW}
        return self._seconds[tier]


def _fits(wanted: int, limit: int | None) -> bool:
    return limit is None or wanted <= limit


def give_back(connection: Connection, tier: str, *, opened: float, tokens: int) -> None:
    """Take back the tokens that a call reserved and did not use."""
    connection.execute(_GIVE_BACK, {"tier": tier, "second": int(opened), "tokens": tokens})
