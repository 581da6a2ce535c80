"""Neither foreign pages nor foreign machines get an answer."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from serve.live import JSON, Live, serving

from weaksup.distill import Predictor
from weaksup.errors import UsageError
from weaksup.serve import Access, listen, read_token
from weaksup.serve.access import ENVIRONMENT, is_loopback

TOKEN = "a-token-of-more-than-22-characters"
BODY = b'{"text": "a"}'


def status(live: Live, *headers: str, method: str = "POST", path: str = "/predict", version: str = "1.1") -> int:
    """Send exactly these headers."""
    lines = [f"{method} {path} HTTP/{version}", *headers, "Content-Type: application/json", "Connection: close"]
    head = "\r\n".join([*lines, f"Content-Length: {len(BODY)}", "", ""])
    answer = live.raw(head.encode("latin-1") + BODY, shut=False)
    assert b"\r\n\r\n" in answer
    return int(answer.split(b" ", 2)[1])


FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "evil.localhost:{port}",
    "localhost.evil.example:{port}",
    "127.0.0.1.evil.example:{port}",
    "[::1]:{port}",
    "2130706433:{port}",
    "0x7f.0.0.1:{port}",
    "127.1:{port}",
    "0.0.0.0:{port}",
    "127.0.0.2:{port}",
    "127.0.0.1:1",
    "127.0.0.1",
    "localhost",
    "localhost.:{port}",
    "user@localhost:{port}",
    "localhost:{port}:{port}",
    "",
    "é:{port}",
]
FOREIGN_PAGES = [
    "Origin: null",
    "Origin: http://evil.example",
    "Origin: http://localhost:1",
    "Origin: http://localhost:{port}.evil.example",
    "Origin: file://",
    "Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Site: same-site",
    "Sec-Fetch-Site: nonsense",
]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_server_that_is_called_by_a_foreign_name_does_not_answer(live: Live, host: str) -> None:
    assert status(live, f"Host: {host.format(port=live.port)}") in {400, 403}
    assert status(live, f"Host: {host.format(port=live.port)}", method="GET", path="/labels") in {400, 403}


def test_no_host_or_two_are_refused(live: Live) -> None:
    own = f"Host: localhost:{live.port}"
    assert status(live) == 400
    assert status(live, version="1.0") == 400
    assert status(live, own, own) == 400
    assert status(live, own, "Host: evil.example") == 400


@pytest.mark.parametrize("header", FOREIGN_PAGES)
def test_the_page_of_another_site_gets_no_answer(live: Live, header: str) -> None:
    own = f"Host: localhost:{live.port}"
    assert status(live, own, header.format(port=live.port)) == 403
    assert status(live, own, f"Origin: http://localhost:{live.port}", header.format(port=live.port)) == 403


def test_programs_and_the_own_site_are_answered(live: Live) -> None:
    for host in (f"localhost:{live.port}", f"127.0.0.1:{live.port}", f"LocalHost:{live.port}"):
        assert status(live, f"Host: {host}") == 200
        assert status(live, f"Host: {host}", f"Origin: http://{host}", "Sec-Fetch-Site: same-origin") == 200
        assert status(live, f"Host: {host}", "Sec-Fetch-Site: none", "Cookie: a=b") == 200


def test_a_simple_request_of_a_page_cannot_carry_json_and_a_preflight_gets_no_permission(live: Live) -> None:
    assert live.call("POST", "/predict", BODY, {"Content-Type": "text/plain"}).status == 415
    asked = live.call("OPTIONS", "/predict", headers={"Access-Control-Request-Method": "POST"})
    assert asked.status == 405
    assert not [name for name in asked.headers if name.startswith("access-control")]


def test_an_upgrade_to_a_web_socket_is_not_made(live: Live) -> None:
    own = f"Host: localhost:{live.port}"
    assert status(live, own, "Upgrade: websocket", "Sec-WebSocket-Key: a", method="GET", path="/labels") == 200


def test_a_name_that_is_allowed_is_answered(model: Predictor) -> None:
    with serving(model, access=Access(hosts=("labels.example.org", "other.example:8443"))) as named:
        for host in ("labels.example.org", "Labels.Example.org:1234", "other.example:8443", f"localhost:{named.port}"):
            assert status(named, f"Host: {host}") == 200
        for host in ("other.example", "other.example:80", "x.labels.example.org", "labels.example.org:1:2"):
            assert status(named, f"Host: {host}") == 403


@pytest.mark.parametrize("name", ["", "*", "a b", "http://a", "a:b", "a/b", "é.example"])
def test_what_is_no_name_cannot_be_allowed(name: str) -> None:
    with pytest.raises(UsageError, match="--allow-host"):
        Access(hosts=(name,))


def test_with_a_token_nothing_is_answered_without_it_but_health(model: Predictor) -> None:
    with serving(model, access=Access(token=TOKEN)) as closed:
        for path in ("/labels", "/metrics", "/openapi.json", "/nothing"):
            reply = closed.get(path)
            assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
            assert TOKEN not in reply.error
        wrong = ["", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer", "Bearer \xe9"]
        for value in wrong:
            assert status(closed, f"Host: localhost:{closed.port}", f"Authorization: {value}") == 401
        twice = [f"Authorization: Bearer {TOKEN}", f"Authorization: Bearer {TOKEN}"]
        assert status(closed, f"Host: localhost:{closed.port}", *twice) == 401
        assert closed.get(f"/labels?token={TOKEN}").status == 401
        assert closed.get("/healthz").status == 200
        assert closed.predict(text="a", headers={"Authorization": f"Bearer {TOKEN}"}).status == 200
        assert closed.predict(text="a", headers={"Authorization": f"bearer  {TOKEN}"}).status == 200
        assert closed.call("POST", "/predict", b" " * 5_000_000, JSON).status == 401


def test_an_address_that_others_reach_needs_a_token() -> None:
    for host in ("0.0.0.0", "::"):
        with pytest.raises(UsageError, match="expected a token for"):
            listen(host, 0, Access())
    listen("0.0.0.0", 0, Access(token=TOKEN)).close()


@pytest.mark.parametrize(
    ("host", "port"), [("", 0), ("nowhere.invalid", 0), ("192.0.2.1", 0), ("x" * 300, 0), ("a..b", 0)]
)
def test_an_address_that_is_not_here_is_told(host: str, port: int) -> None:
    with pytest.raises(UsageError, match=r"address of this machine|cannot listen"):
        listen(host, port, Access(token=TOKEN))


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}: .*; choose another"):
            listen("127.0.0.1", port, Access())


def test_only_addresses_of_this_machine_are_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "fe80::1%eth0", "localhost", "")))


def test_a_token_is_read_from_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    path.chmod(0o600)
    assert read_token(path, {}) == TOKEN
    assert read_token(path, {ENVIRONMENT: "x" * 30}) == TOKEN
    for mode in (0o640, 0o604, 0o644, 0o666):
        path.chmod(mode)
        with pytest.raises(UsageError, match="chmod 600"):
            read_token(path, {})


def test_a_token_is_read_from_the_environment() -> None:
    assert read_token(None, {}) is None
    assert read_token(None, {ENVIRONMENT: ""}) is None
    assert read_token(None, {ENVIRONMENT: TOKEN}) == TOKEN


@pytest.mark.parametrize(
    "content", ["", "short", "with a space in it, but long enough", "é" * 30, "x" * 5000, "\0" * 30]
)
def test_what_is_no_token_is_refused_and_not_repeated(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(UsageError, match="22 to 512 printable characters") as told:
        read_token(path, {})
    assert not content or content not in str(told.value)
    if content and content.isascii() and "\0" not in content:
        with pytest.raises(UsageError, match=ENVIRONMENT):
            read_token(None, {ENVIRONMENT: content})


def test_a_token_file_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the token file"):
        read_token(tmp_path / "no", {})
    with pytest.raises(UsageError, match="cannot read the token file"):
        read_token(tmp_path, {})
    with pytest.raises(UsageError, match="only you may read"):
        read_token(os.devnull, {})
