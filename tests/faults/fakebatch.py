"""A provider of batches on loopback, of the OpenAI and the Anthropic shape, that fails as told.

Every request is logged, to memory and to a file, before a byte of the answer is written: the log is the truth about
what was submitted and what is billed.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from faults.batch_results import ItemFault, is_error, lines_of, tokens_of
from faults.dialects import CHAT, MESSAGES, Dialect

__all__ = ["FakeBatches", "fake_batches"]

Fault = str
"""Of a request: ok | <status> | 429:<Retry-After> | hangup (before it is taken) | lost (taken, no answer) | html
| noid | redirect | echo (the key comes back in an error) | cut (half of the results)."""


@dataclass
class FakeBatches:
    """`faults` maps "upload", "create", "poll" and "results" to the faults of the first, second ... such request."""

    faults: Mapping[str, list[Fault]] = field(default_factory=dict)
    items: Callable[[str, Mapping[str, Any]], ItemFault] = lambda _key, _body: "ok"
    ends: str = "completed"  # or failed, expired, cancelled
    polls: int = 1  # that say it goes on, before one says that it has ended
    seed: int = 0
    price: tuple[int, int] = (1, 2)  # micro-dollars a token, in and out
    discount: float = 0.5
    delay: float = 0.0
    log_file: Path | None = None
    log: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    billed: float = 0.0  # micro-dollars
    lost: set[str] = field(default_factory=set)  # batches whose creation was not answered
    address: str = ""
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def base_url(self) -> str:
        """Where the OpenAI shape is."""
        return f"{self.address}/v1"

    def count(self, what: str) -> int:
        """Return how many requests of a kind came in."""
        return sum(entry["what"] == what for entry in self.log)

    @property
    def submitted(self) -> Counter[str]:
        """How often each request is in a batch whose creation was answered."""
        return Counter(k for name, batch in self.batches.items() if name not in self.lost for k in batch["requests"])

    @property
    def fates(self) -> dict[str, list[ItemFault]]:
        """What became of each request, in each batch that has it."""
        found: dict[str, list[ItemFault]] = {}
        for batch in self.batches.values():
            for key, body in batch["requests"].items():
                found.setdefault(key, []).append(self.items(key, body) if self.ends == "completed" else self.ends)
        return found

    def arrived(self, what: str, **about: Any) -> Fault:
        """Log a request; return its fault."""
        with self._lock:
            number = self.count(what)
            planned = self.faults.get(what, [])
            fault = planned[number] if number < len(planned) else "ok"
            entry = {"what": what, "number": number, "fault": fault, **about}
            self.log.append(entry)
            if self.log_file is not None:
                with self.log_file.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(entry) + "\n")
        return fault

    def upload(self, content: bytes) -> str:
        """Keep the file of a form."""
        with self._lock:
            name = f"file-{len(self.files)}"
            self.files[name] = content
            return name

    def create(self, requests: Mapping[str, Mapping[str, Any]], dialect: Dialect, fault: Fault) -> str:
        """Take a batch: from now on its requests are asked and billed."""
        with self._lock:
            name = f"batch_{len(self.batches)}"
            self.batches[name] = {"requests": dict(requests), "polls": 0, "dialect": dialect}
            if fault in ("lost", "html", "noid") or fault.startswith("5"):
                self.lost.add(name)
            if self.ends == "completed":
                for key, body in requests.items():
                    if self.items(key, body).split(":")[0] not in ("expired", "canceled", "error"):
                        self.billed += self._bill(body)
            return name

    def _bill(self, body: Mapping[str, Any]) -> float:
        tokens_in, tokens_out = tokens_of(body)
        return (tokens_in * self.price[0] + tokens_out * self.price[1]) * (1 - self.discount)

    def has_ended(self, name: str) -> bool:
        """Count a poll."""
        with self._lock:
            self.batches[name]["polls"] += 1
            return bool(self.batches[name]["polls"] > self.polls)

    def results(self, name: str) -> tuple[bytes, bytes]:
        """Write the results of a batch, shuffled: the answers, and the errors."""
        batch = self.batches[name]
        good: list[bytes] = []
        bad: list[bytes] = []
        for key, body in batch["requests"].items():
            fault = self.items(key, body) if self.ends == "completed" else self.ends
            dialect = batch["dialect"]
            lines = lines_of(key, body, fault, dialect)
            (bad if is_error(fault) else good).extend(lines)
            if fault == "late":
                bad.extend(lines_of(key, body, "error:429", dialect))
        random.Random(f"{self.seed} {name}").shuffle(good)
        return b"".join(line + b"\n" for line in good), b"".join(line + b"\n" for line in bad)


@contextmanager
def fake_batches(**settings: Any) -> Iterator[FakeBatches]:
    """Run a fake provider of batches in threads of this process."""
    provider = FakeBatches(**settings)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": provider}))
    provider.address = f"http://127.0.0.1:{server.server_address[1]}"
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

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is part of the game."""


class _Handler(BaseHTTPRequestHandler):
    provider: FakeBatches
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the body waits for the client's word on the headers

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        pass

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path.endswith("/files"):
            fault = self.provider.arrived("upload", bytes=len(content), head=content[:400].decode("utf-8", "replace"))
            self._reply(fault, lambda: {"id": self.provider.upload(_file_of(content)), "object": "file"})
            return
        requests, dialect = self._requests(content)
        fault = self.provider.arrived("create", keys=list(requests))
        self._reply(fault, lambda: {"id": self.provider.create(requests, dialect, fault)})

    def _requests(self, content: bytes) -> tuple[dict[str, Any], Dialect]:
        body = json.loads(content)
        if self.path.endswith("/messages/batches"):
            return {one["custom_id"]: one["params"] for one in body["requests"]}, MESSAGES
        lines = self.provider.files[body["input_file_id"]].splitlines()
        return {one["custom_id"]: one["body"] for one in map(json.loads, lines)}, CHAT

    def do_GET(self) -> None:
        parts = self.path.strip("/").split("/")
        if parts[-1] in ("content", "results"):
            name, _, kind = parts[-2].partition("-")
            fault = self.provider.arrived("results", batch=name)
            good, bad = self.provider.results(name)
            self._reply(fault, lambda: {"output": good, "errors": bad}.get(kind, good + bad))
            return
        name = parts[-1]
        fault = self.provider.arrived("poll", batch=name)
        if name not in self.provider.batches:
            fault = "404"
        self._reply(fault, lambda: self._status(name))

    def _status(self, name: str) -> dict[str, Any]:
        ended = self.provider.has_ended(name)
        if "/messages/" in self.path:
            elsewhere = "http://127.0.0.1:9/results"
            return {"id": name, "processing_status": "ended" if ended else "in_progress", "results_url": elsewhere}
        status: dict[str, Any] = {"id": name, "status": self.provider.ends if ended else "in_progress"}
        if ended and self.provider.ends == "failed":
            return status | {"errors": {"data": [{"code": "bad", "message": "line 1 is not JSON", "line": 1}]}}
        good, bad = self.provider.results(name) if ended else (b"", b"")
        status["output_file_id"] = f"{name}-output" if good else None
        status["error_file_id"] = f"{name}-errors" if bad else None
        return status

    def _reply(self, fault: Fault, act: Callable[[], Any]) -> None:
        """Act, unless the fault comes before; then answer as told."""
        if self.provider.delay:
            time.sleep(self.provider.delay)
        kind, _, detail = fault.partition(":")
        taken = kind in ("ok", "lost", "html", "noid", "cut") or kind.startswith("5")
        said = act() if taken else {"error": {"message": f"fault {kind}; {self.headers.get('authorization')}"}}
        if kind in ("lost", "hangup"):
            self.close_connection = True
            self.connection.close()
            return
        data = said if isinstance(said, bytes) else json.dumps(said).encode()
        data = {"html": b"<html>please log in</html>", "noid": b'{"id": "../../files"}'}.get(kind, data)
        if kind == "redirect":
            self._send(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"})
        elif kind == "cut":
            self._send(200, data[: len(data) // 2], {"Content-Length": str(len(data))})
            self.close_connection = True
        else:
            status = int(kind) if kind.isdigit() else 200
            self._send(status, data if status == 200 else _error(said), {"Retry-After": detail} if detail else {})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | dict(headers)).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # the client was killed
            self.close_connection = True


def _error(said: Any) -> bytes:
    return json.dumps(said if isinstance(said, dict) and "error" in said else {"error": {"message": "broken"}}).encode()


def _file_of(form: bytes) -> bytes:
    """Return the file in a form; it must say that it is for a batch."""
    edge = form.split(b"\r\n", 1)[0]
    parts = {part.split(b'name="', 1)[1].split(b'"', 1)[0]: part for part in form.split(edge)[1:-1]}
    content = {name: part.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n") for name, part in parts.items()}
    if content[b"purpose"] != b"batch":
        raise ValueError("a file with no purpose")
    return content[b"file"]
