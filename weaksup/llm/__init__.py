"""Language models: tiers and their prices, providers, and `ask`, the one place that spends money."""

from weaksup.llm.asked import Asked, Outcomes, Progress
from weaksup.llm.asking import ask, source_of
from weaksup.llm.estimates import Estimate, estimate
from weaksup.llm.failures import Ambiguous, NotSent, Refused, Retries
from weaksup.llm.openai_compatible import OpenAICompatible
from weaksup.llm.prices import Price, show_dollars
from weaksup.llm.provider import Provider
from weaksup.llm.replay import Replay
from weaksup.llm.simulated import Simulated
from weaksup.llm.tiers import Tier, make_tier, read_tiers

__all__ = [
    "Ambiguous",
    "Asked",
    "Estimate",
    "NotSent",
    "OpenAICompatible",
    "Outcomes",
    "Price",
    "Progress",
    "Provider",
    "Refused",
    "Replay",
    "Retries",
    "Simulated",
    "Tier",
    "ask",
    "estimate",
    "make_tier",
    "read_tiers",
    "show_dollars",
    "source_of",
]
