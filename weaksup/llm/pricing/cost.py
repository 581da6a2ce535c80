"""What a pipeline costs, by arithmetic alone: items, shares, tokens, prices, people's hours. Nothing is rounded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from weaksup.errors import PriceError, UsageError
from weaksup.llm.pricing.prices import Price

__all__ = ["Bill", "Line", "ModelStage", "PeopleStage", "Stage", "bill"]

_MILLION = Decimal(1_000_000)
_ZERO, _ONE = Decimal(0), Decimal(1)
# The largest numbers taken: any cost then fits the 28 digits of a Decimal to far below a cent.
_MOST_ITEMS, _MOST_TOKENS, _MOST_WORK = Decimal(10) ** 12, Decimal(10) ** 9, Decimal(10) ** 6


@dataclass(frozen=True, slots=True)
class ModelStage:
    """A model that reads and writes so many tokens an item, on a share of all items.

    `batch_discount` is the part of the price that a provider's batch API takes off, from 0 to below 1.
    """

    model: str
    price: Price
    input_tokens: Decimal
    output_tokens: Decimal
    share: Decimal = _ONE
    batch_discount: Decimal = _ZERO

    def __post_init__(self) -> None:
        _check("share", self.share, "a share of the items from 0 to 1, or 15%", most=_ONE)
        _check("batch_discount", self.batch_discount, "a part of the price from 0 to below 1, or 50%", most=_ONE)
        if self.batch_discount == 1:
            raise UsageError("batch_discount: expected a part of the price below 1, got 1; say that the price is free")
        for side in ("input_tokens", "output_tokens"):
            _check(side, getattr(self, side), f"tokens an item, from 0 to {_MOST_TOKENS:,}", most=_MOST_TOKENS)
        flat_to = self.price.flat_to
        if flat_to is not None and self.input_tokens > flat_to:
            raise PriceError(f"the price holds up to {flat_to:,} input tokens, got {self.input_tokens:,}; give a price")

    def cost(self, items: Decimal) -> tuple[Decimal, Decimal]:
        """Return the dollars for what `items` items read, and for what they write."""
        per_token = items * (1 - self.batch_discount) / _MILLION
        return (
            self.input_tokens * self.price.input * per_token,
            self.output_tokens * self.price.output * per_token,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the stage as plain values."""
        price = {"input": float(self.price.input), "output": float(self.price.output), "source": self.price.source}
        return {
            "model": self.model,
            "share": float(self.share),
            "input_tokens": _plain(self.input_tokens),
            "output_tokens": _plain(self.output_tokens),
            "price": price,
            "batch_discount": float(self.batch_discount),
        }


@dataclass(frozen=True, slots=True)
class PeopleStage:
    """People who decide a share of all items: dollars an hour, items an hour."""

    hourly: Decimal
    per_hour: Decimal
    share: Decimal = _ONE

    model = "people"

    def __post_init__(self) -> None:
        _check("share", self.share, "a share of the items from 0 to 1, or 15%", most=_ONE)
        _check("hourly", self.hourly, f"dollars an hour, from 0 to {_MOST_WORK:,}", most=_MOST_WORK)
        _check("per_hour", self.per_hour, f"items an hour, from 0.000001 to {_MOST_WORK:,}", most=_MOST_WORK)
        if self.per_hour * _MOST_WORK < 1:
            raise UsageError(f"per_hour: expected at least 0.000001 items an hour, got {self.per_hour}")

    def hours(self, items: Decimal) -> Decimal:
        """Return the hours of work that `items` items take."""
        return items / self.per_hour

    def to_json(self) -> dict[str, Any]:
        """Return the stage as plain values."""
        rates = {"hourly": float(self.hourly), "per_hour": float(self.per_hour)}
        return {"model": self.model, "share": float(self.share), **rates}


Stage = ModelStage | PeopleStage


@dataclass(frozen=True, slots=True)
class Line:
    """One stage of a bill: the items that reach it, and their dollars; `parts` is a model's input and output."""

    stage: Stage
    items: Decimal
    usd: Decimal
    parts: tuple[Decimal, Decimal] | None = None

    @property
    def per_item(self) -> Decimal | None:
        """The dollars for one item; None where no item came."""
        return self.usd / self.items if self.items else None

    def to_json(self) -> dict[str, Any]:
        """Return the line as plain values."""
        found = {**self.stage.to_json(), "items": _plain(self.items)}
        if self.parts is not None:
            found |= {"input_usd": float(self.parts[0]), "output_usd": float(self.parts[1])}
        if isinstance(self.stage, PeopleStage):
            found["hours"] = float(self.stage.hours(self.items))
        return {**found, "usd": float(self.usd), "usd_per_item": _money(self.per_item)}


@dataclass(frozen=True, slots=True)
class Bill:
    """What a pipeline costs for so many items, stage by stage."""

    items: Decimal
    lines: tuple[Line, ...]

    @property
    def usd(self) -> Decimal:
        """The dollars of all stages."""
        return sum((line.usd for line in self.lines), start=_ZERO)

    def per(self, items: int) -> Decimal | None:
        """Return the dollars for `items` items of the same mix; None where the bill is for no item."""
        return self.usd * items / self.items if self.items else None

    def to_json(self) -> dict[str, Any]:
        """Return the bill as plain values."""
        return {
            "usd": float(self.usd),
            "items": _plain(self.items),
            "usd_per_item": _money(self.per(1)),
            "usd_per_10k": _money(self.per(10_000)),
            "usd_per_million": _money(self.per(1_000_000)),
            "stages": [line.to_json() for line in self.lines],
        }


def bill(stages: Iterable[Stage], items: Decimal | int) -> Bill:
    """Add up what the stages cost for `items` items; each stage has its own share of all of them.

    >>> nano = ModelStage("gpt-5-nano", Price(Decimal("0.05"), Decimal("0.40"), "list"), Decimal(700), Decimal(40))
    >>> bill([nano], 1_000_000).usd
    Decimal('51.00')
    """
    total = Decimal(items)
    _check("items", total, f"a number of items, from 0 to {_MOST_ITEMS:,}", most=_MOST_ITEMS)
    return Bill(total, tuple(_line(stage, total * stage.share) for stage in stages))


def _line(stage: Stage, items: Decimal) -> Line:
    if isinstance(stage, PeopleStage):
        return Line(stage, items, items * stage.hourly / stage.per_hour)
    parts = stage.cost(items)
    return Line(stage, items, sum(parts, start=_ZERO), parts)


def _check(name: str, value: Decimal, expected: str, *, most: Decimal) -> None:
    if not (value.is_finite() and 0 <= value <= most):
        raise UsageError(f"{name}: expected {expected}, got {value}")


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _money(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
