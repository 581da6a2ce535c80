"""Ask a tier about rows, under a budget that cannot be broken, and lose no paid answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from weaksup.errors import WeaksupError
from weaksup.llm.asked import Asked, Collected, Progress
from weaksup.llm.calls import Caller, Ended
from weaksup.llm.failures import Ambiguous, Retries, one_line
from weaksup.llm.jobs import Job, make_jobs
from weaksup.llm.pool import Pool
from weaksup.llm.pricing.prices import budget_cap
from weaksup.llm.tiers import Tier
from weaksup.protocols import PromptFunctionProtocol
from weaksup.store import Answer, Limits, Store
from weaksup.votes import Source, SourceKind

__all__ = ["Session", "ask_singly", "source_of"]

_CHUNK = 1000  # rows whose stored answers are read at a time
_BUDGET = "dollars of the run"  # the cap that needs no naming
_KINDS: Mapping[str, SourceKind] = {"student": "student", "people": "person"}
_DOWN = "not sent: the provider stopped answering"


def source_of(tier: Tier, prompt: PromptFunctionProtocol) -> Source:
    """Return the source that the answers become: prompts of one model share a group, as their errors do."""
    kind = _KINDS.get(tier.kind, "tier")
    return Source(f"{tier.name}/{prompt.name}", kind=kind, group=tier.model)


def ask_singly(
    rows: Iterable[Any],
    prompt: PromptFunctionProtocol,
    tier: Tier,
    store: Store,
    *,
    run: str,
    budget_usd: float | Decimal,
    limits: Limits | None = None,
    on_answer: Callable[[Progress], None] | None = None,
    retries: Retries | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Asked:
    """Ask a tier one prompt about every row (each with an `id`), a call a row, in order, until done or out of budget.

    The budget is the cap, in dollars, on everything that `run` spends, in this call and before; `limits` holds further
    caps and rates. Answers that the store has are used first and cost nothing; equal requests are sent once. Ctrl-C
    lets the calls in flight settle and raises KeyboardInterrupt; the same call again goes on where it stopped. A wrong
    key, an unknown model or an empty account raises `UsageError` or `ProviderError` at once; other failures are
    outcomes of their rows.
    """
    cap = budget_cap(budget_usd)
    fitted = tier.fitted(prompt)
    caller = Caller(
        fitted,
        tier,
        store,
        run=run,
        cap=cap,
        limits=limits or Limits(),
        retries=retries or Retries(),
        stop=threading.Event(),
        clock=clock,
        sleep=sleep,
    )
    tier.provider.open()
    try:
        return _ask(Session(fitted, tier, store, on_answer), rows, caller)
    finally:
        tier.provider.close()


def _ask(session: Session, rows: Iterable[Any], caller: Caller) -> Asked:
    left = session.begin(rows)
    # Twice as many threads as connections: while one reserves, its connection has another call. Not where a rate holds:
    # a call that waits for a connection would be counted in one minute and sent in another.
    threads = session.tier.concurrency * (1 if caller.limits.paced else 2)
    with Pool(caller, left, threads=threads, stop=caller.stop) as pool:
        for job, ended in pool:
            session.take(job, ended)
            if session.stopped or session.fatal:
                caller.stop.set()
    if session.fatal is not None:
        raise session.fatal
    session.leave(left)
    return session.asked(caller.run)


class Session:
    """One call of `ask_singly` or `ask_batch`, as the thread that called it sees it."""

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
        self.stopped: Literal["", "budget", "provider"] = ""
        self.reached = ""  # the cap that stopped it
        self.fatal: WeaksupError | None = None
        self._ended: set[str] = set()

    def begin(self, rows: Iterable[Any]) -> list[Job]:
        """Render the rows and use the answers that are paid for already; return the calls that are left."""
        jobs = make_jobs(rows, self.prompt, self.tier.provider)
        for name, reason in jobs.broken.items():
            self.found.fail((name,), reason)
        self.total = jobs.rows
        return self.use_stored(jobs.calls)

    def use_stored(self, calls: Sequence[Job]) -> list[Job]:
        """Read the answers that are paid for already; return the calls that are left."""
        left: list[Job] = []
        for start in range(0, len(calls), _CHUNK):
            part = calls[start : start + _CHUNK]
            answers, damaged = self.store.find(job.key for job in part)
            self.damaged += len(damaged)
            left += [job for job in part if job.key not in answers or not self._read(job, answers[job.key])]
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

    def take(self, job: Job, ended: Ended) -> None:
        """Take note of how a job ended."""
        self.spent += ended.paid
        self.unknown += ended.unknown
        if ended.fatal is not None:
            self.fatal = self.fatal or ended.fatal
        if ended.how == "answered":
            self._take_answer(job, ended)
        elif ended.how == "failed":
            self.found.fail(job.ids, ended.reason)
            self._ended.add(job.key)
        if ended.broke:
            self.stopped = self.stopped or "budget"
            self.reached = self.reached or ended.broke
        elif ended.down:
            self.stopped = self.stopped or "provider"
        self._report()

    def _take_answer(self, job: Job, ended: Ended) -> None:
        """Read the label: of the answer that was bought, or of one that another process or thread put in the store."""
        self._ended.add(job.key)
        if ended.reply is not None:
            self.found.read(job.ids, ended.reply)
            return
        answers, _ = self.store.find([job.key])
        if job.key in answers and self._read(job, answers[job.key]):
            self.found.cached += len(job.ids)
        else:
            self.found.fail(job.ids, "the stored answer is damaged")

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
        if self.reached and self.reached != _BUDGET:
            notes.append(f"the cap on {self.reached} is reached")
        if self.damaged:
            notes.append(f"{self.damaged:,} stored answers were damaged and not used")
        other = [model for model in self.found.models if model and not _same_model(model, self.tier.model)]
        if other:
            notes.append(f'asked for the model "{self.tier.model}", answered by "{one_line(other[0])}"')
        return notes


def _same_model(one: str, other: str) -> bool:
    """A dated snapshot (gpt-4o-mini-2024-07-18) is the model; folders and owners before it do not matter."""
    a, b = (name.lower().rpartition("/")[2] for name in (one, other))
    return a.startswith(b) or b.startswith(a)
