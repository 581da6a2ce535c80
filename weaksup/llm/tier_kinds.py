"""How each kind of tier is made of its settings; a new kind is a function here and a line in `PROVIDERS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from weaksup.errors import ConfigError, PriceError
from weaksup.llm.pricing.prices import Price, list_price
from weaksup.llm.providers.addresses import OPENAI_URL, is_loopback
from weaksup.llm.providers.anthropic_messages import ANTHROPIC_URL, AnthropicMessages
from weaksup.llm.providers.endpoint import Endpoint
from weaksup.llm.providers.gguf import Gguf
from weaksup.llm.providers.google_generate import GOOGLE_URL, GoogleGenerate
from weaksup.llm.providers.openai_compatible import OpenAICompatible
from weaksup.llm.providers.people import People
from weaksup.llm.providers.provider import Provider
from weaksup.llm.providers.replay import Replay
from weaksup.llm.providers.simulated import Simulated
from weaksup.llm.providers.student import StudentProvider
from weaksup.llm.settings import TierSettings

__all__ = ["PROVIDERS"]

_LABEL_TOKENS, _REASON_TOKENS = 100, 200  # limits on an answer, where the tier sets none


class _Preset(NamedTuple):
    url: str
    key_env: str | None = None  # none: a server on this machine, which wants no key and costs nothing
    protocol: type[Endpoint] = OpenAICompatible


_PRESETS = {
    "openai": _Preset(OPENAI_URL, "OPENAI_API_KEY"),
    "anthropic": _Preset(ANTHROPIC_URL, "ANTHROPIC_API_KEY", AnthropicMessages),
    "google": _Preset(GOOGLE_URL, "GEMINI_API_KEY", GoogleGenerate),
    "deepseek": _Preset("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "mistral": _Preset("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "vllm": _Preset("http://127.0.0.1:8000/v1"),
    "ollama": _Preset("http://127.0.0.1:11434/v1"),
    "llamacpp": _Preset("http://127.0.0.1:8080/v1"),
    "lmstudio": _Preset("http://127.0.0.1:1234/v1"),
}


def _free(source: str) -> Price:
    return Price(Decimal(0), Decimal(0), source=source, free=True)


def _max_tokens(settings: TierSettings) -> int:
    return int(settings.take("max_tokens", int, _LABEL_TOKENS + settings.reason * _REASON_TOKENS))


def _params(settings: TierSettings, usual: Mapping[str, Any]) -> dict[str, Any]:
    logprobs = {"logprobs": True} if settings.take("logprobs", bool, False) else {}
    own = {**settings.take("params", dict, {}), **logprobs}
    if "thinking_level" in own:  # which excludes a budget
        usual = {name: value for name, value in usual.items() if name != "thinking_budget"}
    return {**usual, **own}


def _chat(settings: TierSettings, *, preset: _Preset) -> tuple[Provider, Price]:
    """Make a tier of an endpoint over HTTP; the kind says which address and which protocol is meant."""
    model = settings.take("model", str, ...)
    protocol = preset.protocol
    base_url = protocol.address(settings.take("base_url", str, preset.url))
    key_file = settings.path("api_key_file") if settings.has("api_key_file") else None
    key_env = None if base_url != preset.url or key_file is not None else preset.key_env
    provider = protocol(
        model=model,
        base_url=base_url,
        api_key_env=settings.take("api_key_env", str, key_env),
        api_key_file=key_file,
        max_tokens=_max_tokens(settings),
        timeout=settings.take("timeout", float, 60.0),
        params=_params(settings, protocol.usual),
        where=settings.where,
    )
    if provider.api_key_env is not None and key_file is not None:
        raise ConfigError(f"{settings.where}: write api_key_env or api_key_file, not both")
    return provider, _chat_price(settings, provider, free=preset.key_env is None)


def _chat_price(settings: TierSettings, provider: Endpoint, *, free: bool) -> Price:
    """Return the price: as set, or nothing for a server on this machine that is known to be one, or as listed."""
    here = is_loopback(provider.base_url)
    if settings.get("free") is True and not here:
        raise PriceError(f"{settings.where}: free = true is for models on this machine; write price = {{...}}")
    if free and here:
        return settings.price(lambda: _free("free: a server on this machine"))
    return settings.price(lambda: list_price(provider.model, base_url=provider.base_url, where=settings.where))


def _gguf(settings: TierSettings) -> tuple[Provider, Price]:
    provider = Gguf(
        path=settings.path("model"),
        max_tokens=_max_tokens(settings),
        context=settings.take("context", int, 4096),
        slots=settings.take("slots", int, 4),
        threads=settings.take("threads", int, 0),
        params=_params(settings, Endpoint.usual),
        where=settings.where,
    )
    return provider, settings.price(lambda: _free("free: a model in this process"))


def _student(settings: TierSettings) -> tuple[Provider, Price]:
    if settings.load_student is None:
        raise ConfigError(
            f"{settings.where}: a student is opened by weaksup.distill: make_tier(..., load_student=load_bundle)"
        )
    provider = StudentProvider(
        path=settings.path("model"), load=settings.load_student, model=settings.name, where=settings.where
    )
    return provider, _free("free: a student on this machine")


def _people(settings: TierSettings) -> tuple[Provider, Price]:
    rate, items = (settings.take(key, float, ...) for key in ("hourly_rate", "items_per_hour"))
    provider = People(
        path=settings.path("model"),
        hourly_rate=Decimal(str(rate)),
        items_per_hour=Decimal(str(items)),
        where=settings.where,
    )
    return provider, _free(f"${rate:,g} an hour, {items:,g} items an hour")


def _replay(settings: TierSettings) -> tuple[Provider, Price]:
    join = settings.take("join", str)
    if join not in (None, "id", "text"):
        raise ConfigError(f'{settings.where}: "join": expected "id" or "text", got "{join}"')
    stated = settings.has("price") or settings.get("free") is True
    provider = Replay(
        path=settings.path("path"),
        model=settings.take("model", str, ...),
        join=join,
        prompt_id=settings.take("prompt_id", str),
        recorded_cost=not stated,
        where=settings.where,
    )
    provider.open()
    if stated or provider.has_costs:
        return provider, settings.price(lambda: _free("recorded cost_usd"))
    provider.recorded_cost = False
    return provider, settings.price(lambda: list_price(provider.model, base_url=None, where=settings.where))


def _simulated(settings: TierSettings) -> tuple[Provider, Price]:
    provider = Simulated(
        truth=settings.path("truth"),
        error_rate=settings.take("error_rate", float, 0.05),
        model=settings.take("model", str, settings.name),
        seed=settings.take("seed", int, 0),
        id_column=settings.take("id_column", str, "id"),
        truth_column=settings.take("truth_column", str, "label"),
        where=settings.where,
    )
    return provider, settings.price()


PROVIDERS: Mapping[str, Callable[[TierSettings], tuple[Provider, Price]]] = {
    **{kind: partial(_chat, preset=preset) for kind, preset in _PRESETS.items()},
    "gguf": _gguf,
    "student": _student,
    "people": _people,
    "replay": _replay,
    "simulated": _simulated,
}
"""The kinds of tiers, by their words in weaksup.toml."""
