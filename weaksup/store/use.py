"""What a call uses, and the most that may be used: dollars, calls, tokens, people's time; all whole numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from weaksup.errors import UsageError

__all__ = ["Caps", "Limits", "Use"]


@dataclass(frozen=True, slots=True)
class Use:
    """What a call uses: `cost` in micro-dollars, `calls`, `tokens` in and out, `seconds` of people's time."""

    cost: int = 0
    calls: int = 0
    tokens: int = 0
    seconds: int = 0

    def __iter__(self) -> Iterator[int]:
        return iter((self.cost, self.calls, self.tokens, self.seconds))

    def __add__(self, other: Use) -> Use:
        return Use(
            self.cost + other.cost,
            self.calls + other.calls,
            self.tokens + other.tokens,
            self.seconds + other.seconds,
        )

    def __sub__(self, other: Use) -> Use:
        return Use(
            self.cost - other.cost,
            self.calls - other.calls,
            self.tokens - other.tokens,
            self.seconds - other.seconds,
        )


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that may be used of each, as in `Use`; `None` is no cap."""

    cost: int | None = None
    calls: int | None = None
    tokens: int | None = None
    seconds: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and value < 0:
                raise UsageError(f"caps: expected {field.name} of 0 or more, got {value}")

    def exceeded(self, have: Use, more: Use) -> str:
        """Name what `have + more` has too much of, or return "". What a call does not use cannot stop it."""
        for what, had, wanted, cap in zip(_WORDS, have, more, self._each(), strict=True):
            if cap is not None and wanted and had + wanted > cap:
                return what
        return ""

    def _each(self) -> tuple[int | None, ...]:
        return self.cost, self.calls, self.tokens, self.seconds


_WORDS = ("dollars", "calls", "tokens", "people-minutes")


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds beside a run's cap in dollars: `run` for the run, `day` for all runs of a store on one UTC day.

    `requests_a_minute` and `tokens_a_minute` hold for a tier, in any 60 seconds, over all processes of the store.
    """

    run: Caps = Caps()
    day: Caps = Caps()
    requests_a_minute: int | None = None
    tokens_a_minute: int | None = None

    def __post_init__(self) -> None:
        for name in ("requests_a_minute", "tokens_a_minute"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"limits: expected {name} of 1 or more, got {value}")

    @property
    def paced(self) -> bool:
        """Whether a rate is limited."""
        return self.requests_a_minute is not None or self.tokens_a_minute is not None
