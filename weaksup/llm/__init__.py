"""Language models: tiers and their prices, providers, and `ask`, the one place that spends money."""

from weaksup.llm.asked import Asked, Outcomes, Progress
from weaksup.llm.asking import ask, source_of
from weaksup.llm.egress import Egress
from weaksup.llm.estimates import Estimate, estimate
from weaksup.llm.failures import Ambiguous, NotSent, Refused, Retries
from weaksup.llm.gguf import Gguf
from weaksup.llm.grouped import ask_items
from weaksup.llm.openai_compatible import OpenAICompatible
from weaksup.llm.people import People
from weaksup.llm.prices import Price, show_dollars
from weaksup.llm.provider import Provider
from weaksup.llm.replay import Replay
from weaksup.llm.samples import ask_samples
from weaksup.llm.simulated import Simulated
from weaksup.llm.student import StudentProvider
from weaksup.llm.tiers import Tier, make_tier, read_tiers

__all__ = [
    "Ambiguous",
    "Asked",
    "Egress",
    "Estimate",
    "Gguf",
    "NotSent",
    "OpenAICompatible",
    "Outcomes",
    "People",
    "Price",
    "Progress",
    "Provider",
    "Refused",
    "Replay",
    "Retries",
    "Simulated",
    "StudentProvider",
    "Tier",
    "ask",
    "ask_items",
    "ask_samples",
    "estimate",
    "make_tier",
    "read_tiers",
    "show_dollars",
    "source_of",
]
