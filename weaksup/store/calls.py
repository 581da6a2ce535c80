"""What is said about a call: what it is for, leave to send it, why there is none, how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from weaksup.store.answers import Answer
from weaksup.store.use import Limits, Use

__all__ = ["Charge", "End", "Refusal", "Reservation", "State", "Want", "settled"]

State = Literal["done", "released", "unknown"]


@dataclass(frozen=True, slots=True)
class Charge:
    """What a call is for and what it may use at most: `most` in micro-dollars, tokens, seconds of people's time."""

    key: str
    run: str
    tier: str
    model: str
    price_source: str
    most: int
    tokens: int = 0
    seconds: int = 0

    @property
    def use(self) -> Use:
        """The most that the call may use."""
        return Use(self.most, 1, self.tokens, self.seconds)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Leave to send one call; it must be settled, released or charged in full."""

    id: int
    charge: Charge
    day: str
    opened: float
    paced: bool = False

    @property
    def key(self) -> str:
        """The key of the request."""
        return self.charge.key

    @property
    def reserved(self) -> int:
        """The most that the call may cost, in micro-dollars."""
        return self.charge.most


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no call may be sent now.

    `answered`: the answer is in the store. `busy`: another process or thread is asking the same. `batch`: a batch that
    a provider works on has the same request in it. `rate`: the tier's rate allows it in `seconds`. `wait`: the `cap` is
    held by calls in flight, and some of it may come back. `budget`: the `cap` is reached, or a batch has it for hours.
    """

    why: Literal["answered", "busy", "batch", "rate", "wait", "budget"]
    cap: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Want:
    """A wish to send a call; `cap` in micro-dollars on all that the run spends."""

    charge: Charge
    cap: int
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class End:
    """How a call ended, and what it used."""

    held: Reservation
    state: State
    used: Use
    note: str = ""
    answer: Answer | None = None


def settled(held: Reservation, answer: Answer, seconds: int = 0) -> End:
    """Return the end of a call that was answered; where its tokens were not counted, it used all that were reserved."""
    known = answer.input_tokens is not None and answer.output_tokens is not None
    tokens = (answer.input_tokens or 0) + (answer.output_tokens or 0) if known else held.charge.tokens
    return End(held, "done", Use(answer.cost, 1, tokens, seconds), answer=answer)
