"""Stages of a pipeline as a person writes them: a table of a price list, or `MODEL,share=15%,input_tokens=1200`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from weaksup.errors import UsageError
from weaksup.llm.pricing.cost import ModelStage, PeopleStage, Stage
from weaksup.llm.pricing.prices import Price

__all__ = ["FindPrice", "read_number", "read_stage", "split_stage"]

FindPrice = Callable[[str], Price]

_SHARES = ("share", "batch_discount")
# What a stage needs, and what it may have besides.
_MODEL = (("input_tokens", "output_tokens"), _SHARES)
_PEOPLE = (("hourly", "per_hour"), ("share",))


def read_stage(settings: Mapping[str, object], *, find_price: FindPrice, where: str) -> Stage:
    """Read one stage; a `model` called "people" is people, with `hourly` and `per_hour`."""
    numbers = {key: value for key, value in settings.items() if key != "model"}
    model = settings.get("model")
    if not isinstance(model, str) or not model.strip():
        raise UsageError(f"{where}: expected the name of a model, got {model!r}")
    needed, more = _PEOPLE if model == PeopleStage.model else _MODEL
    try:
        _check_keys(numbers, needed, more)
        read = {key: read_number(value, key, percent=key in _SHARES) for key, value in numbers.items()}
        return PeopleStage(**read) if model == PeopleStage.model else ModelStage(model, find_price(model), **read)
    except UsageError as error:
        raise type(error)(f"{where}: {error}") from None


def _check_keys(settings: Mapping[str, object], needed: tuple[str, ...], more: tuple[str, ...]) -> None:
    known = (*needed, *more)
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise UsageError(f'"{unknown[0]}" is not a setting of this stage; expected {", ".join(known)}')
    missing = [key for key in needed if key not in settings]
    if missing:
        raise UsageError(f'the setting "{missing[0]}" is missing; add {missing[0]} = NUMBER')


def read_number(value: object, name: str, *, percent: bool = False) -> Decimal:
    """Read a number from what TOML or a command line gives; `percent` takes "15%" for 0.15."""
    text = str(value).strip()
    try:
        if percent and text.endswith("%"):
            return Decimal(text.removesuffix("%")) / 100
        return Decimal(text)
    except InvalidOperation:
        raise UsageError(f'{name}: expected a number, got "{text}"') from None


def split_stage(text: str) -> dict[str, str]:
    """Split `MODEL,KEY=VALUE,...` into settings; a dash in a key is an underscore."""
    model, *parts = (part.strip() for part in text.split(","))
    settings = {"model": model}
    for part in parts:
        key, equals, value = part.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key:
            raise UsageError(f'--stage "{text}": expected MODEL,KEY=VALUE,..., got "{part}"')
        if key in settings:
            raise UsageError(f'--stage "{text}": {key} is there twice; keep one')
        settings[key] = value.strip()
    return settings
