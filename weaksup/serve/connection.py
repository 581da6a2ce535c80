"""A connection that does not wait for ever: uvicorn's own, with clocks for slow senders and slow readers."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from weaksup.serve.limits import Limits
from weaksup.serve.refusal import fault_bytes

__all__ = ["connections_within"]


class _Connection(H11Protocol):
    """uvicorn waits for the head of a request, and for a client that reads, as long as they like."""

    limits = Limits()

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._head: asyncio.TimerHandle | None = None
        self._reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(503, f"{self.limits.connections} connections are open already; try again in a second")
            return
        self._head = self.loop.call_later(self.limits.timeout, self._slow_head)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self._head is None and not self.transport.is_closing():
            self._head = self.loop.call_later(self.limits.timeout, self._slow_head)
        elif not idle:
            self._forget_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        self._forget_reader()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reader = self._reader or self.loop.call_later(self.limits.timeout, self.transport.abort)

    def resume_writing(self) -> None:
        self._forget_reader()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "expected an HTTP/1.1 request, got something else" if msg else "")

    def _slow_head(self) -> None:
        self._head = None
        self._refuse(408, f"expected the head of a request within {self.limits.timeout:g} s")

    def _refuse(self, status: int, message: str) -> None:
        """Answer without a request, if none is being answered, and close."""
        if self.transport.is_closing():
            return
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE} and not self._answering():
            body = fault_bytes(message)
            head = f"HTTP/1.1 {status} {STATUS_PHRASES[status].decode()}\r\ncontent-type: application/json\r\n"
            head += f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode() + body)
        self.transport.close()

    def _forget_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
        self._head = None

    def _forget_reader(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
        self._reader = None

    def _answering(self) -> bool:
        return self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete


def connections_within(limits: Limits) -> type[asyncio.Protocol]:
    """Return the class of connections for a server with these limits."""
    return type("Connection", (_Connection,), {"limits": limits})
