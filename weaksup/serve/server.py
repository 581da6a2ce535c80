"""Listen, answer, and stop in good order."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn

from weaksup.errors import UsageError
from weaksup.serve.access import Access, is_loopback
from weaksup.serve.connection import connections_within
from weaksup.serve.gate import Gate
from weaksup.serve.limits import Limits

__all__ = ["Server", "listen", "make_server", "run"]

_HEAD = 16 << 10  # bytes of a request line and headers
_BACKLOG = 1024
_IDLE = 5  # seconds that a connection may rest between two requests


class Server(uvicorn.Server):
    """uvicorn's server, without its signal handlers: `run` has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int, access: Access) -> socket.socket:
    """Open the socket of a server; port 0 takes any that is free.

    Raises UsageError where the address cannot be used, and where others could reach it without a token.
    """
    try:
        found = socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE) if host else []
    except (OSError, UnicodeError, OverflowError):
        found = []
    if not found:
        raise UsageError(
            f"expected an address of this machine for --host, got {host!r}; 127.0.0.1 is this machine alone"
        )
    family, kind, protocol, _, address = found[0]
    if access.token is None and not is_loopback(str(address[0])):
        advice = "give --token-file, or leave --host at 127.0.0.1"
        raise UsageError(f"expected a token for {host}, which others can reach, got none; {advice}")
    # With the protocol named, asyncio sends small answers at once (TCP_NODELAY): without it, each waits 40 ms.
    listening = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot listen on {host}:{port}: {reason}; choose another --host or --port") from None
    return listening


def make_server(app: Gate, limits: Limits) -> Server:
    """Make a server that is not running yet: `run` it, or call its `run(sockets=[...])` in a thread."""
    for name in ("uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).disabled = True  # it logs with tracebacks; `Gate` says what matters
    config = uvicorn.Config(
        app,
        http=connections_within(limits),
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=max(1, round(limits.timeout)),
        h11_max_incomplete_event_size=_HEAD,
        backlog=_BACKLOG,
    )
    return Server(config)


def run(server: Server, listening: socket.socket) -> int:
    """Answer until SIGINT or SIGTERM, finish what was begun, and return 130 or 143; a second signal stops at once."""
    caught: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        server.force_exit = bool(caught)
        server.should_exit = True
        caught.append(number)

    before: dict[int, Any] = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run(sockets=[listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        listening.close()
    return 128 + caught[0] if caught else 0
