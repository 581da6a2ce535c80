"""A provider on loopback that speaks three protocols and fails as told: its log is the truth about money.

Every request is logged, to memory and to a file, before a byte of the answer is written.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from faults.dialects import Dialect, dialect_of

__all__ = ["CANARY", "FakeProvider", "Served", "fake_provider"]

CANARY = "sk-canary-5f2a9c71"

Fault = str
"""ok | 429 | 429:<Retry-After> | <status> | hangup | reset | truncated | html | invalid | prose | no_usage | empty
| error200 | gzip | long | echo | length | refusal | redirect | slow:<seconds> | refuse:<word> (400 if it is sent)
| wait:<seconds> (429 with Google's RetryInfo) | trickle (an error, byte by byte)"""


@dataclass(frozen=True)
class Served:
    """One request as the server saw it; `billed` in micro-dollars, `user` the user's message."""

    number: int
    fault: Fault
    user: str
    billed: int
    at: float
    authorization: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    path: str = ""


@dataclass
class FakeProvider:
    """What the server does: `faults` maps the request's number (from 0) to a fault, or is a function of it."""

    faults: Callable[[int], Fault] | Mapping[int, Fault] = field(default_factory=dict)
    label: Callable[[Mapping[str, Any]], str] | None = None
    delay: float = 0.0
    price: tuple[int, int] = (1, 2)  # micro-dollars a token, in and out
    log_file: Path | None = None
    log: list[Served] = field(default_factory=list)
    most_in_flight: int = 0
    base_url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _in_flight: int = 0

    @property
    def calls(self) -> int:
        """How many requests came in."""
        return len(self.log)

    @property
    def billed(self) -> int:
        """What a provider that bills whatever it has worked on would bill, in micro-dollars."""
        return sum(served.billed for served in self.log)

    @property
    def root(self) -> str:
        """The address without the version of a protocol."""
        return self.base_url.removesuffix("/v1")

    def arrived(
        self, dialect: Dialect, headers: Mapping[str, str], body: Mapping[str, Any], billed: int, path: str
    ) -> Served:
        """Log a request."""
        user, key = dialect.user(body), headers.get(dialect.key_header, "")
        with self._lock:
            number = len(self.log)
            fault = self.faults(number) if callable(self.faults) else self.faults.get(number, "ok")
            free = fault.startswith(("4", "redirect", "529", "wait")) and fault != "408"
            free |= fault.startswith("refuse:") and fault.removeprefix("refuse:") in json.dumps(body)
            served = Served(number, fault, user, 0 if free else billed, time.time(), key, headers, body, path)
            self.log.append(served)
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
            if self.log_file is not None:
                with self.log_file.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"number": number, "user": user, "billed": served.billed}) + "\n")
        return served

    def left(self) -> None:
        """Note that a request is answered."""
        with self._lock:
            self._in_flight -= 1


@contextmanager
def fake_provider(**settings: Any) -> Iterator[FakeProvider]:
    """Run a fake provider in threads of this process."""
    provider = FakeProvider(**settings)
    handler = type("Handler", (_Handler,), {"provider": provider})
    server = _Server(("127.0.0.1", 0), handler)
    provider.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the game."""


class _Handler(BaseHTTPRequestHandler):
    provider: FakeProvider
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        pass

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.loads(raw)
        dialect = dialect_of(self.path)
        tokens_in, tokens_out = len(raw) // 4, 8
        cost_in, cost_out = self.provider.price
        billed = tokens_in * cost_in + tokens_out * cost_out
        headers = {name.lower(): value for name, value in self.headers.items()}
        served = self.provider.arrived(dialect, headers, body, billed, self.path)
        try:
            if self.provider.delay:
                time.sleep(self.provider.delay)
            self._answer(served, dialect, dialect.usage(tokens_in, tokens_out))
        except OSError:  # the client was killed
            self.close_connection = True
        finally:
            self.provider.left()

    def _answer(self, served: Served, dialect: Dialect, usage: dict[str, int]) -> None:
        kind, _, detail = served.fault.partition(":")
        label = self._label(served.body, dialect)
        right = json.dumps({"label": label})
        say = partial(dialect.answer, body=served.body)
        whole = say(right, usage, model=served.body.get("model", "fake-1"))
        plain: dict[str, bytes] = {
            "ok": whole,
            "html": b"<html><body>Please log in to the wifi</body></html>",
            "truncated": whole[: len(whole) // 2],
            "invalid": say('{"label": "MAYBE"}', usage),
            "prose": say(f"I think this is {label}, but it could also be something else.", usage),
            "no_usage": say(right, None),
            "odd_usage": say(right, dialect.usage(-5, True)),
            "other_model": say(right, usage, model="cheaper-model"),
            "empty": b"",
            "error200": json.dumps({"error": {"message": "upstream overloaded", "code": 502}}).encode(),
            "long": say("x" * 2_000_000, usage),
            "length": say(label, usage, ended="length"),
            "refusal": say(None, usage, ended="refusal"),
            "echo": say(json.dumps({"label": label, "reason": f"{served.authorization}"}), usage),
        }
        if kind in plain:
            self._send(200, plain[kind])
        elif kind == "slow":
            time.sleep(float(detail))
            self._send(200, whole)
        elif kind in ("hangup", "reset"):
            self._break(reset=kind == "reset")
        elif kind == "gzip":
            self._send(200, whole, {"Content-Encoding": "gzip"})
        elif kind == "redirect":
            self._send(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"})
        elif kind == "refuse":
            refused = detail in json.dumps(served.body)
            error = dialect.error(f"Unsupported parameter: '{detail}'")
            self._send(400 if refused else 200, json.dumps(error).encode() if refused else whole)
        elif kind == "trickle":
            self._trickle()
        elif kind == "wait":
            self._send(429, json.dumps(dialect.error("quota", wait=f"{detail}s")).encode())
        else:
            message = f"fault {kind} {detail}; you sent {served.authorization}"
            retry = {"Retry-After": detail} if kind == "429" and detail else {}
            self._send(int(kind), json.dumps(dialect.error(message)).encode(), retry)

    def _label(self, body: Mapping[str, Any], dialect: Dialect) -> str:
        if self.provider.label is not None:
            return self.provider.label(body)
        enum = dialect.labels(body)
        return enum[0] if enum else "HAM"

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _trickle(self) -> None:
        self.close_connection = True
        self.send_response(500)
        self.send_header("Content-Length", "200")
        self.end_headers()
        for _ in range(200):
            self.wfile.write(b" ")
            time.sleep(0.1)

    def _break(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()
