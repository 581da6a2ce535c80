"""A provider on loopback that speaks the OpenAI chat protocol and fails as told: its log is the truth about money.

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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["CANARY", "FakeProvider", "Served", "fake_provider"]

CANARY = "sk-canary-5f2a9c71"

Fault = str
"""ok | 429 | 429:<Retry-After> | <status> | hangup | reset | truncated | html | invalid | prose | no_usage | empty
| error200 | gzip | long | echo | length | refusal | redirect | slow:<seconds> | refuse:<word> (400 if it is sent)"""


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

    def arrived(self, user: str, headers: Mapping[str, str], body: Mapping[str, Any], billed: int) -> Served:
        """Log a request."""
        with self._lock:
            number = len(self.log)
            fault = self.faults(number) if callable(self.faults) else self.faults.get(number, "ok")
            free = fault.startswith(("4", "refuse", "redirect", "529")) and fault != "408"
            served = Served(
                number, fault, user, 0 if free else billed, time.time(), headers.get("authorization", ""), headers, body
            )
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
        usage = {"prompt_tokens": len(raw) // 4, "completion_tokens": 8}
        cost_in, cost_out = self.provider.price
        billed = usage["prompt_tokens"] * cost_in + usage["completion_tokens"] * cost_out
        headers = {name.lower(): value for name, value in self.headers.items()}
        served = self.provider.arrived(body["messages"][-1]["content"], headers, body, billed)
        try:
            if self.provider.delay:
                time.sleep(self.provider.delay)
            self._answer(served, usage)
        except OSError:  # the client was killed
            self.close_connection = True
        finally:
            self.provider.left()

    def _answer(self, served: Served, usage: dict[str, int]) -> None:
        kind, _, detail = served.fault.partition(":")
        label = self._label(served.body)
        whole = _completion(json.dumps({"label": label}), usage, model=served.body["model"])
        plain: dict[str, bytes] = {
            "ok": whole,
            "html": b"<html><body>Please log in to the wifi</body></html>",
            "truncated": whole[: len(whole) // 2],
            "invalid": _completion('{"label": "MAYBE"}', usage),
            "prose": _completion(f"I think this is {label}, but it could also be something else.", usage),
            "no_usage": _completion(json.dumps({"label": label}), None),
            "odd_usage": _completion(json.dumps({"label": label}), {"prompt_tokens": -5, "completion_tokens": True}),
            "other_model": _completion(json.dumps({"label": label}), usage, model="cheaper-model"),
            "empty": b"",
            "error200": json.dumps({"error": {"message": "upstream overloaded", "code": 502}}).encode(),
            "long": _completion("x" * 2_000_000, usage),
            "length": _completion(label, usage, finish="length"),
            "refusal": _completion(None, usage, refusal="I cannot help with that."),
            "echo": _completion(json.dumps({"label": label, "reason": f"{served.authorization}"}), usage),
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
            error = {"error": {"message": f"Unsupported parameter: '{detail}'", "param": detail}}
            self._send(400 if refused else 200, json.dumps(error).encode() if refused else whole)
        else:
            message = f"fault {kind} {detail}; you sent {served.authorization}"
            retry = {"Retry-After": detail} if kind == "429" and detail else {}
            self._send(int(kind), json.dumps({"error": {"message": message}}).encode(), retry)

    def _label(self, body: Mapping[str, Any]) -> str:
        if self.provider.label is not None:
            return self.provider.label(body)
        form = body.get("response_format", {})
        enum: list[str] = form["json_schema"]["schema"]["properties"]["label"]["enum"] if "json_schema" in form else []
        return enum[0] if enum else "HAM"

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _break(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()


def _completion(
    text: str | None,
    usage: Mapping[str, Any] | None,
    *,
    model: str = "fake-1",
    finish: str = "stop",
    refusal: str | None = None,
) -> bytes:
    message = {"role": "assistant", "content": text, "refusal": refusal}
    body: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
    }
    if usage is not None:
        body["usage"] = {**usage, "total_tokens": sum(usage.values())}
    return json.dumps(body).encode()
