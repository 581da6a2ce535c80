"""A real server on a free port of this machine, in a thread."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from weaksup.distill import Predictor
from weaksup.serve import Access, Limits, Server, listen, make_app, make_server

__all__ = ["JSON", "Live", "Reply", "serving"]

JSON = {"Content-Type": "application/json"}
_PATIENCE = 60  # seconds until a test fails instead of hanging


@dataclass(frozen=True)
class Reply:
    """Status, headers (lower case) and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The line of a refusal; nothing else is in its body."""
        assert list(self.json) == ["error"]
        assert "\n" not in self.json["error"]
        assert self.headers["content-type"] == "application/json"
        return str(self.json["error"])


@dataclass(frozen=True)
class Live:
    """How to call the server."""

    port: int
    server: Server

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        try:
            line.request(method, path, body, headers or {})
            found = line.getresponse()
            names = {name.lower(): value for name, value in found.getheaders()}
            return Reply(found.status, names, found.read())
        finally:
            line.close()

    def predict(self, headers: dict[str, str] | None = None, **fields: Any) -> Reply:
        return self.call("POST", "/predict", json.dumps(fields).encode(), {**JSON, **(headers or {})})

    def get(self, path: str, headers: dict[str, str] | None = None) -> Reply:
        return self.call("GET", path, headers=headers)

    def open(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE)

    def raw(self, data: bytes, *, shut: bool = True) -> bytes:
        """Send bytes, half-close, and return all that comes back."""
        with self.open() as line:
            try:
                line.sendall(data)
                if shut:
                    line.shutdown(socket.SHUT_WR)
            except OSError:  # refused before it was all sent
                pass
            return read_all(line)


def read_all(line: socket.socket) -> bytes:
    """Return what comes until the other side closes."""
    found = b""
    try:
        while piece := line.recv(65536):
            found += piece
    except ConnectionError:
        pass
    return found


@contextmanager
def serving(
    model: Predictor,
    *,
    limits: Limits | None = None,
    access: Access | None = None,
    abstain_below: float | None = None,
) -> Iterator[Live]:
    limits, access = limits or Limits(), access or Access()
    app = make_app(model, limits=limits, access=access, abstain_below=abstain_below)
    listening = listen("127.0.0.1", 0, access)
    server = make_server(app, limits)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield Live(listening.getsockname()[1], server)
    finally:
        server.should_exit = server.force_exit = True
        thread.join(_PATIENCE)
        listening.close()
        assert not thread.is_alive()
