"""Where requests wait and are answered: a few threads, a queue with an end, a clock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from starlette.requests import ClientDisconnect

from weaksup.distill import Predictor
from weaksup.distill.bundle.decide import Decisions, SetDecisions
from weaksup.distill.side_by_side import cores
from weaksup.serve.limits import Limits
from weaksup.serve.messages import Ask
from weaksup.serve.meter import Meter
from weaksup.serve.refusal import Refusal

__all__ = ["Desk"]

_STEP = 256  # texts between two looks at the clock


class Desk:
    """Reads bodies and classifies texts for one server, within its limits."""

    def __init__(self, model: Predictor, limits: Limits, meter: Meter, abstain_below: float | None) -> None:
        self._model, self._limits, self._meter = model, limits, meter
        self._abstain_below = abstain_below
        self._threads = ThreadPoolExecutor(cores(), thread_name_prefix="predict")
        self._waiting = 0
        self._held = 0  # bytes of bodies in memory

    async def read(self, pieces: AsyncIterator[bytes]) -> bytes:
        """Return the body of a request: 413 where it is too large, 408 where it is too slow, 429 where memory ends."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.timeout):
                async for piece in pieces:
                    self._held += len(piece)
                    body += piece
                    if len(body) > self._limits.body:
                        raise Refusal(413, f"expected a body of at most {self._limits.body:,} bytes, got more")
                    if self._held > self._limits.body * self._limits.concurrent:
                        raise _busy("too many large requests at once")
        except TimeoutError:
            raise Refusal(408, f"expected the whole body within {self._limits.timeout:g} s") from None
        except ClientDisconnect:
            raise Refusal(400, "expected a whole body, got a part") from None
        finally:
            self._held -= len(body)
        return bytes(body)

    async def answer(self, ask: Ask) -> Decisions | SetDecisions:
        """Classify the texts of a request: 429 where too many wait, 503 where it takes too long."""
        stop = threading.Event()
        with self._place():
            work = asyncio.get_running_loop().run_in_executor(self._threads, self._decide, ask, stop)
            try:
                async with asyncio.timeout(self._limits.timeout):
                    found = await work
            except TimeoutError:
                message = f"expected an answer within {self._limits.timeout:g} s, got none; send fewer texts at a time"
                raise Refusal(503, message, {"retry-after": "1"}) from None
            finally:
                stop.set()
        self._meter.decided(found)
        return found

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._waiting >= self._limits.concurrent:
            raise _busy(f"{self._waiting} requests wait already")
        self._waiting += 1
        self._meter.waiting.set(self._waiting)
        try:
            yield
        finally:
            self._waiting -= 1
            self._meter.waiting.set(self._waiting)

    def _decide(self, ask: Ask, stop: threading.Event) -> Decisions | SetDecisions:
        found = [np.empty((0, len(self._model.classes)), np.float32)]
        for start in range(0, len(ask.texts), _STEP):
            if stop.is_set():
                break
            found.append(self._model.predict_proba(ask.texts[start : start + _STEP], threads=1))
        limit = self._abstain_below if ask.abstain_below is None else ask.abstain_below
        return self._model.decide(np.concatenate(found), limit)


def _busy(what: str) -> Refusal:
    return Refusal(429, f"{what}; try again in a second", {"retry-after": "1"})
