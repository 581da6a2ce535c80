"""Follow batches until they end, and settle every call in them once, in whatever order the results come."""

from __future__ import annotations

from dataclasses import dataclass, field

from weaksup.llm.batches.api import BatchResult, BatchStatus
from weaksup.llm.batches.run import BatchRun
from weaksup.llm.calls import Ended, make_answer
from weaksup.llm.failures import Ambiguous, Refused, SendError
from weaksup.llm.jobs import make_request
from weaksup.llm.pricing.prices import Price
from weaksup.protocols import Reply
from weaksup.store import Batch, BatchItem, End, Use, settled

__all__ = ["BatchFollower"]

_CHUNK = 500  # answers in one transaction
_PATIENCE = 20  # looks that fail one after another before the provider counts as down
_LONGEST = 2 * 86_400.0  # seconds; a batch ends within a day, or expires
_KEPT = 30 * 86_400.0  # seconds; no provider keeps results longer
_MOST_FORMS = 8  # ways of writing one request that an endpoint may refuse
_MISSING = "the batch ended without a word on this request"
"""What is charged in full: nobody knows whether it was billed."""


@dataclass(slots=True)
class _Reading:
    """The results of one batch while they are read."""

    items: dict[str, BatchItem]
    answered: set[str] = field(default_factory=set)
    failed: dict[str, SendError] = field(default_factory=dict)
    twice: int = 0
    foreign: int = 0
    unreadable: int = 0

    @property
    def note(self) -> str:
        """What was odd about the results."""
        odd = ((self.twice, "came twice"), (self.foreign, "were not asked for"), (self.unreadable, "cannot be read"))
        parts = [f"{count:,} {what}" for count, what in odd if count]
        return f"of the results of a batch, {', '.join(parts)}" if parts else ""


class BatchFollower:
    """Follow the batches of one call of `ask_batch`."""

    def __init__(self, how: BatchRun) -> None:
        self._session = how.session
        self._how = how
        self._mine: set[int] = set()
        self._failed_looks = 0
        self._wait = 0.0  # seconds that the provider asked for
        self.notes: list[str] = []
        self._forms = 0  # in which requests were sent and refused

    def follow(self, mine: list[Batch], others: list[Batch], *, idle: set[int]) -> None:
        """Wait until all batches have ended: `mine` were sent by this call, `others` are claimed if nobody has them.

        Those of `idle` hold nothing that this call wants: they are looked at once.
        """
        waiting = [*mine, *others]
        self._mine |= {batch.id for batch in mine}
        try:
            while waiting and self._session.fatal is None:
                unended = [batch for batch in waiting if not self._look(batch)]
                waiting = [batch for batch in unended if batch.id not in idle]
                if waiting and self._session.fatal is None:
                    self._how.sleep(max(self._how.poll_seconds, self._wait))
        finally:
            for batch in [*mine, *others]:
                if batch.id in self._mine:
                    self._mine.discard(batch.id)
                    self._how.batches.let_go(batch)

    def _look(self, batch: Batch) -> bool:
        """Look at a batch once; return whether nothing more is to be waited for."""
        batches = self._how.batches
        if batch.id not in self._mine:
            if batches.read(batch).state != "running":
                return True
            if not batches.claim(batch):
                return False
            self._mine.add(batch.id)
        self._wait = 0.0
        try:
            status = self._how.api.poll(batch.provider_id)
            if status.ended:
                self._settle(batch, status)
            self._failed_looks = 0
        except SendError as error:
            return self._failed(batch, error)
        return status.ended or self._too_old(batch, status)

    def _failed(self, batch: Batch, error: SendError) -> bool:
        """Note a look that failed; return whether to stop looking."""
        if error.fatal is not None:
            if "HTTP 404" in error.reason and self._how.clock() - batch.created > _KEPT:
                self._settle(batch, BatchStatus("gone", ended=True))
                return True
            self._session.fatal = type(error.fatal)(f"{error.fatal} (batch {batch.provider_id})")
            return True
        self._failed_looks += 1
        self._wait = error.wait or 0.0
        if self._failed_looks < _PATIENCE and self._wait <= self._how.poll_seconds + self._how.retries.longest_wait:
            return False
        self._session.stopped = self._session.stopped or "provider"
        self._leave(batch, f"the provider does not say how its batch is ({error.reason})")
        return True

    def _too_old(self, batch: Batch, status: BatchStatus) -> bool:
        if self._how.clock() - batch.created < _LONGEST:
            return False
        self._session.stopped = self._session.stopped or "provider"
        self._leave(batch, f"its batch is not ended after two days ({status.word})")
        return True

    def _leave(self, batch: Batch, reason: str) -> None:
        """Fail the rows of a batch that goes on: the same command picks it up."""
        for key in self._how.batches.items(batch):
            if key in self._how.left:
                self._how.tell(key, Ended("failed", f"{reason}; run the same command again"))

    def _settle(self, batch: Batch, status: BatchStatus) -> None:
        """Settle all calls of an ended batch."""
        reading = _Reading(self._how.batches.items(batch))
        ends: list[tuple[End, Reply]] = []
        try:
            for result in self._how.api.results(status):
                if (end := self._read(result, reading)) is not None:
                    ends.append(end)
                if len(ends) == _CHUNK:
                    self._settle_answers(ends, reading)
                    ends = []
        finally:  # a download that broke off has brought some
            self._settle_answers(ends, reading)
        self._finish(batch, status, reading)

    def _read(self, result: BatchResult | None, reading: _Reading) -> tuple[End, Reply] | None:
        """Return how a call ended, where this result is its answer, and the first."""
        if result is None:
            reading.unreadable += 1
        elif result.key not in reading.items:
            reading.foreign += 1
        elif result.key in reading.answered:
            reading.twice += 1
        elif result.error is not None:
            reading.twice += result.key in reading.failed
            reading.failed.setdefault(result.key, result.error)
        else:
            return self._answer(result, reading)
        return None

    def _answer(self, result: BatchResult, reading: _Reading) -> tuple[End, Reply] | None:
        item = reading.items[result.key]
        try:
            reply = self._session.tier.provider.read(result.body)
        except Ambiguous as error:
            reading.failed[result.key] = error
            return None
        reading.answered.add(result.key)
        if item.state not in ("open", "unknown"):  # settled before this process was started
            return None
        return settled(item.held, make_answer(item.held, result.body, reply, self._price(item))), reply

    def _price(self, item: BatchItem) -> Price | None:
        """Return the price of a call, unless it was made when the tier had another model or another price."""
        tier, charge = self._session.tier, item.held.charge
        same = (charge.model, charge.price_source) == (tier.model, tier.price.source)
        return tier.price if same else None

    def _settle_answers(self, ends: list[tuple[End, Reply]], reading: _Reading) -> None:
        if not ends:
            return
        self._how.batches.settle([end for end, _ in ends])
        for end, reply in ends:
            paid = end.used.cost - reading.items[end.held.key].cost
            self._how.tell(end.held.key, Ended("answered", paid=paid, reply=reply))

    def _finish(self, batch: Batch, status: BatchStatus, reading: _Reading) -> None:
        """Settle the calls without an answer, and end the batch, in one transaction."""
        ends, told = [], []
        for key, item in reading.items.items():
            if key in reading.answered or item.state != "open":
                continue
            error = reading.failed.get(key) or _not_mentioned(status)
            free = isinstance(error, Refused)
            used = Use(calls=int(status.ran)) if free else item.held.charge.use
            ends.append(End(item.held, "released" if free else "unknown", used, error.reason))
            told.append((key, error, used.cost))
        self._how.batches.end(batch, ends, reading.note)
        self._mine.discard(batch.id)
        self.notes += [reading.note] if reading.note else []
        changed = self._forms < _MOST_FORMS and any(self._learn(key, error) for key, error, _ in told)
        self._forms += changed
        for key, error, cost in told:
            if not (changed and _of_the_form(error)):  # else it is sent again, in another form
                self._how.tell(key, Ended("failed", error.reason, paid=cost, unknown=cost, fatal=error.fatal))

    def _learn(self, key: str, error: SendError) -> bool:
        """Read a refusal of a parameter; return whether another form is worth sending."""
        provider, job = self._session.tier.provider, self._how.left.get(key)
        if job is None or not _of_the_form(error):
            return False
        _, request = make_request(job.row, self._session.prompt, provider)
        return bool(provider.learn(request, error))  # type: ignore[attr-defined]


def _of_the_form(error: SendError) -> bool:
    return isinstance(error, Refused) and not error.retry and error.fatal is None


def _not_mentioned(status: BatchStatus) -> SendError:
    if not status.ran:
        return Refused(status.reason, retry=True, counts=False)
    return Ambiguous(_MISSING)
