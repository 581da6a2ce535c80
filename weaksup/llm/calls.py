"""One call, from the reservation to the settled answer: the only place that spends money."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from weaksup.errors import WeaksupError
from weaksup.llm.failures import Ambiguous, NotSent, Retries, SendError
from weaksup.llm.jobs import Job, make_request
from weaksup.llm.pool import Done
from weaksup.llm.pricing.prices import Price, Usage
from weaksup.llm.providers.provider import Request
from weaksup.llm.tiers import Tier
from weaksup.protocols import PromptFunctionProtocol, Reply
from weaksup.store import Answer, Charge, Limits, Refusal, Reservation, Store

__all__ = ["Caller", "Ended", "make_answer", "too_long"]

_SLICE = 0.2  # seconds: a waiting thread looks this often whether it should stop
_FIRST_LOOK, _LAST_LOOK = 0.02, 0.4  # seconds between looks at a key or a budget that others hold
_IN_BATCH = "a batch that the provider works on has this request in it; ask with batch = true to fetch it"
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
    reply: Reply | None = None  # of an answer that was paid for here, not found
    counts: bool = False  # the failure says something about the provider's health
    down: bool = False  # the provider stopped answering
    broke: str = ""  # the cap that was reached
    fatal: WeaksupError | None = None


Bought = tuple[Reservation, Answer]


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
        limits: Limits,
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
        self.limits = limits
        self.retries = retries
        self.stop = stop
        self.clock = clock
        self.sleep = sleep
        self._slots = threading.Semaphore(tier.concurrency)  # there are more threads than slots: some are writing
        self._lock = threading.Lock()
        self._failed = 0  # rows, one after another
        self._not_before = 0.0  # the provider asked everybody to wait until then

    def __call__(self, job: Job, done: Done[Ended]) -> None:
        """Ask until there is an answer, or no further attempt may be made; `done` is called once that is on disk."""
        _, request = make_request(job.row, self.prompt, self.tier.provider)
        most = self.tier.provider.bound(request)
        if reason := too_long(most, self.tier.price, self.limits):
            done(Ended("failed", reason))
            return
        tier, price = self.tier, self.tier.price
        tokens = most.input_tokens + most.output_tokens
        cost = price.charge(most)
        charge = Charge(job.key, self.run, tier.name, tier.model, price.source, cost, tokens, most.seconds)
        ended, bought = self._attempts(request, charge)
        if bought is None:
            done(self._watched(ended))
        else:  # this thread goes on meanwhile: what it reserves next is written after this
            held, answer = bought
            self.store.settle_later(
                held, answer, then=lambda error: done(error or self._watched(ended)), seconds=most.seconds
            )

    def _watched(self, ended: Ended) -> Ended:
        """Stop everybody, at once, where the provider is down: rows fail one after another, or it asks for too long."""
        with self._lock:
            if ended.how == "answered":
                self._failed = 0
            elif ended.how == "failed" and ended.counts:
                self._failed += 1
            down = ended.down or self._failed >= self.retries.in_a_row
        if down:
            self.stop.set()
        return replace(ended, down=down)

    def _attempts(self, request: Request, charge: Charge) -> tuple[Ended, Bought | None]:
        so_far = Ended("stopped")
        attempts = ambiguous = forms = 0
        while True:
            held = self._reserve(charge)
            if not isinstance(held, Reservation):
                return _without_a_call(held, so_far), None
            answer = self._send_in_turn(held, request)
            if answer is None:
                continue
            if not isinstance(answer, SendError):
                body, reply = answer
                kept = make_answer(held, body, reply, self.tier.price)
                paid = so_far.paid + kept.cost
                return replace(so_far, how="answered", reason="", paid=paid, reply=reply), (held, kept)
            so_far = _after(so_far, answer, held)
            if answer.at_once and forms < _MOST_FORMS:
                forms += 1
                continue
            attempts += 1
            ambiguous += isinstance(answer, Ambiguous)
            if not answer.retry or attempts >= self.retries.attempts or ambiguous >= self.retries.ambiguous:
                return so_far, None
            wait = self.retries.wait(answer, attempt=attempts, key=charge.key)
            if wait is None:
                asked = f"{so_far.reason}; it asks to wait {answer.wait:.0f} s"
                return replace(so_far, reason=asked, down=True), None
            if answer.wait is None:  # else everybody waits
                self._pause(wait)

    def _reserve(self, charge: Charge) -> Reservation | Refusal | None:
        """Reserve as soon as nobody else asks the same and caps and rates allow; `None` when asking stops."""
        look = _FIRST_LOOK
        while not self._stopped_in_turn():
            got = self.store.reserve(charge, cap=self.cap, limits=self.limits)
            if isinstance(got, Reservation) or got.why in ("answered", "batch", "budget"):
                return got
            self._pause(got.seconds or look)
            look = min(2 * look, _LAST_LOOK)
        return None

    def _send_in_turn(self, held: Reservation, request: Request) -> tuple[bytes, Reply] | SendError | None:
        """Send once a slot is free; `None` where the provider, or Ctrl-C, said wait meanwhile: nothing was sent."""
        with self._slots:
            wait = self.stop.is_set() or self._to_wait() > 0
            sent = None if wait else self._send(held, request)
        if sent is None:
            self.store.release(held, "not sent: asked to wait, or to stop")
        elif isinstance(sent, Ambiguous):
            self.store.charge_in_full(held, sent.reason)
        elif isinstance(sent, SendError):
            self.store.release(held, sent.reason, sent=not isinstance(sent, NotSent))
        return sent

    def _stopped_in_turn(self) -> bool:
        """Wait until the provider wants calls again; return whether asking has stopped."""
        while not self.stop.is_set() and (wait := self._to_wait()) > 0:
            self._pause(wait)
        return self.stop.is_set()

    def _to_wait(self) -> float:
        """Return the seconds until the provider wants calls again; a clock that was set back adds none."""
        with self._lock:
            now = self.clock()
            self._not_before = min(self._not_before, now + self.retries.longest_wait)
            return self._not_before - now

    def _send(self, held: Reservation, request: Request) -> tuple[bytes, Reply] | SendError:
        """Send, and read what came; anything else that goes wrong is charged in full, and raised."""
        try:
            body = self.tier.provider.send(request)
            return body, self.tier.provider.read(body)
        except SendError as error:
            if error.wait is not None:  # at once, and for every thread: nothing is sent earlier
                with self._lock:
                    self._not_before = max(self._not_before, self.clock() + error.wait)
            if error.fatal is not None:
                self.stop.set()
            return error
        except BaseException as error:
            self.store.charge_in_full(held, f"weaksup failed: {type(error).__name__}")
            raise

    def _pause(self, seconds: float) -> None:
        while seconds > 0 and not self.stop.is_set():
            self.sleep(min(seconds, _SLICE))
            seconds -= _SLICE


def too_long(most: Usage, price: Price, limits: Limits) -> str:
    """Say why a prompt can never be sent, or return ""."""
    flat_to, a_minute = price.flat_to, limits.tokens_a_minute
    if flat_to is not None and most.input_tokens > flat_to:
        return f"the prompt is longer than the {flat_to:,} tokens that the price holds for"
    tokens = most.input_tokens + most.output_tokens
    if a_minute is not None and tokens > a_minute:
        return f"the call may need {tokens:,} tokens, more than the {a_minute:,} a minute that are allowed"
    return ""


def make_answer(held: Reservation, body: bytes, reply: Reply, price: Price | None) -> Answer:
    """Return the answer to store; it costs what was counted, or all that was reserved where nothing was.

    `price` is None where the call was made at a price that is not known any more: it costs all that was reserved.
    """
    if reply.cost is not None:
        cost = reply.cost
    elif price is None or reply.input_tokens is None or reply.output_tokens is None:
        cost = held.reserved
    else:
        cost = price.charge(Usage(reply.input_tokens, reply.output_tokens))
    return Answer(held.key, body, cost, reply.model, reply.input_tokens, reply.output_tokens)


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
    if refusal is not None and refusal.why == "answered":
        return replace(so_far, how="answered", reason="")
    if refusal is not None and refusal.why == "batch":
        return replace(so_far, how="failed", reason=_IN_BATCH, counts=False)
    broke = "" if refusal is None else refusal.cap
    if so_far.how == "failed":  # an attempt was made, and there is no leave for another
        return replace(so_far, broke=broke)
    return replace(so_far, how="budget" if broke else "stopped", broke=broke)
