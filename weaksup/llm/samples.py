"""Self-consistency: ask the same question several times, and take the label that most answers name.

Wang et al. (2023), Self-Consistency Improves Chain of Thought Reasoning in Language Models.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Protocol, Self, runtime_checkable

from weaksup.errors import ConfigError
from weaksup.labels import ABSTAIN
from weaksup.llm.ask_calls import asker_of
from weaksup.llm.asked import Asked, Progress, count_rows
from weaksup.llm.failures import Retries
from weaksup.llm.tiers import Tier
from weaksup.protocols import PromptFunctionProtocol
from weaksup.store import Limits, Store

__all__ = ["ask_samples", "sample_prompts"]

_DISAGREE = "the samples disagree"


@runtime_checkable
class _Sampled(PromptFunctionProtocol, Protocol):
    def sampled(self, number: int) -> Self: ...


def ask_samples(
    rows: Iterable[Any],
    prompt: PromptFunctionProtocol,
    tier: Tier,
    store: Store,
    *,
    samples: int,
    run: str,
    budget_usd: float | Decimal,
    limits: Limits | None = None,
    on_answer: Callable[[Progress], None] | None = None,
    retries: Retries | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Asked:
    """Ask a tier `samples` times about every row, as `ask` does, each answer reserved, paid and kept by itself.

    A row gets the label that more answers name than any other, and as its confidence the share of the `samples` that
    name it; where two labels are level, it abstains. The tier must be one that can answer differently: a model with a
    temperature above 0.
    """
    asked_rows = list(rows)
    every = sample_prompts(prompt, tier, samples)
    rounds: list[Asked] = []
    spent = 0
    for number, variant in enumerate(every):

        def watch(progress: Progress, before: int = number, paid: int = spent) -> None:
            if on_answer is not None:
                done = before * len(asked_rows) + progress.done
                on_answer(Progress(done, len(asked_rows) * samples, paid + progress.spent))

        asked = asker_of(tier)(
            asked_rows,
            variant,
            tier,
            store,
            run=run,
            budget_usd=budget_usd,
            limits=limits,
            on_answer=watch,
            retries=retries,
            clock=clock,
            sleep=sleep,
        )
        rounds.append(asked)
        spent += asked.spent
        if asked.stopped:
            break
    return _together(rounds, samples)


def sample_prompts(prompt: PromptFunctionProtocol, tier: Tier, samples: int) -> list[PromptFunctionProtocol]:
    """Return the same question once for each sample; raise `ConfigError` where the answers could not differ."""
    if samples < 1:
        raise ConfigError(f'tier "{tier.name}": expected samples of at least 1, got {samples}')
    heat = getattr(tier.provider, "params", {}).get("temperature", 1 if hasattr(tier.provider, "params") else 0)
    if samples > 1 and not (isinstance(heat, (int, float)) and heat > 0):
        what = "its answers are always the same"
        raise ConfigError(f'tier "{tier.name}": {what}; for samples, write params = {{temperature = 0.7}}')
    if not isinstance(prompt, _Sampled):
        raise ConfigError(f'prompt "{prompt.name}": samples need a prompt written with @prompt_function')
    return [prompt.sampled(number) for number in range(samples)]


def _together(rounds: Sequence[Asked], samples: int) -> Asked:
    """Make one result of the rounds; the counts are of rows, the money is of calls."""
    votes: dict[str, int] = {}
    confidence: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for asked in rounds:
        reasons.update(asked.reasons)
    for name in dict.fromkeys(name for asked in rounds for name in asked.votes):
        votes[name], count = _majority([asked.votes[name] for asked in rounds if name in asked.votes])
        if votes[name] != ABSTAIN:
            reasons.pop(name, None)
            confidence[name] = count / samples
        elif count:
            reasons[name] = _DISAGREE
    return replace(
        rounds[-1],
        votes=votes,
        confidence=confidence,
        reasons=reasons,
        outcomes=count_rows(
            votes, reasons, rows=rounds[0].outcomes.rows, cached=min(a.outcomes.cached for a in rounds)
        ),
        spent=sum(asked.spent for asked in rounds),
        unknown=sum(asked.unknown for asked in rounds),
        notes=tuple(dict.fromkeys(note for asked in rounds for note in asked.notes)),
    )


def _majority(codes: Sequence[int]) -> tuple[int, int]:
    """Return the label that is named most often, and how often; ABSTAIN where two are level, or nothing is named."""
    named = Counter(code for code in codes if code != ABSTAIN).most_common(2)
    if not named:
        return ABSTAIN, 0
    (code, count), *rest = named
    return (ABSTAIN, count) if rest and rest[0][1] == count else (code, count)
