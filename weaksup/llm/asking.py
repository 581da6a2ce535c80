"""Ask a tier about rows, under a budget that cannot be broken, and lose no paid answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Literal

from weaksup.errors import WeaksupError
from weaksup.llm.asked import Asked, Collected, Progress
from weaksup.llm.calls import Caller, Ended
from weaksup.llm.failures import Ambiguous, Retries
from weaksup.llm.jobs import Job, make_jobs
from weaksup.llm.pool import Pool
from weaksup.llm.prices import budget_cap
from weaksup.llm.tiers import Tier
from weaksup.protocols import PromptFunctionProtocol
from weaksup.store import Answer, Store
from weaksup.votes import Source

__all__ = ["ask", "source_of"]

_DOWN = "not sent: the provider stopped answering"


def source_of(tier: Tier, prompt: PromptFunctionProtocol) -> Source:
    """Return the source that the answers become: prompts of one model share a group, as their errors do."""
    return Source(f"{tier.name}/{prompt.name}", kind="tier", group=tier.model)


def ask(
    rows: Iterable[Any],
    prompt: PromptFunctionProtocol,
    tier: Tier,
    store: Store,
    *,
    run: str,
    budget_usd: float | Decimal,
    on_answer: Callable[[Progress], None] | None = None,
    retries: Retries | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Asked:
    """Ask a tier one prompt about every row (each with an `id`), in order, until done or out of budget.

    The budget is the cap, in dollars, on everything that `run` spends, in this call and before. Answers that the store
    has are used first and cost nothing; equal requests are sent once. Ctrl-C lets the calls in flight settle and raises
    KeyboardInterrupt; the same call again goes on where it stopped. A wrong key, an unknown model or an empty account
    raises `UsageError` or `ProviderError` at once; other failures are outcomes of their rows.
    """
    cap = budget_cap(budget_usd)
    session = _Session(prompt, tier, store, on_answer)
    tier.provider.open()
    try:
        return _ask(session, rows, run=run, cap=cap, retries=retries or Retries(), clock=clock, sleep=sleep)
    finally:
        tier.provider.close()


def _ask(
    session: _Session,
    rows: Iterable[Any],
    *,
    run: str,
    cap: int,
    retries: Retries,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Asked:
    prompt, tier = session.prompt, session.tier
    jobs = make_jobs(rows, prompt, tier.provider)
    for name, reason in jobs.broken.items():
        session.found.fail((name,), reason)
    session.total = jobs.rows
    left = session.use_stored(jobs.calls)
    stop = threading.Event()
    caller = Caller(prompt, tier, session.store, run=run, cap=cap, retries=retries, stop=stop, clock=clock, sleep=sleep)
    with Pool(caller, left, threads=tier.concurrency, stop=stop) as pool:
        for job, ended in pool:
            session.take(job, ended, in_a_row=retries.in_a_row)
            if session.stopped or session.fatal:
                stop.set()
    if session.fatal is not None:
        raise session.fatal
    session.leave(left)
    return session.asked(run)


class _Session:
    """One call of `ask`, as the thread that called it sees it."""

    def __init__(
        self,
        prompt: PromptFunctionProtocol,
        tier: Tier,
        store: Store,
        on_answer: Callable[[Progress], None] | None,
    ) -> None:
        self.prompt = prompt
        self.tier = tier
        self.store = store
        self.on_answer = on_answer
        self.found = Collected(prompt)
        self.total = 0
        self.spent = 0
        self.unknown = 0
        self.damaged = 0
        self.failures = 0  # rows that failed one after another
        self.stopped: Literal["", "budget", "provider"] = ""
        self.fatal: WeaksupError | None = None
        self._ended: set[str] = set()

    def use_stored(self, calls: Sequence[Job]) -> list[Job]:
        """Read the answers that are paid for already; return the calls that are left."""
        answers, damaged = self.store.find(job.key for job in calls)
        self.damaged += len(damaged)
        left = [job for job in calls if job.key not in answers or not self._read(job, answers[job.key])]
        self.found.cached = len(self.found.votes)
        self._report()
        return left

    def _read(self, job: Job, answer: Answer) -> bool:
        try:
            reply = self.tier.provider.read(answer.body)
        except Ambiguous:  # stored by another version of the provider, perhaps
            return False
        self.found.read(job.ids, reply)
        return True

    def take(self, job: Job, ended: Ended, *, in_a_row: int) -> None:
        """Take note of how a job ended."""
        self.spent += ended.paid
        self.unknown += ended.unknown
        if ended.fatal is not None:
            self.fatal = self.fatal or ended.fatal
        if ended.how == "answered":
            self._take_answer(job, ended)
        elif ended.how == "failed":
            self.found.fail(job.ids, ended.reason)
            self.failures += ended.counts
            self._ended.add(job.key)
        if ended.how == "budget" or ended.broke:
            self.stopped = self.stopped or "budget"
        elif ended.down or self.failures >= in_a_row:
            self.stopped = self.stopped or "provider"
        self._report()

    def _take_answer(self, job: Job, ended: Ended) -> None:
        """Read the label from the store, not from the wire: what counts is what was kept."""
        answers, _ = self.store.find([job.key])
        if job.key in answers and self._read(job, answers[job.key]):
            self.found.cached += 0 if ended.bought else len(job.ids)
        else:
            self.found.fail(job.ids, "the stored answer is damaged")
        self.failures = 0
        self._ended.add(job.key)

    def leave(self, left: Sequence[Job]) -> None:
        """Count the rows that were never sent."""
        for job in left:
            if job.key in self._ended:
                continue
            if self.stopped == "provider":
                self.found.fail(job.ids, _DOWN)
            else:
                self.found.not_asked += len(job.ids)
        self._report()

    def _report(self) -> None:
        if self.on_answer is not None:
            self.on_answer(Progress(self.found.done, self.total, self.spent))

    def asked(self, run: str) -> Asked:
        """Return what came of it."""
        sums = self.store.account(run)
        return Asked(
            source=source_of(self.tier, self.prompt),
            votes=self.found.votes,
            confidence=self.found.confidence,
            reasons=self.found.reasons,
            outcomes=self.found.outcomes(),
            spent=self.spent,
            unknown=self.unknown,
            run_spent=sums.spent,
            run_held=sums.held,
            stopped=self.stopped,
            notes=tuple(self._notes()),
        )

    def _notes(self) -> list[str]:
        notes = []
        if self.damaged:
            notes.append(f"{self.damaged:,} stored answers were damaged and not used")
        other = [model for model in self.found.models if model and not _same_model(model, self.tier.model)]
        if other:
            notes.append(f'asked for the model "{self.tier.model}", answered by "{other[0]}"')
        return notes


def _same_model(one: str, other: str) -> bool:
    """A dated snapshot (gpt-4o-mini-2024-07-18) is the model; folders and owners before it do not matter."""
    a, b = (name.lower().rpartition("/")[2] for name in (one, other))
    return a.startswith(b) or b.startswith(a)
