"""Who may ask: the token, the name the server was called by, and the page that called.

A foreign web page reaches a server on this machine in two ways: by a name of its own that resolves to 127.0.0.1 (DNS
rebinding; the Host header gives it away), or by a plain cross-site request (Origin and Sec-Fetch-Site do). There are
no cookies and no CORS headers, so a browser holds nothing that a page could use.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from weaksup.errors import UsageError
from weaksup.serve.refusal import Refusal, show

__all__ = ["ENVIRONMENT", "Access", "is_loopback", "read_token"]

ENVIRONMENT = "WEAKSUP_SERVE_TOKEN"
OPEN_TO_ALL = "/healthz"  # says nothing but that the server is up; probes carry no token
_TOKEN = re.compile(r"[\x21-\x7e]{22,512}")  # 22 characters of base64 hold 128 bits
_ADVICE = "make one with: python -c 'import secrets; print(secrets.token_urlsafe())'"
_NAME = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Access:
    """`token` is needed by every route but /healthz where it is set; `hosts` are names allowed beside the address."""

    token: str | None = None
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for host in self.hosts:
            if not _NAME.fullmatch(host):
                raise UsageError(f"--allow-host: expected a name such as labels.example.org[:443], got {show(host)}")

    def check(self, scope: Mapping[str, Any]) -> None:
        """Raise Refusal where a request may not be answered."""
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name, []).append(value)
        host = self._check_host(headers.get(b"host", []), scope.get("server"))
        _check_page(headers, host)
        if self.token is not None and scope["path"] != OPEN_TO_ALL:
            self._check_token(headers.get(b"authorization", []))

    def _check_host(self, given: list[bytes], server: tuple[str, int | None] | None) -> str:
        if len(given) != 1:
            raise Refusal(400, f"expected one Host header, got {len(given)}")
        host = given[0].decode("latin-1").lower()
        own = _own_names(server)
        named = {name.lower() for name in self.hosts}
        if host not in own and host not in named and host.rpartition(":")[0] not in named:
            advice = "start the server with --allow-host NAME to be called by a name"
            raise Refusal(403, f"expected the Host {' or '.join(sorted(own))}, got {show(host)}; {advice}")
        return host

    def _check_token(self, given: list[bytes]) -> None:
        kind, _, found = (given[0] if len(given) == 1 else b"").partition(b" ")
        right = sha256((self.token or "").encode()).digest()
        if not hmac.compare_digest(sha256(found.strip()).digest(), right) or kind.lower() != b"bearer":
            message = "expected the header Authorization: Bearer TOKEN with the token of this server"
            raise Refusal(401, message, {"www-authenticate": "Bearer"})


def _own_names(server: tuple[str, int | None] | None) -> set[str]:
    """Return what a client that connected to this address calls it."""
    if server is None or server[1] is None:
        return set()
    address, port = server[0], server[1]
    names = [f"[{address}]" if ":" in address else address] + (["localhost"] if is_loopback(address) else [])
    return {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())


def _check_page(headers: Mapping[bytes, list[bytes]], host: str) -> None:
    origins = [value.decode("latin-1").lower() for value in headers.get(b"origin", [])]
    sites = {value.decode("latin-1").lower() for value in headers.get(b"sec-fetch-site", [])}
    if any(origin not in {f"http://{host}", f"https://{host}"} for origin in origins):
        raise Refusal(403, f"expected no request from a web page, got the Origin {show(origins[0])}")
    if not sites <= {"same-origin", "none"}:
        raise Refusal(403, "expected no request from the page of another site; call the server from a program")


def is_loopback(address: str) -> bool:
    """Tell whether an IP address is one that only this machine reaches."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def read_token(path: str | Path | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """Read the token from a file that nobody else may read, or else from the environment; None where there is none.

    It never comes from the command line, which every user of a machine can list. Raises UsageError for a file that
    others may read, and for what is too short to be a secret.
    """
    if path is None:
        return _check(environment[ENVIRONMENT].strip(), f"${ENVIRONMENT}") if environment.get(ENVIRONMENT) else None
    try:
        with Path(path).open("rb") as file:
            state = os.fstat(file.fileno())
            content = file.read(4096)
    except OSError as error:
        raise UsageError(f"cannot read the token file {path}: {error.strerror}; {_ADVICE}") from None
    if not stat.S_ISREG(state.st_mode) or (os.name == "posix" and state.st_mode & 0o077):
        raise UsageError(f"expected a token file that only you may read, got {path}; run: chmod 600 {path}")
    return _check(content.decode("latin-1").strip(), str(path))


def _check(token: str, where: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise UsageError(f"expected a token of 22 to 512 printable characters in {where}; {_ADVICE}")
    return token
