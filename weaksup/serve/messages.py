"""What goes over the wire: the request, read strictly, and the answers, as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from weaksup.distill.bundle.decide import Decisions, SetDecisions
from weaksup.distill.bundle.fields import Fields
from weaksup.errors import UsageError
from weaksup.serve.limits import Limits
from weaksup.serve.refusal import Refusal, show

__all__ = ["Ask", "AskBody", "Fault", "Health", "LabelList", "Predictions", "answer_bytes", "read_ask"]

# What each part of a request must be.
_CELL = "a string, a number, true, false or null"
_PART = {"texts": "a string", "rows": 'an object such as {"text": "..."}'}
_WHOLE = {
    "text": "a string",
    "texts": "a list of strings",
    "rows": "a list of objects",
    "abstain_below": "a number from 0 to 1, or null",
    "proba": "true or false",
}


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class AskBody(_Strict):
    """Give `text`, or `texts`, or `rows` for a model that reads more; 10,000 characters of each are read."""

    text: str = ""
    texts: list[str] = Field([], fail_fast=True)
    rows: list[dict[str, str | int | float | bool | None]] = Field(
        [], fail_fast=True, description="Each has text, and the fields that GET /labels lists."
    )
    abstain_below: float | None = Field(
        None, ge=0, le=1, allow_inf_nan=False, description="Give no label where the best one is less probable."
    )
    proba: bool = Field(False, description="Return the probability of every label, too.")


class Prediction(_Strict):
    """`label` is null where the server abstains; probabilities have six digits.

    A model that gives any number of labels answers with `labels` instead, a list.
    """

    label: str | None = None
    labels: list[str] | None = None
    confidence: float
    proba: dict[str, float] | None = None


class Predictions(_Strict):
    """One for each text, in order."""

    predictions: list[Prediction]


class LabelInfo(_Strict):
    """A label and what it means."""

    name: str
    description: str


class LabelList(_Strict):
    """The labels in the order of the model, and which bundle answers."""

    labels: list[LabelInfo]
    guideline: str
    version: str
    bundle: str = Field(description="The seal of the bundle's manifest.")
    abstain_below: float | None
    multi: bool = Field(False, description="Whether a text may have any number of the labels.")
    fields: list[str] = Field([], description="What the model reads of a row beside its text.")


class Health(_Strict):
    """The server is up."""

    status: str


class Fault(_Strict):
    """What was expected, what came."""

    error: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that can be answered."""

    texts: list[str]
    abstain_below: float | None
    proba: bool


def read_ask(body: bytes, limits: Limits, fields: Fields) -> Ask:
    """Read the JSON of a request; raise Refusal 400 for what is no JSON, 413 for too much, 422 for anything else."""
    try:
        data = from_json(body, allow_inf_nan=False, cache_strings=False)
    except ValueError as error:
        raise Refusal(400, f"expected a JSON object in UTF-8, got a body that is none ({str(error)[:120]})") from None
    if not isinstance(data, dict):
        raise Refusal(422, f'expected a JSON object such as {{"text": "..."}}, got {type(data).__name__}')
    unknown = next((name for name in data if name not in AskBody.model_fields), None)
    if unknown is not None:
        known = ", ".join(AskBody.model_fields)
        raise Refusal(422, f"expected the fields {known}, got {show(unknown)}")
    _check_sizes(data, limits)
    try:
        found = AskBody.model_validate(data)
    except ValidationError as error:
        raise Refusal(422, _first(error)) from None
    texts = _read_texts(found, fields)
    for i, text in enumerate(texts):
        if len(text) * 4 > limits.text and len(text.encode()) > limits.text:
            raise Refusal(
                413, f"expected texts of at most {limits.text:,} bytes, got {len(text.encode()):,} in text {i}"
            )
    return Ask(texts, found.abstain_below, found.proba)


def _read_texts(found: AskBody, fields: Fields) -> list[str]:
    given = found.model_fields_set & {"text", "texts", "rows"}
    if len(given) != 1:
        raise Refusal(422, f"expected one of text, texts and rows, got {' and '.join(sorted(given)) or 'none'}")
    if "rows" not in given:
        return [found.text] if "text" in given else found.texts
    return [_read_row(row, i, fields) for i, row in enumerate(found.rows)]


def _read_row(row: dict[str, Any], i: int, fields: Fields) -> str:
    known = ("text", *fields.names)
    unknown = next((name for name in row if name not in known), None)
    if unknown is not None:
        raise Refusal(422, f"rows.{i}: expected the fields {', '.join(known)}, got {show(unknown)}")
    try:
        return fields.read(row)
    except UsageError as error:
        raise Refusal(422, f"rows.{i}: {error}") from None


def _check_sizes(data: dict[str, Any], limits: Limits) -> None:
    for name in ("texts", "rows"):
        given = data.get(name)
        if isinstance(given, list) and len(given) > limits.batch:
            raise Refusal(
                413, f"expected at most {limits.batch:,} {name} in a request, got {len(given):,}; send several"
            )


def _first(error: ValidationError) -> str:
    """Say the first fault in one line."""
    fault = error.errors(include_url=False, include_context=False)[0]
    place = fault["loc"][:3]  # a fourth says which type of several was tried
    name = str(place[0])
    expected = _CELL if len(place) == 3 else (_WHOLE if len(place) == 1 else _PART)[name]
    got = json.dumps(fault["input"], ensure_ascii=False)
    return f"{'.'.join(map(str, place))}: expected {expected}, got {got if len(got) <= 60 else got[:57] + '...'}"


def answer_bytes(found: Decisions | SetDecisions, classes: tuple[str, ...], *, proba: bool) -> bytes:
    """Return the answer to a request."""
    key = "labels" if isinstance(found, SetDecisions) else "label"
    rows: list[dict[str, Any]] = [
        {key: answer, "confidence": confidence}
        for answer, confidence in zip(found.answers(classes), found.confidence.tolist(), strict=True)
    ]
    if proba:
        for row, shown in zip(rows, found.proba.tolist(), strict=True):
            row["proba"] = dict(zip(classes, shown, strict=True))
    return json.dumps({"predictions": rows}, ensure_ascii=False).encode("utf-8", "replace")
