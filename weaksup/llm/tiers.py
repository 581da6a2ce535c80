"""Tiers: priced answerers, as `[[tiers]]` of weaksup.toml describes them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from weaksup.errors import ConfigError, PriceError
from weaksup.llm.addresses import OPENAI_URL, is_loopback
from weaksup.llm.openai_compatible import OpenAICompatible
from weaksup.llm.prices import Price, list_price, read_price
from weaksup.llm.provider import Provider
from weaksup.llm.replay import Replay
from weaksup.llm.simulated import Simulated, simulated_name

__all__ = ["PROVIDERS", "Tier", "make_tier", "read_tables", "read_tiers"]


DEFAULT_SHARE = 0.1  # of the rows: asking is for where the votes disagree


@dataclass(frozen=True, slots=True, eq=False)
class Tier:
    """A priced answerer: who answers, what it costs, how many calls at a time, on which share of the rows at most."""

    name: str
    provider: Provider
    price: Price
    concurrency: int = 8
    share: float = 1.0

    def __post_init__(self) -> None:
        if self.provider.kind == Simulated.kind:
            object.__setattr__(self, "name", simulated_name(self.name))
        if not self.name.strip() or not self.name.isprintable():
            raise ConfigError(f"tier: expected a printable name, got {self.name!r}")
        if not 1 <= self.concurrency <= 256:
            raise ConfigError(f'tier "{self.name}": expected a concurrency from 1 to 256, got {self.concurrency}')
        if not 0 < self.share <= 1:
            raise ConfigError(f'tier "{self.name}": expected a share above 0 and up to 1, got {self.share}')

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.provider.model

    @property
    def kind(self) -> str:
        """The kind of the provider: "openai", "replay", "simulated"."""
        return self.provider.kind


class _Settings:
    """The settings of one tier: each is taken once, with its type checked; what is left over is a mistake."""

    def __init__(self, settings: Mapping[str, Any], folder: Path) -> None:
        self._left = dict(settings)
        self.folder = folder
        self.name = str(settings.get("name", "?"))
        self.where = f'tier "{self.name}"'

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        """Return a setting; `...` as default means that it must be there."""
        value = self._left.pop(key, None)
        if value is None:
            if default is ...:
                raise ConfigError(f'{self.where}: the setting "{key}" is missing')
            return default
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ConfigError(f'{self.where}: "{key}": expected {_WORDS[kind]}, got {value!r}')
        return value

    def path(self, key: str) -> Path:
        """Return a setting that names a file, as seen from the folder of weaksup.toml."""
        return self.folder / str(self.take(key, str, ...))

    def finish(self) -> None:
        """Refuse what no part of the tier asked for."""
        if "api_key" in self._left:
            raise ConfigError(f'{self.where}: keys do not belong in a file; write api_key_env = "NAME"')
        if self._left:
            raise ConfigError(f'{self.where}: "{min(self._left)}" is not a setting; remove it or check its spelling')


_WORDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a table",
    object: "a value",
}


def _openai(settings: _Settings) -> tuple[Provider, Price]:
    model = settings.take("model", str, ...)
    base_url = settings.take("base_url", str, OPENAI_URL)
    provider = OpenAICompatible(
        model=model,
        base_url=base_url,
        api_key_env=settings.take("api_key_env", str, "OPENAI_API_KEY" if base_url == OPENAI_URL else None),
        max_tokens=settings.take("max_tokens", int, 100),
        timeout=settings.take("timeout", float, 60.0),
        params={"temperature": 0, **settings.take("params", dict, {})},
        where=settings.where,
    )
    free, price = settings.take("free", bool, False), settings.take("price", object)
    if free and not is_loopback(provider.base_url):
        raise PriceError(f"{settings.where}: free = true is for models on this machine; write price = {{...}}")
    if free or price is not None:
        return provider, read_price(price, free=free, where=settings.where)
    return provider, list_price(model, base_url=provider.base_url, where=settings.where)


def _replay(settings: _Settings) -> tuple[Provider, Price]:
    join = settings.take("join", str)
    if join not in (None, "id", "text"):
        raise ConfigError(f'{settings.where}: "join": expected "id" or "text", got "{join}"')
    free, price = settings.take("free", bool, False), settings.take("price", object)
    provider = Replay(
        path=settings.path("path"),
        model=settings.take("model", str, ...),
        join=join,
        prompt_id=settings.take("prompt_id", str),
        recorded_cost=price is None and not free,
        where=settings.where,
    )
    provider.open()
    if free or price is not None:
        return provider, read_price(price, free=free, where=settings.where)
    if provider.has_costs:
        return provider, Price(Decimal(0), Decimal(0), source="recorded cost_usd", free=True)
    provider.recorded_cost = False
    return provider, list_price(provider.model, base_url=None, where=settings.where)


def _simulated(settings: _Settings) -> tuple[Provider, Price]:
    provider = Simulated(
        truth=settings.path("truth"),
        error_rate=settings.take("error_rate", float, 0.05),
        model=settings.take("model", str, settings.name),
        seed=settings.take("seed", int, 0),
        id_column=settings.take("id_column", str, "id"),
        truth_column=settings.take("truth_column", str, "label"),
        where=settings.where,
    )
    free, price = settings.take("free", bool, False), settings.take("price", object)
    return provider, read_price(price, free=free, where=settings.where)


PROVIDERS: Mapping[str, Callable[[_Settings], tuple[Provider, Price]]] = {
    "openai": _openai,
    "replay": _replay,
    "simulated": _simulated,
}


def make_tier(settings: Mapping[str, Any], *, folder: str | Path = ".") -> Tier:
    """Make a tier of one `[[tiers]]` table; paths in it are seen from `folder`. Nothing is sent.

    >>> here = {"provider": "openai", "base_url": "http://127.0.0.1:8000/v1", "free": True}
    >>> make_tier({"name": "home", "model": "qwen", **here}).price.source
    'free'
    """
    left = _Settings(settings, Path(folder))
    name = left.take("name", str, ...)
    kind = left.take("provider", str, ...)
    if kind not in PROVIDERS:
        raise ConfigError(f'{left.where}: "provider": expected one of {", ".join(PROVIDERS)}, got "{kind}"')
    provider, price = PROVIDERS[kind](left)
    tier = Tier(name, provider, price, left.take("concurrency", int, 8), left.take("share", float, DEFAULT_SHARE))
    left.finish()
    return tier


def read_tiers(path: str | Path) -> tuple[Tier, ...]:
    """Make the tiers of a TOML file."""
    return tuple(make_tier(table, folder=Path(path).parent) for table in read_tables(path))


def read_tables(path: str | Path) -> list[dict[str, Any]]:
    """Read the tiers of a TOML file: its `[[tiers]]` tables, or the file itself as one tier."""
    file = Path(path)
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: expected a TOML file with [[tiers]], got {reason}") from None
    tables = data.get("tiers", [] if "corpus" in data else [data])
    if not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        raise ConfigError(f"{path}: expected [[tiers]] tables, found none")
    return tables
