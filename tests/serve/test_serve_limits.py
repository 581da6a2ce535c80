"""Limits hold, and a client that is slow or greedy does not take the server from the others."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

import numpy as np
import pytest
from serve.live import JSON, Live, read_all, serving

from weaksup.distill import Predictor
from weaksup.errors import UsageError
from weaksup.serve import Limits

HEAD = b"POST /predict HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize("name", ["batch", "body", "text", "concurrent", "connections", "timeout"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_is_above_zero(name: str, value: int) -> None:
    with pytest.raises(UsageError, match=f"limit {name}: expected"):
        Limits(**{name: value})
    with pytest.raises(UsageError, match="above 0"):
        Limits(timeout=float("nan"))


def test_too_many_texts_too_long_texts_and_too_large_bodies_are_413(model: Predictor) -> None:
    with serving(model, limits=Limits(batch=3, body=2_000, text=100)) as small:
        assert small.predict(texts=["a"] * 3).status == 200
        assert "at most 3 texts" in small.predict(texts=["a"] * 4).error
        assert small.predict(text="é" * 50).status == 200
        assert "at most 100 bytes, got 102 in text 0" in small.predict(text="é" * 51).error
        for body in (b'{"text": "' + b"a" * 2_000, b" " * 5_000_000):
            reply = small.call("POST", "/predict", body, JSON)
            assert (reply.status, "at most 2,000 bytes" in reply.error) == (413, True)
        pieces = b"".join(b"200\r\n" + b" " * 512 + b"\r\n" for _ in range(9_000)) + b"0\r\n\r\n"
        found = small.raw(HEAD % small.port + b"Transfer-Encoding: chunked\r\n\r\n" + pieces)
        assert found.startswith(b"HTTP/1.1 413 ")
        assert b"at most 2,000 bytes" in found


def test_a_body_that_never_ends_is_cut_off(model: Predictor) -> None:
    with serving(model, limits=Limits(body=2_000)) as small, small.open() as line:
        line.sendall(HEAD % small.port + b"Content-Length: 999999999999\r\n\r\n")
        sent = 0
        try:
            while sent < 512 << 20:
                line.sendall(b" " * (1 << 20))
                sent += 1 << 20
        except ConnectionError:
            pass
        assert sent < 512 << 20


def test_who_asks_before_sending_a_large_body_is_told_at_once(model: Predictor) -> None:
    with serving(model, limits=Limits(body=2_000)) as small, small.open() as line:
        line.sendall(HEAD % small.port + b"Content-Length: 5000\r\nExpect: 100-continue\r\n\r\n")
        found = read_all(line)
        assert found.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in found


def test_slow_heads_and_slow_bodies_do_not_block_others_and_are_ended(model: Predictor) -> None:
    with serving(model, limits=Limits(timeout=1.0, concurrent=4)) as quick:
        silent = [quick.open() for _ in range(20)]
        heads = [quick.open() for _ in range(20)]
        bodies = [quick.open() for _ in range(20)]
        for line in heads:
            line.sendall(b"POST /predict HTT")
        for line in bodies:
            line.sendall(HEAD % quick.port + b"Content-Length: 100\r\n\r\n{")
        for _ in range(20):
            assert quick.predict(text="the invoice").status == 200
        for line in (*silent, *heads):
            assert read_all(line).startswith(b"HTTP/1.1 408 ")
        for line in bodies:
            assert b"the whole body within 1 s" in read_all(line)
        for line in (*silent, *heads, *bodies):
            line.close()
        assert quick.predict(text="the invoice").status == 200


def test_a_head_that_drips_between_two_requests_is_ended_too(model: Predictor) -> None:
    with serving(model, limits=Limits(timeout=0.5)) as quick, quick.open() as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % quick.port)
        found = b""
        while not found.endswith(b'{"status":"ok"}'):
            found += line.recv(1000)
        line.sendall(b"GET /heal")
        assert read_all(line).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_does_not_read_is_cut_off(model: Predictor) -> None:
    body = json.dumps({"texts": ["a"] * 1000, "proba": True}).encode()
    with serving(model, limits=Limits(timeout=0.5)) as quick, quick.open() as line:
        request = HEAD % quick.port + b"Content-Length: %d\r\n\r\n" % len(body) + body
        with pytest.raises(ConnectionError):
            for _ in range(100_000):  # pipelined, and no answer is read
                line.sendall(request)


def test_a_client_that_reads_slowly_gets_it_all(model: Predictor) -> None:
    body = json.dumps({"texts": ["a"] * 1000, "proba": True}).encode()
    with serving(model) as patient, socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(60)
        line.connect(("127.0.0.1", patient.port))
        head = HEAD % patient.port + b"Content-Length: %d\r\n" % len(body)
        sender = threading.Thread(
            target=line.sendall, args=((head + b"\r\n" + body) * 60 + head + b"Connection: close\r\n\r\n" + body,)
        )
        sender.start()
        open_now: set[Any] = set()
        while not any(each.flow.write_paused for each in open_now):  # nobody reads
            open_now = set(patient.server.server_state.connections)
            threading.Event().wait(0.01)
        assert read_all(line).count(b"HTTP/1.1 200 ") == 61
        sender.join(60)


class _Stuck(threading.Event):
    """A model that answers when it is let."""

    def wait_for_it(self, texts: list[str], **_: Any) -> np.ndarray:
        self.wait(60)
        return np.full((len(texts), 3), 1 / 3, np.float32)


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> _Stuck:
    stuck = _Stuck()
    monkeypatch.setattr(Predictor, "predict_proba", lambda self, texts, **_: stuck.wait_for_it(texts))
    return stuck


def test_what_takes_too_long_is_503(model: Predictor, stuck: _Stuck) -> None:
    with serving(model, limits=Limits(timeout=0.2)) as quick:
        reply = quick.predict(text="a")
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        assert "within 0.2 s" in reply.error
        stuck.set()
        assert quick.predict(text="a").status == 200


def test_too_many_requests_at_once_are_429_and_the_others_are_answered(model: Predictor, stuck: _Stuck) -> None:
    with serving(model, limits=Limits(concurrent=4)) as busy:
        replies: list[int] = []
        done = threading.Semaphore(0)

        def ask() -> None:
            replies.append(busy.predict(text="a").status)
            done.release()

        threads = [threading.Thread(target=ask) for _ in range(10)]
        for thread in threads:
            thread.start()
        for _ in range(6):  # only those beyond the four are answered while the model is stuck
            assert done.acquire(timeout=60)
        assert replies == [429] * 6
        assert busy.get("/healthz").status == 200
        assert "weaksup_requests_waiting 4.0" in busy.get("/metrics").body.decode()
        stuck.set()
        for thread in threads:
            thread.join(60)
        assert sorted(replies) == [200] * 4 + [429] * 6


def test_bodies_do_not_fill_the_memory(model: Predictor) -> None:
    with serving(model, limits=Limits(body=1_000, concurrent=2)) as small:
        lines = [small.open() for _ in range(2)]
        for line in lines:  # bodies that wait for their last byte
            line.sendall(HEAD % small.port + b"Content-Length: 1000\r\n\r\n" + b" " * 999)
        while (status := small.predict(text="a" * 80).status) != 429:  # until both have arrived
            assert status == 200
        for line in lines:
            line.close()


def test_connections_beyond_the_limit_are_told_and_closed(model: Predictor) -> None:
    with serving(model, limits=Limits(connections=5)) as small:
        lines = [small.open() for _ in range(5)]
        assert small.raw(b"").startswith(b"HTTP/1.1 503 ")
        for line in lines:
            line.close()
        while small.server.server_state.connections:
            threading.Event().wait(0.01)
        assert small.predict(text="a").status == 200


def test_what_follows_a_request_and_is_none_is_told_after_its_answer(live: Live) -> None:
    get = b"GET /healthz HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % live.port
    found = live.raw(get + b"GARBAGE\r\n\r\n", shut=False)
    assert found.startswith(b"HTTP/1.1 200 ")
    assert found.count(b"HTTP/1.1 400 ") == 1


def test_a_body_that_breaks_its_own_rules_is_told(live: Live) -> None:
    found = live.raw(HEAD % live.port + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", shut=False)
    assert found.startswith(b"HTTP/1.1 400 ")
    assert found.count(b"HTTP/1.1 4") == 1


def test_a_client_that_goes_away_is_no_fault(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    for data in (b"", b"POST", HEAD % live.port + b"Content-Length: 50\r\n\r\n{"):
        with live.open() as line:
            line.sendall(data)
    assert live.predict(text="a").status == 200
    assert not caplog.records
