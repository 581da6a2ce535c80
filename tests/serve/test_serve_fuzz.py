"""Malformed requests, made from a seed: each gets an answer below 500 or a closed connection, and no text is lost.

WEAKSUP_HTTP_FUZZ says how many.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from random import Random

import pytest
from serve.live import Live

REQUESTS = int(os.environ.get("WEAKSUP_HTTP_FUZZ", "400"))
Change = Callable[[Random, bytes], bytes]
VALUES: list[object] = [None, True, 0, -1, 1e308, 10**30, "", "a", "\u0000", "é" * 50, [], {}, [[]], ["a", None]]
LENGTHS = [b"Content-Length: %d", b"Content-Length: -1", b"Content-Length: 1, 2", b"Content-Length: 9%d"]
LENGTHS += [
    b"Content-Length: 9999999999999999999999",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
]
WORDS = ["text", "texts", "abstain_below", "proba", "id", "", "__proto__", "\u202e"]


def make_json(random: Random) -> bytes:
    """Make JSON of the wrong shape, or broken JSON."""
    chosen = random.sample(WORDS, random.randint(0, 4))
    body = json.dumps({name: random.choice(VALUES) for name in chosen}).encode()
    change: Change = random.choice([mutate, keep, deepen])
    return change(random, body)


def keep(_: Random, data: bytes) -> bytes:
    return data


def mutate(random: Random, data: bytes) -> bytes:
    """Flip, cut, double and insert bytes."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(changed) + 1)
        kind = random.randrange(4)
        if kind == 0 and at < len(changed):
            changed[at] = random.randrange(256)
        elif kind == 1:
            del changed[at : at + random.randint(1, 8)]
        elif kind == 2:
            changed[at:at] = changed[at : at + 8] * random.randint(1, 3)
        else:
            changed[at:at] = random.choice(
                [b"\x00", b"\xff", b"NaN", b"1e999", b"\r\n", b'"', b"\\ud800", b"{", b"9" * 99]
            )
    return bytes(changed)


def deepen(random: Random, data: bytes) -> bytes:
    depth = random.randint(1, 2000)
    return random.choice([b"[", b'{"text":']) * depth + data + random.choice([b"", b"]" * depth])


def head(random: Random, live: Live, size: int) -> bytes:
    """Make a head; most of them are nearly right."""
    lines = [
        b"%s %s HTTP/%s"
        % (
            random.choices([b"POST", b"GET", b"post", b"CONNECT", b"\xff", b""], [20, 2, 1, 1, 1, 1])[0],
            random.choices(
                [b"/predict", b"/labels", b"*", b"http://evil/", b"/%00", b"//", b"/?" + b"a" * 999], [20, 2] + [1] * 5
            )[0],
            random.choices([b"1.1", b"1.0", b"2.0", b"9", b""], [20, 2, 1, 1, 1])[0],
        ),
        random.choices([b"Host: localhost:%d" % live.port, b"Host: a", b"Host : b", b"Host:"], [20, 1, 1, 1])[0],
        random.choices([b"Content-Type: application/json", b"Content-Type: a/b; c=\xff", b""], [20, 1, 1])[0],
        random.choices([form % size if b"%" in form else form for form in LENGTHS], [20, 1, 1, 2, 1, 2, 1])[0],
    ]
    odd = [b"X: " + b"y" * 20_000, b"A\x00: b", b" folded", b"Range: bytes=" + b"0-1," * 500, b"Expect: 100-continue"]
    odd += [
        b"Content-Encoding: gzip",
        b"Upgrade: h2c\r\nConnection: upgrade",
        b"Authorization: Bearer \xff",
        b"Cookie: " + b";" * 999,
    ]
    lines += random.sample(odd, random.choices([0, 1, 2], [6, 3, 1])[0])
    return b"\r\n".join(line for line in lines if line) + random.choices([b"\r\n\r\n", b"\n\n", b"\r\n"], [20, 1, 1])[0]


def make_request(random: Random, live: Live) -> bytes:
    body = make_json(random)
    data = head(random, live, len(body)) + body
    kind: Change = random.choices([keep, mutate, cut], [4, 2, 1])[0]
    return kind(random, data) * random.choices([1, 2], [9, 1])[0]


def cut(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data))]


@pytest.mark.parametrize("part", range(4))
def test_no_malformed_request_is_a_fault_of_the_server(live: Live, part: int, caplog: pytest.LogCaptureFixture) -> None:
    seen: dict[int, int] = {}
    for number in range(part, REQUESTS, 4):
        request = make_request(Random(number), live)
        answer = live.raw(request)
        for status in re.findall(rb"(?:^|\}|\n)HTTP/1\.1 (\d\d\d) ", answer):
            seen[int(status)] = seen.get(int(status), 0) + 1
            assert int(status) < 500, request
        assert b"Traceback" not in answer
    assert not caplog.records
    assert live.predict(text="the invoice").json["predictions"][0]["label"] == "billing"
    assert {400, 422} <= set(seen)  # neither all nor none were refused at the door
