"""What a tier says of the golden rows, and what each of its answers cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import BudgetError, ProviderError
from weaksup.labels import ABSTAIN
from weaksup.llm import Asked, Tier, ask, show_dollars
from weaksup.llm.grouped import group_rows
from weaksup.llm.jobs import make_jobs, make_request
from weaksup.llm.samples import sample_prompts
from weaksup.pipeline.golden.rows import GoldenSet
from weaksup.pipeline.golden.scores import Score, score_golden
from weaksup.protocols import PromptFunctionProtocol
from weaksup.store import Limits, Store

__all__ = ["RUN", "TierAnswers", "ask_golden"]

RUN = "golden"
"""What the money of evaluations is booked on."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class TierAnswers:
    """The answers of a tier to n golden rows; `costs` [n] is what the stored answer of each row cost, micro-dollars."""

    tier: Tier
    asked: Asked
    costs: Floats

    def labels(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the class index of each row [n], ABSTAIN where there is none."""
        return np.array([self.asked.votes.get(i, ABSTAIN) for i in ids], np.int64)

    def score(self, golden: GoldenSet) -> Score:
        """Score them."""
        failed = sum(self.asked.outcomes.failed.values())
        said = self.labels(golden.ids)
        return score_golden(golden.gold, said, golden.labels.names, failed=failed, cost=float(self.costs.sum()))


def ask_golden(
    golden: GoldenSet,
    prompt: PromptFunctionProtocol,
    tier: Tier,
    store: Store,
    *,
    budget_usd: Decimal,
    limits: Limits,
    watch: Callable[[int], None],
) -> TierAnswers:
    """Ask a tier about every golden row, unless the store has its answer; `watch` is called with the rows done.

    Raise BudgetError or ProviderError where rows were left out: half a golden set is no score. What was answered is
    kept.
    """
    asked = ask(
        golden.rows,
        prompt,
        tier,
        store,
        run=RUN,
        budget_usd=budget_usd,
        limits=limits,
        on_answer=lambda now: watch(now.done),
    )
    done = f"{len(asked.votes):,} of {len(golden):,} rows of {tier.name} are answered and kept, nothing is recorded"
    why = "".join(f" ({note})" for note in asked.notes)
    if asked.stopped == "budget":
        spent = f"a cap on evaluations is reached{why}: budget ${budget_usd}, {show_dollars(asked.run_spent)} spent"
        raise BudgetError(f"{spent}; {done}; raise it and run again")
    if asked.stopped == "provider":
        raise ProviderError(f"the provider stopped answering{why}; {done}; run again when it is back")
    return TierAnswers(tier, asked, _costs(golden, prompt, tier, store))


def _costs(golden: GoldenSet, prompt: PromptFunctionProtocol, tier: Tier, store: Store) -> Floats:
    """Return what the stored answers cost, each divided among the rows that it answers, [n]."""
    at = {name: i for i, name in enumerate(golden.ids)}
    costs = np.zeros(len(golden))
    questions = _questions(golden.rows, prompt, tier)
    found = store.find(key for key, _ in questions)[0]
    for key, ids in questions:
        if key in found:
            costs[[at[name] for name in ids]] += found[key].cost / len(ids)
    return costs


def _questions(rows: Sequence[Any], prompt: PromptFunctionProtocol, tier: Tier) -> list[tuple[str, list[str]]]:
    """Return the key of every request that the rows need, with the ids of the rows that it answers."""
    if tier.items > 1:
        jobs, groups, grouped = group_rows(rows, prompt, tier, items=tier.items)
        fitted = tier.fitted(grouped)
        parts = [jobs.calls[start : start + tier.items] for start in range(0, len(jobs.calls), tier.items)]
        keys = [make_request(group, fitted, tier.provider)[0] for group in groups]
        return [(key, [i for job in part for i in job.ids]) for key, part in zip(keys, parts, strict=True)]
    every = sample_prompts(prompt, tier, tier.samples) if tier.samples > 1 else [prompt]
    return [(job.key, list(job.ids)) for one in every for job in make_jobs(rows, tier.fitted(one), tier.provider).calls]
