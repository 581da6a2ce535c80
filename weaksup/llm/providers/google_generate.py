"""Google's own protocol: POST {base_url}/v1beta/models/{model}:generateContent.

The answer is held to a response schema with the labels as an enum; an endpoint that refuses that is asked for JSON, and
then for text alone. Source: ai.google.dev, Gemini API, v1beta. There is no need for the `google-genai` package, for the
reasons that anthropic_messages.py gives.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from weaksup.errors import ConfigError
from weaksup.llm.failures import no_answer, one_line
from weaksup.llm.pricing.prices import Usage
from weaksup.llm.providers.answer_schema import answer_schema, counted, most_tokens, usual_tokens
from weaksup.llm.providers.endpoint import Endpoint
from weaksup.llm.providers.fitting import Fitting, Way, as_it_is, or_none
from weaksup.llm.providers.logprobs import label_confidence
from weaksup.llm.providers.params import sampled_params
from weaksup.llm.providers.provider import Request
from weaksup.protocols import Prompt, Reply

__all__ = ["GOOGLE_URL", "GoogleGenerate", "read_generated"]

GOOGLE_URL = "https://generativelanguage.googleapis.com"
_NAMES = {  # of the parameters, there
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "presence_penalty": "presencePenalty",
    "seed": "seed",
    "temperature": "temperature",
    "top_k": "topK",
    "top_p": "topP",
}
_THINKING = {"thinking_budget": "thinkingBudget", "thinking_level": "thinkingLevel"}
_MODEL = re.compile(r"(?!\.)[A-Za-z0-9._-]+(/(?!\.)[A-Za-z0-9._-]+)?")
_SCHEMA_WORDS = ("schema", "enum", "constraint", "controlled generation")
_JSON_WORDS = ("json", "mime")


@dataclass(slots=True, eq=False)
class GoogleGenerate(Endpoint):
    """One model at one address of Gemini's protocol."""

    where: str = "google"
    kind: ClassVar[str] = "google"
    home: ClassVar[str] = GOOGLE_URL
    version: ClassVar[str] = "/v1beta"
    known: ClassVar[frozenset[str]] = frozenset(_NAMES) | frozenset(_THINKING)
    # A label needs no thoughts, and they count against the limit on its length.
    usual: ClassVar[Mapping[str, Any]] = {"temperature": 0, "thinking_budget": 0}
    key_header: ClassVar[tuple[str, str]] = ("x-goog-api-key", "")

    def __post_init__(self) -> None:
        Endpoint.__post_init__(self)  # not super(): the class is made anew for its slots
        self.model = self.model.removeprefix("models/")
        if not _MODEL.fullmatch(self.model):
            raise ConfigError(f'{self.where}: expected a model like "gemini-2.5-flash", got "{self.model[:80]}"')
        if self.base_url.endswith("/openai"):
            advice = 'write provider = "openai" for that address, or leave base_url out'
            raise ConfigError(f"{self.where}: {self.base_url} speaks the OpenAI protocol; {advice}")

    def _new_fitting(self) -> Fitting:
        return Fitting(
            (Way(as_it_is, (*_SCHEMA_WORDS, *_JSON_WORDS)), Way(_json_mode, _JSON_WORDS), Way(_any_text)),
            (Way(as_it_is, ("instruction",)), Way(_one_message)),
            or_none("thinking", _config_without("thinkingConfig")),
            *(or_none(name, _config_without(there), (there.lower(),)) for name, there in sorted(_NAMES.items())),
        )

    def _path(self) -> str:
        folder = "" if "/" in self.model else "models/"
        return f"{self.version}/{folder}{self.model}:generateContent"

    def request(self, prompt: Prompt, row: Any, /) -> Request:
        """Say what would be sent; the model stands in the address, so it is said beside the body."""
        return {**Endpoint.request(self, prompt, row), "model": self.model}

    def _strictest(self, prompt: Prompt) -> dict[str, Any]:
        params = sampled_params(self.params, prompt)
        thinking = {there: params[name] for name, there in _THINKING.items() if name in params}
        return {
            "systemInstruction": {"parts": [{"text": prompt.system}]},
            "contents": [{"role": "user", "parts": [{"text": prompt.user}]}],
            "generationConfig": {
                **{there: params[name] for name, there in _NAMES.items() if name in params},
                **({"thinkingConfig": thinking} if thinking else {}),
                "maxOutputTokens": self.max_tokens * max(1, len(prompt.items)),
                "responseMimeType": "application/json",
                "responseSchema": _schema(answer_schema(prompt)),
            },
        }

    def bound(self, request: Request) -> Usage:
        """Return one token a byte; the limit on the answer holds for thoughts, too."""
        return most_tokens(request["body"], request["body"]["generationConfig"]["maxOutputTokens"])

    def expect(self, request: Request) -> Usage:
        """Return the usual length of the prompt's tokens and of a label in JSON."""
        body, config = request["body"], request["body"]["generationConfig"]
        parts = [*body["systemInstruction"]["parts"], *body["contents"][0]["parts"]]
        return usual_tokens([part["text"] for part in parts], config["responseSchema"], config["maxOutputTokens"])

    def read(self, body: bytes) -> Reply:
        """Read what was generated; the confidence only where the tier asks for log-probabilities."""
        return read_generated(body, logprobs=bool(self.params.get("logprobs")))


def _schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Write a schema in Google's words, which know neither references nor closed objects, and sort unless told."""
    if "$defs" in schema:
        one = _schema(schema["$defs"]["answer"])
        properties = dict.fromkeys(schema["properties"], one)
    else:
        properties = {
            name: {**part, "type": part["type"].upper(), **({"format": "enum"} if "enum" in part else {})}
            for name, part in schema["properties"].items()
        }
    names = list(properties)
    return {"type": "OBJECT", "properties": properties, "required": names, "propertyOrdering": names}


def _config_without(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def write(body: dict[str, Any]) -> dict[str, Any]:
        config = {key: value for key, value in body["generationConfig"].items() if key not in names}
        return {**body, "generationConfig": config}

    return write


_json_mode = _config_without("responseSchema")
_any_text = _config_without("responseSchema", "responseMimeType")


def _one_message(body: dict[str, Any]) -> dict[str, Any]:
    """Put the instructions before the question, for models that know no instructions."""
    parts = [*body["systemInstruction"]["parts"], *body["contents"][0]["parts"]]
    text = "\n\n".join(part["text"] for part in parts)
    left = {key: value for key, value in body.items() if key != "systemInstruction"}
    return {**left, "contents": [{"role": "user", "parts": [{"text": text}]}]}


def read_generated(body: bytes, *, logprobs: bool = False) -> Reply:
    """Read a response; raise `Ambiguous` where the body is none. A prompt that was blocked has no candidates."""
    try:
        data = json.loads(body)
        blocked = (data.get("promptFeedback") or {}).get("blockReason")
        candidates = data["candidates"] if "candidates" in data or not blocked else []
        candidate = candidates[0] if candidates or not blocked else {}
        parts = [part for part in (candidate.get("content") or {}).get("parts") or [] if not part.get("thought")]
        text = "".join(part["text"] for part in parts) if parts else None
        usage = data.get("usageMetadata")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise no_answer("generated content", body) from None
    used = usage if isinstance(usage, dict) else {}
    fault = f"blocked ({blocked})" if blocked else "two answers" if len(candidates) > 1 else _fault(candidate, text)
    return Reply(
        text=text or "",
        input_tokens=counted(used.get("promptTokenCount")),
        output_tokens=_output_tokens(used),
        model=str(data.get("modelVersion") or "")[:200],
        confidence=_confidence(candidate, text, used) if logprobs and not fault else None,
        fault=one_line(fault)[:100],
    )


def _fault(candidate: Mapping[str, Any], text: str | None) -> str:
    """Say why the text is no whole answer: only STOP ends one."""
    ended = candidate.get("finishReason")
    if ended == "MAX_TOKENS":
        return "cut off at max_tokens"
    if ended != "STOP":
        return f"blocked ({ended})" if isinstance(ended, str) else "the answer does not say that it is whole"
    return "" if text is not None else "no text in the answer"


def _output_tokens(used: Mapping[str, Any]) -> int | None:
    """Return the tokens of the answer and of thoughts; a count of nothing is left out there, so the total decides."""
    parts = [counted(used.get(name, 0)) for name in ("candidatesTokenCount", "thoughtsTokenCount")]
    prompt, total = counted(used.get("promptTokenCount")), counted(used.get("totalTokenCount"))
    if None in parts or prompt is None or (total is None and "candidatesTokenCount" not in used):
        return None
    return max(sum(part or 0 for part in parts), (total or 0) - prompt)


def _confidence(candidate: Mapping[str, Any], text: str | None, used: Mapping[str, Any]) -> float | None:
    """Return how sure the model was of the label: by its tokens, or by the average over an answer that is only it."""
    result = candidate.get("logprobsResult")
    chosen = result.get("chosenCandidates") if isinstance(result, Mapping) else None
    if isinstance(chosen, list):
        each = [{**token, "logprob": token.get("logProbability")} for token in chosen if isinstance(token, Mapping)]
        return label_confidence({"content": each} if len(each) == len(chosen) else None, text)
    average, tokens = candidate.get("avgLogprobs"), counted(used.get("candidatesTokenCount"))
    if isinstance(average, bool) or not isinstance(average, (int, float)) or not tokens or not _label_alone(text):
        return None
    return round(math.exp(min(average * tokens, 0.0)), 9) if math.isfinite(average) else None


def _label_alone(text: str | None) -> bool:
    try:
        return set(json.loads(text or "")) == {"label"}
    except (ValueError, TypeError, RecursionError):
        return False
