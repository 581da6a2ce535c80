"""Any endpoint that speaks the OpenAI chat protocol: OpenAI, vLLM, Ollama, llama.cpp, LM Studio, DeepSeek, Mistral."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from weaksup.llm.pricing.prices import Usage
from weaksup.llm.providers.addresses import OPENAI_URL
from weaksup.llm.providers.chat import (
    PARAMS,
    chat_body,
    chat_fitting,
    completion_tokens,
    read_completion,
    usual_completion,
)
from weaksup.llm.providers.endpoint import Endpoint
from weaksup.llm.providers.fitting import Fitting
from weaksup.llm.providers.provider import Request
from weaksup.protocols import Prompt, Reply

__all__ = ["OpenAICompatible"]


@dataclass(slots=True, eq=False)
class OpenAICompatible(Endpoint):
    """One model at one address of the OpenAI chat protocol: POST {base_url}/chat/completions."""

    where: str = "openai"
    kind: ClassVar[str] = "openai"
    home: ClassVar[str] = OPENAI_URL
    known: ClassVar[frozenset[str]] = PARAMS
    key_header: ClassVar[tuple[str, str]] = ("authorization", "Bearer ")

    def _new_fitting(self) -> Fitting:
        # OpenAI wants the new name of the limit; the others know the old one, and some ignore the new one.
        return chat_fitting(new_limit=self.base_url == OPENAI_URL)

    def _path(self) -> str:
        return "/chat/completions"

    def _strictest(self, prompt: Prompt) -> dict[str, Any]:
        return chat_body(prompt, model=self.model, max_tokens=self.max_tokens, params=self.params)

    def bound(self, request: Request) -> Usage:
        """Return one token a byte."""
        return completion_tokens(request["body"])

    def expect(self, request: Request) -> Usage:
        """Return the usual length of the prompt's tokens and of a label in JSON."""
        return usual_completion(request["body"])

    def read(self, body: bytes) -> Reply:
        """Read a chat completion."""
        return read_completion(body)
