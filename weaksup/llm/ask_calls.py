"""One request after another, or many in a batch: the transport that a tier is set to."""

from __future__ import annotations

from collections.abc import Callable

from weaksup.llm.asked import Asked
from weaksup.llm.asking import ask_singly
from weaksup.llm.batches.asking import ask_batch
from weaksup.llm.tiers import Tier

__all__ = ["asker_of"]


def asker_of(tier: Tier) -> Callable[..., Asked]:
    """Return what asks a tier a request a row: `ask_batch` where it is set to batches, else `ask_singly`."""
    return ask_batch if tier.batch else ask_singly
