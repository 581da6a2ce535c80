"""Several rows in one request: the instructions are paid for once, and each row is read by an id of its own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import accumulate
from typing import Any, Protocol, Self, runtime_checkable

from weaksup.corpus.rows import Row
from weaksup.errors import ConfigError
from weaksup.labels import ABSTAIN
from weaksup.llm.ask_calls import asker_of
from weaksup.llm.asked import Asked, Collected, Progress
from weaksup.llm.failures import Ambiguous, Retries
from weaksup.llm.jobs import Job, Jobs, make_jobs, make_request
from weaksup.llm.tiers import Tier
from weaksup.protocols import Prompt, PromptFunctionProtocol, Reading, Reply
from weaksup.store import Limits, Store

__all__ = ["ManyPrompt", "ask_items", "group_rows"]

_DAMAGED = "the stored answer is damaged"


@runtime_checkable
class ManyPrompt(PromptFunctionProtocol, Protocol):
    """A prompt function that can ask about several rows at once."""

    def render_many(self, rows: Sequence[Any]) -> Prompt:
        """Turn several rows into one prompt with an id for each."""
        ...

    def read_many(self, text: str, items: Sequence[str]) -> tuple[Reading, ...]:
        """Turn a reply into a reading for each id."""
        ...

    def fitted(self, *, clean: Callable[[Row], Row] | None, wants: tuple[str, ...]) -> Self:
        """Return it as a tier may be asked it."""
        ...


@dataclass(frozen=True, slots=True)
class _Grouped:
    """A prompt function whose rows are groups: `{"id": ..., "rows": [...]}`."""

    each: ManyPrompt

    @property
    def name(self) -> str:
        return self.each.name

    @property
    def version(self) -> str:
        return self.each.version

    def fitted(self, *, clean: Callable[[Row], Row] | None, wants: tuple[str, ...]) -> _Grouped:
        return _Grouped(self.each.fitted(clean=clean, wants=wants))

    def render(self, row: Any) -> Prompt:
        return self.each.render_many(row["rows"])

    def read(self, _text: str) -> Reading:
        """Say nothing: what a reply says of which row depends on the ids of its group."""
        return Reading(ABSTAIN, "read by item")

    def parse(self, text: str) -> int:
        return self.read(text).code


def ask_items(
    rows: Iterable[Any],
    prompt: PromptFunctionProtocol,
    tier: Tier,
    store: Store,
    *,
    items: int,
    run: str,
    budget_usd: float | Decimal,
    limits: Limits | None = None,
    on_answer: Callable[[Progress], None] | None = None,
    retries: Retries | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Asked:
    """Ask a tier about the rows as `ask` does, but up to `items` of them in one request.

    A row that the reply leaves out, or names twice, abstains; a request that fails is the failure of all its rows. The
    same rows in the same order make the same requests, so what is paid for is found again.
    """
    jobs, groups, grouped = group_rows(rows, prompt, tier, items=items)
    fitted = tier.fitted(grouped)
    keys = [make_request(group, fitted, tier.provider)[0] for group in groups]
    sizes = [sum(len(job.ids) for job in part) for part in _parts(jobs, items)]
    stored, _ = store.find(keys)
    cached = sum(size for size, key in zip(sizes, keys, strict=True) if key in stored)
    rows_of = list(accumulate(sizes, initial=0))  # of the first groups

    def watch(progress: Progress) -> None:
        if on_answer is not None:
            on_answer(Progress(len(jobs.broken) + rows_of[progress.done], jobs.rows, progress.spent))

    asked = asker_of(tier)(
        groups,
        grouped,
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
    found = _read_groups(asked, jobs, keys, tier, store, prompt=fitted, items=items)
    found.cached = cached
    return replace(
        asked, votes=found.votes, confidence=found.confidence, reasons=found.reasons, outcomes=found.outcomes()
    )


def group_rows(
    rows: Iterable[Any], prompt: PromptFunctionProtocol, tier: Tier, *, items: int
) -> tuple[Jobs, list[dict[str, Any]], PromptFunctionProtocol]:
    """Return the jobs of single rows (equal ones are one), groups of them as rows, and the prompt function of groups.

    Raises ConfigError where the prompt or the tier cannot do with several rows.
    """
    many = _many(prompt)
    if items < 1:
        raise ConfigError(f'tier "{tier.name}": expected items of at least 1, got {items}')
    if not hasattr(tier.provider, "params"):
        raise ConfigError(f'tier "{tier.name}": only a language model takes several rows in one request')
    jobs = make_jobs(rows, tier.fitted(many), tier.provider)
    groups = [
        {"id": f"group {number}", "rows": [job.row for job in part]} for number, part in enumerate(_parts(jobs, items))
    ]
    return jobs, groups, _Grouped(many)


def _many(prompt: PromptFunctionProtocol) -> ManyPrompt:
    if not isinstance(prompt, ManyPrompt):
        raise ConfigError(f'prompt "{prompt.name}": several rows a request need a prompt written with @prompt_function')
    return prompt


def _parts(jobs: Jobs, items: int) -> list[Sequence[Job]]:
    return [jobs.calls[start : start + items] for start in range(0, len(jobs.calls), items)]


def _read_groups(
    asked: Asked, jobs: Jobs, keys: Sequence[str], tier: Tier, store: Store, *, prompt: Any, items: int
) -> Collected:
    """Read the stored replies of the groups, each row by its id."""
    found = Collected(prompt)
    for name, reason in jobs.broken.items():
        found.fail((name,), reason)
    replies, _ = store.find(keys)
    for number, (key, part) in enumerate(zip(keys, _parts(jobs, items), strict=True)):
        name = f"group {number}"
        ids = [job.ids for job in part]
        if name not in asked.votes and name not in asked.reasons:
            found.not_asked += sum(map(len, ids))
        elif name not in asked.votes or key not in replies:
            found.fail(tuple(i for some in ids for i in some), asked.reasons.get(name, _DAMAGED))
        else:
            reply = _reply(tier, replies[key].body)
            shown = prompt.render({"rows": [job.row for job in part]}).items
            for same, reading in zip(ids, prompt.each.read_many(reply.text, shown), strict=True):
                _take(found, same, reading, reply.fault)
    return found


def _reply(tier: Tier, body: bytes) -> Reply:
    try:
        return tier.provider.read(body)
    except Ambiguous:
        return Reply("", fault=_DAMAGED)


def _take(found: Collected, ids: Sequence[str], reading: Reading, fault: str) -> None:
    code = ABSTAIN if fault else reading.code
    found.votes.update(dict.fromkeys(ids, code))
    if code == ABSTAIN:
        found.abstained += Counter({fault or reading.reason: len(ids)})
        found.reasons.update(dict.fromkeys(ids, fault or reading.reason))
    elif reading.confidence is not None:
        found.confidence.update(dict.fromkeys(ids, reading.confidence))
