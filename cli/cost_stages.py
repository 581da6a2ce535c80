"""The stages and prices that the options of `weaksup cost` describe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from weaksup.errors import PriceError, UsageError
from weaksup.llm.pricing.cost import Bill, PeopleStage, Stage, bill
from weaksup.llm.pricing.price_list import PriceList, same_name
from weaksup.llm.pricing.prices import Price, list_price
from weaksup.llm.pricing.stage_settings import FindPrice, read_number, read_stage, split_stage

__all__ = ["compare", "read_stages"]

_ADVICE = "give one: --price MODEL=IN/OUT, in dollars per million tokens"
_TOKENS = ("input_tokens", "output_tokens")


def read_stages(
    model: str | None,
    stages: Iterable[str],
    defaults: Mapping[str, str],
    listed: PriceList | None,
    own_prices: Iterable[str],
) -> list[Stage]:
    """Read --model and each --stage; what a model's stage leaves out comes from `defaults`."""
    if model is not None and not set(_TOKENS) <= set(defaults):
        raise UsageError("--model: expected --input-tokens and --output-tokens beside it, tokens an item; add them")
    own = _own_prices(own_prices)
    find = _finder(listed, own)
    wanted = [] if model is None else [({"model": model}, "--model")]
    wanted += [(split_stage(text), f'--stage "{text}"') for text in stages]
    read = []
    for settings, where in wanted:
        people = settings["model"] == PeopleStage.model
        read.append(read_stage(settings if people else {**defaults, **settings}, find_price=find, where=where))
    unused = set(own) - {same_name(stage.model) for stage in read}
    if unused:
        raise UsageError(f"--price: expected the model of a stage, got {min(unused)}, which is in none; check its name")
    return read


def _own_prices(texts: Iterable[str]) -> dict[str, Price]:
    found = {}
    for text in texts:
        model, _, price = text.rpartition("=")
        try:
            found[same_name(model)] = _own_price(price)
        except UsageError as error:
            raise PriceError(f'--price "{text}": expected MODEL=IN/OUT or MODEL=free; {error}') from None
    return found


def _own_price(text: str) -> Price:
    if text == "free":
        return Price(Decimal(0), Decimal(0), source="--price", free=True)
    read, _, written = text.partition("/")
    return Price(read_number(read, "the input price"), read_number(written, "the output price"), source="--price")


def _finder(listed: PriceList | None, own: Mapping[str, Price]) -> FindPrice:
    def find(model: str) -> Price:
        if same_name(model) in own:
            return own[same_name(model)]
        if listed is not None:
            return listed.price(model)
        return list_price(model, base_url=None, where="genai-prices", advice=_ADVICE)

    return find


def compare(listed: PriceList, items: Decimal, settings: Mapping[str, str]) -> list[Bill]:
    """Compute what each model of a price list costs at the same tokens an item, cheapest first."""
    workload = {key: getattr(listed, key) for key in _TOKENS if getattr(listed, key) is not None}
    found = []
    for model in listed.models:
        stage = read_stage(
            {"model": model, **workload, **settings}, find_price=listed.price, where=f"price list {listed.name}"
        )
        found.append(bill([stage], items))
    return sorted(found, key=lambda one: one.usd)
