"""What the routes answer."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from serve.live import JSON, Live, serving

from weaksup.distill import Predictor

texts_of_any_kind = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=6)
OPTIONS = st.fixed_dictionaries({}, optional={"abstain_below": st.none() | st.floats(0, 1), "proba": st.booleans()})


@settings(max_examples=60)
@given(texts=texts_of_any_kind, options=OPTIONS)
def test_http_gives_what_python_gives(live: Live, model: Predictor, texts: list[str], options: dict[str, Any]) -> None:
    reply = live.predict(texts=texts, **options)
    assert reply.status == 200
    found = reply.json["predictions"]
    assert [row["label"] for row in found] == model.predict(texts, abstain_below=options.get("abstain_below"))
    proba = model.predict_proba(texts)
    assert np.allclose([row["confidence"] for row in found], proba.max(axis=1), atol=1e-6, rtol=0)
    assert all(("proba" in row) == bool(options.get("proba")) for row in found)
    if options.get("proba"):
        shown = np.reshape([[row["proba"][name] for name in model.classes] for row in found], (-1, 3))
        assert np.allclose(shown, proba, atol=1e-6, rtol=0)


def test_one_text_is_answered_like_a_list_of_one(live: Live) -> None:
    one, many = live.predict(text="the invoice"), live.predict(texts=["the invoice"])
    assert one.json == many.json
    assert one.json["predictions"][0]["label"] == "billing"
    assert one.headers["cache-control"] == "no-store"
    assert not {"server", "set-cookie", "access-control-allow-origin"} & set(one.headers)


def test_the_server_abstains_when_it_was_told_to_and_a_request_may_say_otherwise(model: Predictor) -> None:
    with serving(model, abstain_below=0.999) as strict:
        assert strict.predict(text="hello").json["predictions"][0]["label"] is None
        assert strict.predict(text="hello", abstain_below=None).json["predictions"][0]["label"] is None
        assert strict.predict(text="hello", abstain_below=0).json["predictions"][0]["label"] in model.classes
        assert strict.get("/labels").json["abstain_below"] == 0.999


def test_labels_say_what_they_mean_and_which_bundle_answers(live: Live, model: Predictor) -> None:
    found = live.get("/labels").json
    assert [(row["name"], row["description"]) for row in found["labels"]] == [
        ("billing", "money"),
        ("bug", "broken"),
        ("how", "a question"),
    ]
    assert found["bundle"] == model.manifest["seal"]
    assert live.get("/healthz").json == {"status": "ok"}


def test_metrics_count_requests_texts_labels_and_abstains(model: Predictor) -> None:
    with serving(model) as fresh:
        fresh.predict(texts=["the invoice", "invoice refund", "crash"])
        fresh.predict(texts=["hello", "hello"], abstain_below=1)
        fresh.predict(texts=3)
        fresh.get("/../etc/passwd")
        reply = fresh.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(reply.body.decode())
        for sample in family.samples
    }
    assert found["weaksup_requests_total", "/predict", "200"] == 2
    assert found["weaksup_requests_total", "/predict", "422"] == 1
    assert found["weaksup_requests_total", "404", "other"] == 1
    assert found["weaksup_request_seconds_count", "/predict"] == 3
    assert found["weaksup_request_seconds_bucket", "+Inf", "/predict"] == 3
    assert found[("weaksup_texts_total",)] == 5
    assert found["weaksup_labels_total", "billing"] == 2
    assert found["weaksup_labels_total", "bug"] == 1
    assert found[("weaksup_abstains_total",)] == 2
    assert found[("weaksup_requests_waiting",)] == 0


def test_openapi_describes_the_routes_and_the_body(live: Live) -> None:
    found = live.get("/openapi.json").json
    assert set(found["paths"]) == {"/predict", "/labels", "/healthz", "/metrics"}
    body = found["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {"text", "texts", "rows", "abstain_below", "proba"}
    assert body["additionalProperties"] is False
    assert {"200", "413", "422", "429", "503"} <= set(found["paths"]["/predict"]["post"]["responses"])
    assert live.get("/docs").status == live.get("/redoc").status == 404


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (b"", 400, "a JSON object"),
        (b"{", 400, "a JSON object"),
        (b'{"text": "a"} {}', 400, "a JSON object"),
        (b'{"text": "\xff"}', 400, "UTF-8"),
        (b'\xff\xfe{\x00"', 400, "UTF-8"),
        (b'{"text": "\\ud800"}', 400, "a JSON object"),
        (b'{"text": "a", "abstain_below": NaN}', 400, "a JSON object"),
        (b'{"text": "a", "abstain_below": Infinity}', 400, "a JSON object"),
        (b"[" * 200_000, 400, "recursion"),
        (b'{"abstain_below": ' + b"9" * 100_000 + b"}", 400, "a JSON object"),
        (b'{"text": "a", "abstain_below": 1e999}', 422, "abstain_below: expected a number from 0 to 1, or null"),
        (b'{"text": "a", "abstain_below": 1.01}', 422, "abstain_below"),
        (
            b'{"text": "a", "abstain_below": "0.5"}',
            422,
            'abstain_below: expected a number from 0 to 1, or null, got "0.5"',
        ),
        (b'{"text": "a", "abstain_below": true}', 422, "abstain_below"),
        (b'{"text": "a", "proba": 1}', 422, "proba: expected true or false, got 1"),
        (b'{"text": null}', 422, "text: expected a string, got null"),
        (b'{"texts": "a"}', 422, 'texts: expected a list of strings, got "a"'),
        (b'{"texts": ["a", 1]}', 422, "texts.1: expected a string, got 1"),
        (b'{"texts": [["a"]]}', 422, 'texts.0: expected a string, got ["a"]'),
        (b'{"text": "a", "texts": ["b"]}', 422, "got text and texts"),
        (b"{}", 422, "got none"),
        (b"[]", 422, "got list"),
        (b"null", 422, "got NoneType"),
        (b'{"text": "a", "__class__": "b"}', 422, "'__class__'"),
    ],
)
def test_a_wrong_body_is_told_in_one_line(live: Live, body: bytes, status: int, expected: str) -> None:
    reply = live.call("POST", "/predict", body, JSON)
    assert reply.status == status
    assert expected in reply.error


def test_a_million_wrong_values_are_refused_at_the_first(live: Live) -> None:
    for body in (b'{"texts": [' + b"1," * 999 + b"1]}", b"{" + b",".join(b'"%d":1' % i for i in range(300_000)) + b"}"):
        assert live.call("POST", "/predict", body, JSON).status == 422


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content-Type": "text/plain"}, "application/json"),
        ({}, "application/json"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "application/json"),
        ({"Content-Type": "application/json; charset=utf-16"}, "application/json"),
        ({**JSON, "Content-Encoding": "gzip"}, "not packed"),
        ({**JSON, "Content-Encoding": "br, gzip"}, "not packed"),
    ],
)
def test_a_wrong_kind_of_body_is_415(live: Live, headers: dict[str, str], expected: str) -> None:
    reply = live.call("POST", "/predict", b'{"text": "a"}', headers)
    assert reply.status == 415
    assert expected in reply.error


def test_a_charset_that_json_has_anyway_is_taken(live: Live) -> None:
    for kind in ("application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'):
        assert live.call("POST", "/predict", b'{"text": "a"}', {"Content-Type": kind}).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/predict", 405),
        ("PUT", "/predict", 405),
        ("OPTIONS", "/predict", 405),
        ("POST", "/labels", 405),
        ("HEAD", "/labels", 405),
        ("GET", "/", 404),
        ("GET", "/predict/", 404),
        ("GET", "/%2e%2e/%00", 404),
        ("DELETE", "/healthz", 405),
        ("BREW", "/predict", 405),
    ],
)
def test_what_is_no_route_is_told(live: Live, method: str, path: str, status: int) -> None:
    reply = live.call(method, path)
    assert reply.status == status
    assert method == "HEAD" or "expected POST /predict or GET /labels" in reply.error


def test_many_requests_go_over_one_connection(live: Live) -> None:
    body = json.dumps({"text": "crash"}).encode()
    one = b"POST /predict HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    wire = (one % (live.port, len(body)) + b"\r\n" + body) * 5
    last = (one % (live.port, len(body)) + b"Connection: close\r\n\r\n") + body
    found = live.raw(wire + last, shut=False)
    assert found.count(b"HTTP/1.1 200 OK") == found.count(b'"label": "bug"') == 6


def test_a_fault_of_the_server_is_one_line_without_a_traceback(
    model: Predictor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the server")

    with serving(model) as broken:
        monkeypatch.setattr("weaksup.distill.bundle.predict.decide", fail)
        reply = broken.predict(text="a")
        monkeypatch.undo()
        assert broken.predict(text="a").status == 200
    assert reply.status == 500
    assert reply.error == "the server failed on this request; its log says why"
    assert "a secret of the server" in caplog.text
