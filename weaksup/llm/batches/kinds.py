"""Which tiers can batch: by the protocol that their provider speaks."""

from __future__ import annotations

from typing import Any

from weaksup.errors import ConfigError
from weaksup.llm.batches.anthropic import AnthropicBatches
from weaksup.llm.batches.api import BatchApi
from weaksup.llm.batches.openai import OpenAIBatches
from weaksup.llm.providers.provider import Provider

__all__ = ["BATCHING", "batch_api", "check_batch"]

_APIS: dict[str, type[OpenAIBatches | AnthropicBatches]] = {"openai": OpenAIBatches, "anthropic": AnthropicBatches}
BATCHING = tuple(_APIS)
"""The kinds of tiers, in weaksup.toml, that have a batch API."""


def check_batch(kind: str, where: str) -> None:
    """Refuse `batch = true` for a kind of tier that has no batch API."""
    if kind not in _APIS:
        have = " and ".join(f'"{name}"' for name in _APIS)
        raise ConfigError(f'{where}: batch = true is for tiers of the kinds {have}, got "{kind}"; remove batch')


def batch_api(provider: Provider, where: str) -> BatchApi:
    """Return the batch API of a provider; `where` names the tier."""
    check_batch(provider.kind, where)
    wire: Any = getattr(provider, "wire", None)
    if wire is None:
        raise ConfigError(f"{where}: expected a provider that sends over HTTP, got {type(provider).__name__}")
    return _APIS[provider.kind](wire, where)
