"""Language models: tiers and their prices, providers, and `ask`, the one place that spends money."""

from weaksup.llm.anthropic_messages import AnthropicMessages
from weaksup.llm.ask_tier import ask
from weaksup.llm.asked import Asked, Outcomes, Progress
from weaksup.llm.asking import source_of
from weaksup.llm.egress import Egress
from weaksup.llm.estimates import Estimate, estimate
from weaksup.llm.failures import Ambiguous, NotSent, Refused, Retries
from weaksup.llm.gguf import Gguf
from weaksup.llm.google_generate import GoogleGenerate
from weaksup.llm.openai_compatible import OpenAICompatible
from weaksup.llm.people import People
from weaksup.llm.prices import Price, show_dollars
from weaksup.llm.provider import Provider
from weaksup.llm.replay import Replay
from weaksup.llm.simulated import Simulated
from weaksup.llm.student import StudentProvider
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
