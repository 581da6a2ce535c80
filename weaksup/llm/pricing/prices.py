"""What a call costs: prices per million tokens, exact arithmetic in micro-dollars, and no call without a price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from weaksup.errors import PriceError, UsageError
from weaksup.llm.pricing.model_names import is_that_model, nearest

__all__ = ["Price", "Usage", "budget_cap", "cost_of_dollars", "list_price", "read_price", "show_dollars"]

_MICRO = Decimal(1_000_000)
_NONE = Decimal(0)
# What the list does not know: both providers state in their guides to batches (2026) that all models cost half there.
_BATCH_DISCOUNTS = {"openai": Decimal("0.5"), "anthropic": Decimal("0.5")}
_MOST = Decimal(100_000)  # dollars per million tokens: above this somebody mistook the unit


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call used: tokens in and out, or its `cost` in micro-dollars where that is on record.

    `seconds` are those of people's time.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cost: int | None = None
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens, which is micro-dollars per token; `source` says who says so.

    A price of zero needs `free=True`. `flat_to` is the longest input, in tokens, that the price holds for.
    `batch_discount` is the part of the price that the provider's batch API takes off, from 0 to below 1;
    `batch_source` says who says that, where it is another.
    """

    input: Decimal
    output: Decimal
    source: str
    free: bool = False
    flat_to: int | None = None
    batch_discount: Decimal = _NONE
    batch_source: str = ""

    def __post_init__(self) -> None:
        if not (self.batch_discount.is_finite() and 0 <= self.batch_discount < 1):
            raise PriceError(f"price: expected a batch_discount from 0 to below 1, got {self.batch_discount}")
        for side, value in (("input", self.input), ("output", self.output)):
            if not value.is_finite() or value < 0 or value > _MOST:
                raise PriceError(f"price: expected dollars per million {side} tokens, from 0 to {_MOST}, got {value}")
            if value == 0 and not self.free:
                raise PriceError(f"price: the {side} price is 0; write free = true if the model costs nothing")
            if value > 0 and self.free:
                raise PriceError(f"price: free = true, but the {side} price is {value}; keep one of the two")

    def batched(self) -> Price:
        """Return the price of the same in a batch; its source says what is taken off."""
        if not self.batch_discount or self.free:
            return self
        part = 1 - self.batch_discount
        says = f" ({self.batch_source})" if self.batch_source else ""
        source = f"{self.source}, less {float(100 * self.batch_discount):g} % in a batch{says}"
        return replace(self, input=self.input * part, output=self.output * part, source=source, batch_discount=_NONE)

    def charge(self, usage: Usage) -> int:
        """Return the cost in micro-dollars, rounded up; a call that has a price costs at least 1."""
        if usage.cost is not None:
            return usage.cost
        exact = usage.input_tokens * self.input + usage.output_tokens * self.output
        return 0 if self.free else max(1, int(exact.to_integral_value(ROUND_CEILING)))


def read_price(settings: object, *, free: bool, where: str) -> Price:
    """Read `price = {input = 0.15, output = 0.6}` of a tier: dollars per million tokens.

    A `batch_discount` may stand beside them: the part of the price that the provider takes off in a batch.
    """
    if settings is None and free:
        return Price(Decimal(0), Decimal(0), source="free", free=True)
    if settings is None:
        raise PriceError(f"{where}: the price is missing; write price = {{input = 0.15, output = 0.6}}, or free = true")
    if not isinstance(settings, Mapping) or set(settings) - {"batch_discount"} != {"input", "output"}:
        raise PriceError(
            f"{where}: expected price = {{input = 0.15, output = 0.6}} in dollars per million tokens, got {settings!r}"
        )
    values = {name: _decimal(value, f'{where}: price "{name}"') for name, value in settings.items()}
    off = values.get("batch_discount", _NONE)
    try:
        return Price(values["input"], values["output"], source="the tier's settings", free=free, batch_discount=off)
    except PriceError as error:
        raise PriceError(f"{where}: {error}") from None


def _decimal(value: object, what: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise PriceError(f"{what}: expected a number, got {value!r}")
    try:
        return Decimal(str(value))  # by way of its text: 0.1 is then a tenth
    except InvalidOperation:
        raise PriceError(f"{what}: expected a number, got {value!r}") from None


_ADVICE = "write price = {input = ..., output = ...}, in dollars per million tokens"


def list_price(model: str, *, base_url: str | None, where: str, advice: str = _ADVICE) -> Price:
    """Look a model up in the price list of genai-prices, which is part of its package: nothing is downloaded.

    With a `base_url` the provider is the one at that address; else it is known by the model's name, or written before
    it: "groq/llama-3.1-8b-instant". A name has the price of a model where it is that model, a dated snapshot of it or
    its latest one, and none where it only begins alike. The highest of the prices that hold within a day is taken, so a
    call that crosses into peak hours is not charged too little. `advice` ends the message of the error.
    """
    from genai_prices import __version__
    from genai_prices.data_snapshot import get_snapshot

    maker, _, rest = model.partition("/")
    named = base_url is None and rest and any(maker == provider.id for provider in get_snapshot().providers)
    wanted = (rest, None, maker, None) if named else (model, None, None, base_url)
    try:
        provider, found = get_snapshot().find_provider_model(*wanted)
        if not is_that_model(wanted[0], found):  # it only begins like one
            raise LookupError
    except LookupError:
        at = f" at {base_url}" if base_url else ""
        near = nearest(model, _listed(model, base_url))
        raise PriceError(f'{where}: expected a model with a known price, got "{model}"{at}{near}; {advice}') from None
    try:
        price = _highest_today(found, source=f"genai-prices {__version__}: {provider.id}/{found.id}")
    except PriceError as error:
        raise PriceError(f'{where}, model "{model}": {error}; {advice}') from None
    off = _BATCH_DISCOUNTS.get(provider.id)
    return price if off is None else replace(price, batch_discount=off, batch_source="its maker's guide to batches")


def _listed(model: str, base_url: str | None) -> list[str]:
    """Return the names to have meant: a provider's at an address, else all; "groq/NAME" where `model` is that NAME."""
    from genai_prices.data_snapshot import get_snapshot

    snapshot = get_snapshot()
    try:
        providers = snapshot.providers if base_url is None else [snapshot.find_provider(None, None, base_url)]
    except LookupError:
        return []
    names = [(provider.id, found.id) for provider in providers for found in provider.models]
    served = [f"{provider}/{name}" for provider, name in names if name == model]
    return served or [name for _, name in names]


def _highest_today(found: Any, *, source: str) -> Price:
    now = datetime.now(UTC)
    today = [found.get_prices(now + timedelta(minutes=30 * step)) for step in range(48)]
    sides = {side: [getattr(price, f"{side}_mtok") for price in today] for side in ("input", "output")}
    bases = {side: [_base(value) for value in values] for side, values in sides.items()}
    if any(value is None for values in bases.values() for value in values):
        raise PriceError("the price list has no price per token")
    return Price(
        max(value for value in bases["input"] if value is not None),
        max(value for value in bases["output"] if value is not None),
        source=source,
        flat_to=min((start for values in sides.values() for v in values for start in _starts(v)), default=None),
    )


def _base(value: Any) -> Decimal | None:
    base = getattr(value, "base", value)
    return base if isinstance(base, Decimal) else None


def _starts(value: Any) -> list[int]:
    """Return the input lengths from which a longer input costs more."""
    return [tier.start for tier in getattr(value, "tiers", [])]


def cost_of_dollars(dollars: object, *, what: str) -> int:
    """Turn a recorded cost in dollars into micro-dollars, rounded up."""
    value = _decimal(dollars, what)
    if not value.is_finite() or value < 0 or value > _MOST:
        raise PriceError(f"{what}: expected dollars, got {dollars!r}")
    return int((value * _MICRO).to_integral_value(ROUND_CEILING))


def budget_cap(dollars: object) -> int:
    """Turn a budget in dollars into micro-dollars, rounded down."""
    try:
        value = _decimal(dollars, "budget")
    except PriceError as error:
        raise UsageError(str(error)) from None
    if not value.is_finite() or value < 0 or value > Decimal(10) ** 9:
        raise UsageError(f"budget: expected dollars, 0 or more, got {dollars}")
    return int((value * _MICRO).to_integral_value(ROUND_FLOOR))


def show_dollars(micro: int) -> str:
    """Show micro-dollars as dollars: cents from a dollar on, all digits that count below."""
    dollars = Decimal(micro) / _MICRO
    return f"${dollars:,.2f}" if abs(dollars) >= 1 else f"${dollars:.6f}".rstrip("0").ljust(5, "0")
