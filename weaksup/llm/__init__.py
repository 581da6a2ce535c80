"""Language models: tiers and their prices, providers, and `ask`, the one place that spends money."""

from weaksup.llm.ask_tier import ask
from weaksup.llm.asked import Asked, Outcomes, Progress
from weaksup.llm.asking import source_of
from weaksup.llm.egress import Egress
from weaksup.llm.estimates import Estimate, estimate
from weaksup.llm.failures import Ambiguous, NotSent, Refused, Retries
from weaksup.llm.pricing.prices import Price, show_dollars
from weaksup.llm.providers.anthropic_messages import AnthropicMessages
from weaksup.llm.providers.gguf import Gguf
from weaksup.llm.providers.google_generate import GoogleGenerate
from weaksup.llm.providers.openai_compatible import OpenAICompatible
from weaksup.llm.providers.people import People
from weaksup.llm.providers.provider import Provider
from weaksup.llm.providers.replay import Replay
from weaksup.llm.providers.simulated import Simulated
from weaksup.llm.providers.student import StudentProvider
from weaksup.llm.tiers import Tier, make_tier, read_tiers

__all__ = [
    "Ambiguous",
    "AnthropicMessages",
    "Asked",
    "Egress",
    "Estimate",
    "Gguf",
    "GoogleGenerate",
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
    "estimate",
    "make_tier",
    "read_tiers",
    "show_dollars",
    "source_of",
]
