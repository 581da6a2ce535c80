"""A language model without a wire: a function from the request's body to what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from weaksup.llm import OpenAICompatible, Tier
from weaksup.llm.pricing.prices import read_price

__all__ = ["CALL_COST", "Scripted", "scripted"]

CALL_COST = 120  # micro-dollars: 100 tokens in at 1, 10 out at 2


@dataclass(slots=True, eq=False)
class Scripted(OpenAICompatible):
    """`say` returns the text of the answer, JSON to make it of, or an exception to raise; `sent` are the bodies."""

    model: str = "m"
    base_url: str = "http://127.0.0.1:1/v1"
    say: Callable[[Any], object] = lambda body: {"label": "HAM"}
    sent: list[Any] = field(default_factory=list)

    def open(self) -> None: ...

    def close(self) -> None: ...

    def send(self, request: Any) -> bytes:
        self.sent.append(request["body"])
        said = self.say(request["body"])
        if isinstance(said, Exception):
            raise said
        text = said if isinstance(said, str) else json.dumps(said)
        usage = {"prompt_tokens": 100, "completion_tokens": 10}
        return json.dumps({"choices": [{"message": {"content": text}}], "usage": usage, "model": "m"}).encode()


def scripted(say: Callable[[Any], object], **params: Any) -> tuple[Scripted, Tier]:
    """Make a tier of such a model."""
    provider = Scripted(say=say, params=params)
    price = read_price({"input": 1, "output": 2}, free=False, where="t")
    return provider, Tier("cheap", provider, price, concurrency=2)
