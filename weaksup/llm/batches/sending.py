"""Send requests as batches: their money is reserved first, and the provider's id is stored before anything else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from weaksup.llm.batches.api import Uploaded
from weaksup.llm.batches.run import BatchRun
from weaksup.llm.calls import Ended, too_long
from weaksup.llm.failures import Ambiguous, SendError
from weaksup.llm.jobs import Job, make_request
from weaksup.llm.pricing.prices import Usage
from weaksup.store import Batch, Charge, Limits, Reserved

__all__ = ["BatchSender"]

_LOG = logging.getLogger(__name__)
_HALF = "the prompt holds half a character (a lone surrogate)"
_NO_MONEY = ("budget", "wait")
_LOST = "the batch may have been created, but its id was lost"


@dataclass(frozen=True, slots=True)
class _Line:
    """A request that is ready to be sent."""

    job: Job
    charge: Charge
    data: bytes


class BatchSender:
    """Send what is left of one call of `ask_batch`."""

    def __init__(self, how: BatchRun) -> None:
        self._session = how.session
        self._how = how
        self._interrupted = False

    def send(self, jobs: Sequence[Job]) -> list[Batch]:
        """Send as many of the jobs as the budget allows; return the batches.

        What fails for good is told, and so is what the budget does not reach. A job that is neither told nor sent is
        asked by somebody else.
        """
        sent: list[Batch] = []
        try:
            self._send(jobs, sent)
        except BaseException:
            for batch in sent:
                self._how.batches.let_go(batch)
            raise
        return sent

    def _send(self, jobs: Sequence[Job], sent: list[Batch]) -> None:
        asked: set[str] = set()
        for part in self._parts(jobs):
            got = self._reserve(part)
            if got.batch is not None:
                batch = self._create(got.batch, [line for line in part if line.job.key in got.calls])
                sent += [batch] if batch is not None else []
                if self._interrupted:
                    raise KeyboardInterrupt
            busy = {key for key, refusal in got.refused.items() if refusal.why not in _NO_MONEY}
            asked |= busy | set(got.calls)
            if reached := [refusal.cap for refusal in got.refused.values() if refusal.why in _NO_MONEY]:
                self._stop_for(reached[0], [job.key for job in jobs if job.key not in asked])
            if self._session.stopped or self._session.fatal:
                break

    def _reserve(self, part: Sequence[_Line]) -> Reserved:
        how, charges = self._how, [line.charge for line in part]
        tier, place = self._session.tier.name, how.api.place
        return how.batches.reserve(charges, run=how.run, tier=tier, place=place, cap=how.cap, limits=how.limits)

    def _stop_for(self, cap: str, keys: Sequence[str]) -> None:
        """Ask about no more rows: a cap is reached, or held by what is under way."""
        for key in keys:
            self._how.tell(key, Ended("budget", broke=cap))

    def _parts(self, jobs: Sequence[Job]) -> Iterator[list[_Line]]:
        """Cut the requests into batches that are not too large."""
        part: list[_Line] = []
        size = 0
        for line in self._lines(jobs):
            full = len(part) == self._how.api.most_requests or size + len(line.data) > self._how.api.most_bytes
            if part and full:
                yield part
                part, size = [], 0
            part.append(line)
            size += len(line.data)
        if part:
            yield part

    def _lines(self, jobs: Sequence[Job]) -> Iterator[_Line]:
        session, api = self._session, self._how.api
        for job in jobs:
            _, request = make_request(job.row, session.prompt, session.tier.provider)
            most = session.tier.provider.bound(request)
            if reason := too_long(most, session.tier.price, Limits()):
                self._how.tell(job.key, Ended("failed", reason))
                continue
            try:
                data = api.line(job.key, session.tier.provider.body(request))  # type: ignore[attr-defined]
            except UnicodeEncodeError:
                self._how.tell(job.key, Ended("failed", _HALF))
                continue
            yield _Line(job, self._charge(job, most), data)

    def _charge(self, job: Job, most: Usage) -> Charge:
        tier = self._session.tier
        tokens = most.input_tokens + most.output_tokens
        return Charge(job.key, self._how.run, tier.name, tier.model, tier.price.source, tier.price.charge(most), tokens)

    def _create(self, batch: Batch, lines: Sequence[_Line]) -> Batch | None:
        """Send one batch, again where the provider asks for that; `None` where it failed for good."""
        try:
            got = self._attempts(batch, [line.data for line in lines])
        except BaseException:
            self._abandon(batch)
            raise
        if isinstance(got, SendError):
            self._give_up(batch, lines, got)
        return None if isinstance(got, SendError) else got

    def _abandon(self, batch: Batch) -> None:
        """Leave a batch whose sending was broken off in such a state that no money is counted too low."""
        state = self._how.batches.read(batch).state
        if state == "running":
            self._how.batches.let_go(batch)
        else:
            lost = state == "creating"
            self._how.batches.give_up(batch, _LOST if lost else "not sent: broken off", charge=lost)

    def _attempts(self, batch: Batch, data: Sequence[bytes]) -> Batch | SendError:
        how, attempt = self._how, 0
        while True:
            attempt += 1
            created = False
            try:
                uploaded = how.api.upload(data)
                how.batches.creating(batch)
                created = True
                got = self._in_peace(batch, uploaded)
            except SendError as error:  # while uploading: that costs nothing, whatever became of it
                got = error
            if not isinstance(got, SendError) or (created and isinstance(got, Ambiguous)):
                return got
            how.batches.not_created(batch, got.reason)
            wait = how.retries.wait(got, attempt=attempt, key=str(batch.id))
            if not (got.retry and attempt < how.retries.attempts and wait is not None) or self._interrupted:
                return got
            how.sleep(wait)

    def _in_peace(self, batch: Batch, uploaded: Uploaded) -> Batch | SendError:
        """Create the batch and store its id, in a thread that Ctrl-C does not reach."""
        got: list[Batch | BaseException] = []
        done = threading.Event()

        def work() -> None:
            try:
                got.append(self._how.batches.started(batch, self._how.api.create(uploaded)))
            except BaseException as error:  # noqa: BLE001  (it is raised where it is waited for)
                got.append(error)
            done.set()

        threading.Thread(target=work, daemon=True, name="batch").start()
        try:
            done.wait()
        except KeyboardInterrupt:
            _LOG.warning("waiting for the id of the batch that is being sent; Ctrl-C again leaves at once")
            self._interrupted = True
            done.wait()
        if isinstance(got[0], BaseException) and not isinstance(got[0], SendError):
            raise got[0]
        return got[0]

    def _give_up(self, batch: Batch, lines: Sequence[_Line], error: SendError) -> None:
        """End a batch that was not created: its rows fail, free of charge where the provider said no."""
        charged = self._how.batches.read(batch).state == "creating"
        reason = f"{_LOST} ({error.reason})" if charged else f"the batch was not sent: {error.reason}"
        self._how.batches.give_up(batch, reason, charge=charged)
        self._session.fatal = self._session.fatal or error.fatal
        for line in lines:
            paid = line.charge.most if charged else 0
            self._how.tell(line.job.key, Ended("failed", reason, paid=paid, unknown=paid))
        self._session.stopped = self._session.stopped or "provider"
