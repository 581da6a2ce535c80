"""The parameters that a tier may set for a language model, beside what holds the answer to its form and its price."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from weaksup.errors import ConfigError
from weaksup.protocols import Prompt

__all__ = ["check_params", "sampled_params"]


def check_params(params: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    """Refuse a parameter that would change what an answer costs, or how it is read; `where` names the tier."""
    odd = sorted(set(params) - known)
    if odd:
        raise ConfigError(f'{where}: "{odd[0]}" is not a parameter; the parameters are {", ".join(sorted(known))}')
    for name, value in params.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            raise ConfigError(f'{where}: "{name}": expected a value that JSON can hold, got {value!r}') from None
    if not isinstance(params.get("seed", 0), int):
        raise ConfigError(f'{where}: "seed": expected a whole number, got {params["seed"]!r}')


def sampled_params(params: Mapping[str, Any], prompt: Prompt) -> dict[str, Any]:
    """Return the parameters for a prompt: each sample gets a seed of its own where the tier sets one."""
    seed = {"seed": params["seed"] + prompt.sample} if prompt.sample and "seed" in params else {}
    return {**params, **seed}
