"""The routes: POST /predict, GET /labels, /healthz, /metrics and /openapi.json."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

import weaksup
from weaksup.distill import Predictor
from weaksup.distill.bundle.decide import check_threshold
from weaksup.serve.access import Access
from weaksup.serve.desk import Desk
from weaksup.serve.gate import FAILED, ROUTES, Gate
from weaksup.serve.limits import Limits
from weaksup.serve.messages import AskBody, Fault, Health, LabelInfo, LabelList, Predictions, answer_bytes, read_ask
from weaksup.serve.meter import CONTENT_TYPE, Meter
from weaksup.serve.refusal import Refusal, fault_bytes, show

__all__ = ["make_app"]

_FAULTS: dict[int | str, dict[str, Any]] = {
    status: {"model": Fault} for status in (400, 401, 403, 408, 413, 415, 422, 429, 503)
}
_SILENT: Any = dict.fromkeys(("tracing", "metrics", "logs", "operation_spans", "auto_configure"), False)
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": AskBody.model_json_schema()}}}}


def make_app(
    model: Predictor, *, limits: Limits | None = None, access: Access | None = None, abstain_below: float | None = None
) -> Gate:
    """Return an ASGI application that answers with `model`; `abstain_below` (0 to 1) is for requests that set none."""
    check_threshold(abstain_below)
    limits, meter = limits or Limits(), Meter(model.classes)
    app = FastAPI(
        title="weaksup serve",
        version=weaksup.__version__,
        docs_url=None,  # the pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses=_FAULTS,
        telemetry=_SILENT,
    )
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(Exception, _fail)
    _add_predict(app, model, limits, Desk(model, limits, meter, abstain_below))
    _add_facts(app, _list_labels(model, abstain_below), meter)
    return Gate(app, access or Access(), meter)


def _add_predict(app: FastAPI, model: Predictor, limits: Limits, desk: Desk) -> None:
    @app.post("/predict", response_model=Predictions, openapi_extra=_BODY)
    async def predict(request: Request) -> Response:
        """Label one text, or many."""
        _check_kind(request, limits)
        ask = read_ask(await desk.read(request.stream()), limits, model.fields)
        found = await desk.answer(ask)
        return Response(answer_bytes(found, model.classes, proba=ask.proba), media_type="application/json")


def _add_facts(app: FastAPI, labels: LabelList, meter: Meter) -> None:
    @app.get("/labels", response_model=LabelList)
    async def list_labels() -> Response:
        """Say which labels there are, and which bundle gives them."""
        return Response(labels.model_dump_json(), media_type="application/json")

    @app.get("/healthz", response_model=Health)
    async def health() -> Response:
        """Say that the server is up."""
        return Response(b'{"status":"ok"}', media_type="application/json")

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Return counts for Prometheus."""
        return Response(meter.text(), headers={"content-type": CONTENT_TYPE})


def _list_labels(model: Predictor, abstain_below: float | None) -> LabelList:
    about = model.labels.get("descriptions") or [""] * len(model.classes)
    listed = [LabelInfo(name=name, description=str(text)) for name, text in zip(model.classes, about, strict=True)]
    guideline, version = str(model.labels.get("guideline") or ""), str(model.labels.get("version") or "")
    seal = str(model.manifest.get("seal", ""))
    return LabelList(
        labels=listed,
        guideline=guideline,
        version=version,
        bundle=seal,
        abstain_below=abstain_below,
        multi=model.multi,
        fields=list(model.fields.names),
    )


def _check_kind(request: Request, limits: Limits) -> None:
    """Refuse by the headers what need not be read."""
    given = request.headers.getlist("content-type")
    kind, _, about = (given[0] if len(given) == 1 else "").lower().partition(";")
    if kind.strip() != "application/json" or about.replace(" ", "").replace('"', "") not in {"", "charset=utf-8"}:
        raise Refusal(415, f"expected Content-Type: application/json, got {show(', '.join(given))}")
    packed = ", ".join(request.headers.getlist("content-encoding"))
    if packed.strip().lower() not in {"", "identity"}:
        raise Refusal(415, f"expected a body that is not packed, got Content-Encoding: {show(packed)}")
    size = request.headers.get("content-length", "0")
    if size.isdecimal() and int(size) > limits.body:
        raise Refusal(413, f"expected a body of at most {limits.body:,} bytes, got {int(size):,}")


async def _refuse(request: Request, error: Exception) -> Response:
    """Turn what FastAPI refuses, and what a route refuses, into one line."""
    assert isinstance(error, HTTPException)
    message = str(error.detail)
    if not isinstance(error, Refusal) and error.status_code in {404, 405}:
        message = (
            f"expected POST /predict or GET {', '.join(ROUTES[1:])}, got {request.method} {show(request.url.path)}"
        )
    return Response(fault_bytes(message), error.status_code, dict(error.headers or {}), "application/json")


async def _fail(_: Request, __: Exception) -> Response:
    """Hide what went wrong from the client; `Gate` logs it."""
    return Response(fault_bytes(FAILED), 500, media_type="application/json")
