"""How many tokens a tier counts for what is expected of a call, learned from answers that are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from weaksup.llm.pricing.prices import Usage
from weaksup.store import Answer

__all__ = ["TokenFit", "fit_tokens"]

_ENOUGH = 5  # stored answers from which their tokens are taken for the tier's
_LINE = 20  # stored answers from which length and overhead are told apart


@dataclass(frozen=True, slots=True)
class TokenFit:
    """How a tier counts: input tokens = `plus` + `times` what is expected, `output` tokens times what is expected."""

    plus: float = 0.0
    times: float = 1.0
    output: float = 1.0
    answers: int = 0
    of: str = ""

    def __call__(self, usage: Usage) -> Usage:
        if usage.cost is not None or not self.answers:
            return usage
        read = max(1, round(self.plus + self.times * usage.input_tokens))
        return Usage(read, max(0, round(self.output * usage.output_tokens)), seconds=usage.seconds)


def fit_tokens(told: Sequence[tuple[Usage, Answer]], of: str) -> TokenFit:
    """Learn how many tokens a tier counts for what is expected (least squares; a ratio where answers are few)."""
    known = [(e, a) for e, a in told if e.cost is None and a.input_tokens is not None and a.output_tokens is not None]
    if len(known) < _ENOUGH:
        return TokenFit()
    expected = np.array([[e.input_tokens, e.output_tokens] for e, _ in known], np.float64)
    counted = np.array([[a.input_tokens, a.output_tokens] for _, a in known], np.float64)
    middle, mean = expected.mean(axis=0), counted.mean(axis=0)
    ratio = mean / np.maximum(middle, 1e-9)
    times, about = float(ratio[0]), expected[:, 0] - middle[0]
    if len(known) >= _LINE and about.std() > 0.02 * middle[0]:
        times = float(np.clip((about * counted[:, 0]).sum() / (about**2).sum(), times / 4, times * 4))
    return TokenFit(float(mean[0] - times * middle[0]), times, float(ratio[1]), len(known), of)
