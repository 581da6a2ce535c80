"""The outermost layer: nobody passes without access, no error leaves but as one line, everything is counted."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from weaksup.serve.access import Access
from weaksup.serve.meter import Meter
from weaksup.serve.refusal import Refusal, fault_bytes

__all__ = ["FAILED", "ROUTES", "Gate"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

ROUTES = ("/predict", "/labels", "/healthz", "/metrics", "/openapi.json")
FAILED = "the server failed on this request; its log says why"
_LOG = logging.getLogger("weaksup.serve")
_SAFE = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
_PATIENCE = 2.0  # seconds to let a refused client finish its body
_MOST = 32 << 20  # bytes of it


class Gate:
    """An ASGI application around another one."""

    def __init__(self, app: App, access: Access, meter: Meter) -> None:
        self._app, self._access, self._meter = app, access, meter

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # no lifespan and no WebSocket is used
            return
        began = time.perf_counter()
        exchange = _Exchange(scope, receive, send)
        try:
            self._access.check(scope)
            await self._app(scope, exchange.receive, exchange.send)
        except Refusal as refusal:
            await exchange.refuse(refusal.status_code, refusal.detail, refusal.headers or {})
        except Exception:  # noqa: BLE001  (the client gets one line, the log the rest)
            _LOG.exception("a request to %s failed", scope["path"] if scope["path"] in ROUTES else "an unknown route")
            await exchange.refuse(500, FAILED, {})
        finally:
            if exchange.status:
                route = scope["path"] if scope["path"] in ROUTES else "other"
                self._meter.answered(route, exchange.status, time.perf_counter() - began)


class _Exchange:
    """One request and its response."""

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        names = {name for name, _ in scope["headers"]}
        self._unread = bool(names & {b"content-length", b"transfer-encoding"})
        self._expects = b"expect" in names
        self.status = 0

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._unread = False
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            headers = [*message.get("headers", []), *_SAFE]
            if not await self._drained():
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        await self._send(message)

    async def refuse(self, status: int, message: str, headers: Mapping[str, str]) -> None:
        """Answer with one line, unless an answer is under way."""
        if self.status:
            return
        body = fault_bytes(message)
        listed = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        listed += [(name.encode(), value.encode()) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": listed})
        await self.send({"type": "http.response.body", "body": body})

    async def _drained(self) -> bool:
        """Read on to the end of a body that nobody wants: a client that is cut off while it sends loses the answer."""
        if self._expects and self._unread:
            return False
        left = _MOST
        try:
            async with asyncio.timeout(_PATIENCE):
                while self._unread and left > 0:
                    left -= len((await self.receive()).get("body", b""))
        except TimeoutError:
            return False
        return not self._unread
