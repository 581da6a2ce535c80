"""Recorded answers in the place of a model: what it said and what it cost, read from a file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from weaksup.errors import UsageError
from weaksup.llm.failures import Ambiguous, NotSent
from weaksup.llm.pricing.prices import Usage, cost_of_dollars
from weaksup.llm.providers.provider import Request, row_field
from weaksup.llm.providers.records import Columns, file_hash, read_columns
from weaksup.protocols import Prompt, Reply

__all__ = ["Replay"]

_COLUMNS = ("item_id", "text", "model", "prompt_id", "label", "confidence", "input_tokens", "output_tokens", "cost_usd")


@dataclass(slots=True, eq=False)
class Replay:
    """Answer from a file with the columns item_id or text, label, and optionally model, prompt_id, confidence,
    input_tokens, output_tokens, cost_usd.

    A row finds its record by `join`: "id" (item_id is the row's id) or "text" (the same text exactly); without it, by
    id if the file has item_id. A null label is an answer that could not be used: it is charged. A row without a record
    fails and costs nothing. With `recorded_cost` the file's cost_usd is charged, else its tokens at the tier's price.
    """

    path: Path
    model: str
    join: Literal["id", "text"] | None = None
    prompt_id: str | None = None
    recorded_cost: bool = True
    where: str = "replay"
    kind: ClassVar[str] = "replay"
    _hash: str = field(default="", init=False, repr=False)
    _by: str = field(default="id", init=False, repr=False)
    _records: dict[str, dict[str, Any]] = field(default_factory=dict, init=False, repr=False)
    _highest: dict[str, int] = field(default_factory=dict, init=False, repr=False)

    def open(self) -> None:
        """Read the file, once."""
        if self._hash:
            return
        columns = read_columns(self.path, _COLUMNS, need=["label"], where=self.where)
        by = self.join or ("id" if "item_id" in columns else "text")
        key = "item_id" if by == "id" else "text"
        if key not in columns:
            raise UsageError(f'{self.where}: {self.path} has no column "{key}" to find the records by')
        self._records = self._index(self._chosen(columns), key)
        self._highest = {
            name: max((r[name] for r in self._records.values() if r[name] is not None), default=0)
            for name in ("input_tokens", "output_tokens", "cost")
        }
        self._by = by
        self._hash = file_hash(self.path)

    def _chosen(self, columns: Columns) -> list[dict[str, Any]]:
        """Return the records of this model and prompt."""
        size = len(columns["label"])
        rows = [{name: values[i] for name, values in columns.items()} for i in range(size)]
        for name, wanted in (("model", self.model), ("prompt_id", self.prompt_id)):
            if wanted is None or name not in columns:
                continue
            rows = [row for row in rows if row[name] == wanted]
            if not rows:
                there = ", ".join(sorted({str(v) for v in columns[name]})[:8])
                raise UsageError(f'{self.where}: {self.path} has no records of {name} "{wanted}"; it has: {there}')
        return rows

    def _index(self, rows: list[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
        records: dict[str, dict[str, Any]] = {}
        for row in rows:
            name = str(row[key])
            record = self._record(row, name)
            first = records.setdefault(name, record)
            if key == "item_id" and first["label"] != record["label"]:
                prompts = sorted({str(r.get("prompt_id")) for r in rows})
                advice = f"set prompt_id to one of {', '.join(prompts[:8])}" if len(prompts) > 1 else "keep one"
                raise UsageError(f'{self.where}: {self.path} has different answers for item "{name}"; {advice}')
        return records

    def _record(self, row: Mapping[str, Any], name: str) -> dict[str, Any]:
        what = f'{self.where}: {self.path}, item "{name[:60]}"'
        cost = row.get("cost_usd")
        return {
            "label": None if row["label"] is None else str(row["label"]),
            "text": row.get("text"),
            "confidence": _number(row.get("confidence"), what),
            "input_tokens": _count(row.get("input_tokens"), what),
            "output_tokens": _count(row.get("output_tokens"), what),
            "cost": cost_of_dollars(cost, what=f"{what}, cost_usd") if _number(cost, what) is not None else None,
        }

    @property
    def has_costs(self) -> bool:
        """Whether the file says what the answers cost."""
        return self._highest["cost"] > 0

    def close(self) -> None:
        """Keep what was read: it is small."""

    def request(self, _prompt: Prompt, row: Any, /) -> Request:
        """Name the record that belongs to the row; the prompt's words do not change a recorded answer."""
        self.open()
        name = str(row_field(row, "id" if self._by == "id" else "text"))
        record = self._records.get(name)
        text = row_field(row, "text")
        if self._by == "id" and record is not None and None not in (text, record["text"]) and record["text"] != text:
            raise UsageError(
                f'{self.where}: row "{name}" and the record of item_id "{name}" have different texts; '
                'set join = "text", or give the corpus the ids of the records'
            )
        return {"replay": self._hash, "model": self.model, "prompt_id": self.prompt_id, self._by: name}

    def bound(self, request: Request) -> Usage:
        """Return what the record says; where it does not say, the most that the file says of any record."""
        record = self._records.get(request[self._by])
        if record is None:
            return Usage(cost=0)
        if self.recorded_cost:
            return Usage(cost=self._highest["cost"] if record["cost"] is None else record["cost"])
        tokens = [self._highest[n] if record[n] is None else record[n] for n in ("input_tokens", "output_tokens")]
        return Usage(*tokens)

    def expect(self, request: Request) -> Usage:
        """Return what the record says."""
        return self.bound(request)

    def send(self, request: Request) -> bytes:
        """Return the record as JSON."""
        record = self._records.get(request[self._by])
        if record is None:
            raise NotSent("no recorded answer", retry=False, counts=False)
        kept = {name: record[name] for name in ("label", "confidence")}
        used = self.bound(request)
        kept |= {"input_tokens": used.input_tokens, "output_tokens": used.output_tokens, "cost": used.cost}
        return json.dumps({**kept, "model": self.model}).encode()

    def read(self, body: bytes) -> Reply:
        """Read a record."""
        try:
            record = json.loads(body)
            label = record["label"]
            return Reply(
                text=label or "",
                input_tokens=record["input_tokens"],
                output_tokens=record["output_tokens"],
                model=record["model"],
                cost=record["cost"],
                confidence=record["confidence"],
                fault="" if label is not None else "the recorded answer could not be used",
            )
        except (ValueError, KeyError, TypeError):
            raise Ambiguous("the stored record is not one") from None


def _number(value: object, what: str) -> float | None:
    if value is None:
        return None
    try:
        number = float(str(value))
    except ValueError:
        raise UsageError(f"{what}: expected a number, got {value!r}") from None
    return None if math.isnan(number) else number  # pandas writes a missing number as NaN


def _count(value: object, what: str) -> int | None:
    number = _number(value, what)
    if number is None:
        return None
    if not 0 <= number <= 1e9:
        raise UsageError(f"{what}: expected a number of tokens, got {value!r}")
    return round(number)
