"""One call, from the reservation to the settled answer: the only place that spends money."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from weaksup.errors import WeaksupError
from weaksup.llm.failures import Ambiguous, Retries, SendError
from weaksup.llm.jobs import Job, make_request
from weaksup.llm.prices import Usage
from weaksup.llm.provider import Request
from weaksup.llm.tiers import Tier
from weaksup.protocols import PromptFunctionProtocol, Reply
from weaksup.store import Answer, Charge, Refusal, Reservation, Store

__all__ = ["Caller", "Ended"]

_SLICE = 0.2  # seconds: a waiting thread looks this often whether it should stop
_FIRST_LOOK, _LAST_LOOK = 0.02, 0.4  # seconds between looks at a key or a budget that others hold
_MOST_FORMS = 8  # ways of writing one request that an endpoint may refuse


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended: answered (the answer is in the store), failed, or not asked; with what it cost.

    `paid` and `unknown` are micro-dollars; `unknown` is the part of `paid` that went to calls without an answer.
    """

    how: Literal["answered", "failed", "budget", "stopped"]
    reason: str = ""
    paid: int = 0
    unknown: int = 0
    bought: bool = False  # the answer was paid for here, not found
    counts: bool = False  # the failure says something about the provider's health
    down: bool = False  # the provider asked for a longer wait than is allowed
    broke: bool = False  # the budget ended between two attempts
    fatal: WeaksupError | None = None


class Caller:
    """Ask one tier one prompt function for one run; safe to call from many threads."""

    def __init__(
        self,
        prompt: PromptFunctionProtocol,
        tier: Tier,
        store: Store,
        *,
        run: str,
        cap: int,
        retries: Retries,
        stop: threading.Event,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self.prompt = prompt
        self.tier = tier
        self.store = store
        self.run = run
        self.cap = cap
        self.retries = retries
        self.stop = stop
        self.clock = clock
        self.sleep = sleep
        self._lock = threading.Lock()
        self._not_before = 0.0  # the provider asked everybody to wait until then

    def __call__(self, job: Job) -> Ended:
        """Ask until there is an answer, or no further attempt may be made."""
        _, request = make_request(job.row, self.prompt, self.tier.provider)
        most = self.tier.provider.bound(request)
        flat_to = self.tier.price.flat_to
        if flat_to is not None and most.input_tokens > flat_to:
            return Ended("failed", f"the prompt is longer than the {flat_to:,} tokens that the price holds for")
        charge = Charge(
            job.key, self.run, self.tier.name, self.tier.model, self.tier.price.source, self.tier.price.charge(most)
        )
        return self._attempts(request, charge)

    def _attempts(self, request: Request, charge: Charge) -> Ended:
        so_far = Ended("stopped")
        attempts = ambiguous = forms = 0
        while True:
            held = self._reserve(charge)
            if not isinstance(held, Reservation):
                return _without_a_call(held, so_far)
            answer = self._send(held, request)
            if isinstance(answer, Answer):
                return replace(so_far, how="answered", reason="", paid=so_far.paid + answer.cost, bought=True)
            so_far = _after(so_far, answer, held)
            if answer.at_once and forms < _MOST_FORMS:
                forms += 1
                continue
            attempts += 1
            ambiguous += isinstance(answer, Ambiguous)
            if not answer.retry or attempts >= self.retries.attempts or ambiguous >= self.retries.ambiguous:
                return so_far
            wait = self.retries.wait(answer, attempt=attempts, key=charge.key)
            if wait is None:
                asked = f"{so_far.reason}; it asks to wait {answer.wait:.0f} s"
                return replace(so_far, reason=asked, down=True)
            self._hold_back(answer, wait)

    def _reserve(self, charge: Charge) -> Reservation | Refusal | None:
        """Reserve as soon as nobody else asks the same and the held budget allows; `None` when asking stops."""
        look = _FIRST_LOOK
        while not self._stopped_in_turn():
            got = self.store.reserve(charge, cap=self.cap)
            if isinstance(got, Reservation) and self.stop.is_set():
                self.store.release(got, "stopped before it was sent")
                break
            if got not in (Refusal.BUSY, Refusal.WAIT):
                return got
            self._pause(look)
            look = min(2 * look, _LAST_LOOK)
        return None

    def _stopped_in_turn(self) -> bool:
        """Wait until the provider wants calls again; return whether asking has stopped."""
        while not self.stop.is_set() and (wait := self._not_before - self.clock()) > 0:
            self._pause(wait)
        return self.stop.is_set()

    def _send(self, held: Reservation, request: Request) -> Answer | SendError:
        """Send once. The answer is on disk, and charged, before anything looks for a label in it."""
        provider = self.tier.provider
        try:
            body = provider.send(request)
            reply = provider.read(body)
        except Ambiguous as error:
            self.store.charge_in_full(held, error.reason)
            return error
        except SendError as error:
            self.store.release(held, error.reason)
            return error
        except BaseException as error:
            self.store.charge_in_full(held, f"weaksup failed: {type(error).__name__}")
            raise
        cost = self._cost(reply, held)
        answer = Answer(held.key, body, cost, reply.model, reply.input_tokens, reply.output_tokens)
        self.store.settle(held, answer)
        return answer

    def _cost(self, reply: Reply, held: Reservation) -> int:
        """Charge what was counted; all that was reserved where the provider did not count."""
        if reply.cost is not None:
            return reply.cost
        if reply.input_tokens is None or reply.output_tokens is None:
            return held.reserved
        return self.tier.price.charge(Usage(reply.input_tokens, reply.output_tokens))

    def _hold_back(self, error: SendError, wait: float) -> None:
        """Wait before the next attempt; a wait that the provider asked for holds for every thread."""
        if error.wait is not None:
            with self._lock:
                self._not_before = max(self._not_before, self.clock() + wait)
        else:
            self._pause(wait)

    def _pause(self, seconds: float) -> None:
        while seconds > 0 and not self.stop.is_set():
            self.sleep(min(seconds, _SLICE))
            seconds -= _SLICE


def _after(so_far: Ended, error: SendError, held: Reservation) -> Ended:
    charged = held.reserved if isinstance(error, Ambiguous) else 0
    return replace(
        so_far,
        how="failed",
        reason=error.reason,
        paid=so_far.paid + charged,
        unknown=so_far.unknown + charged,
        counts=error.counts,
        fatal=error.fatal,
    )


def _without_a_call(refusal: Refusal | None, so_far: Ended) -> Ended:
    """End a job that may not send (again)."""
    if refusal is Refusal.ANSWERED:
        return replace(so_far, how="answered", reason="")
    if so_far.how == "failed":  # an attempt was made, and there is no leave for another
        return replace(so_far, broke=refusal is Refusal.BUDGET)
    return replace(so_far, how="budget" if refusal is Refusal.BUDGET else "stopped")
