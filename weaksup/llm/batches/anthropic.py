"""Batches of the Anthropic protocol: the requests go up in one body, the results come down as lines.

A result that errored, was cancelled or expired is not billed. Source: the API reference of Anthropic, Message Batches
(2026).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from weaksup.llm.batches.api import BatchResult, BatchStatus, Uploaded, batch_id, read_json
from weaksup.llm.failures import Ambiguous, Refused, SendError, error_text, from_status, no_answer, one_line
from weaksup.llm.providers.json_pairs import read_pairs, write_pairs
from weaksup.llm.providers.wire import Wire

__all__ = ["AnthropicBatches"]

_PATH = "/v1/messages/batches"
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
}
_NOT_ASKED = {"expired": "the batch expired before its turn", "canceled": "the batch was cancelled"}


@dataclass(frozen=True, slots=True)
class AnthropicBatches:
    """The batches at one address; its connections are the provider's own."""

    wire: Wire
    where: str
    most_requests: int = 10_000  # of 100,000 and 256 MB that it takes, as in batch_openai
    most_bytes: int = 32_000_000
    seconds: float = 600.0  # the longest that a download of results may take

    @property
    def place(self) -> str:
        """The protocol and the address."""
        return f"anthropic {self.wire.base_url}"

    def line(self, key: str, body: Mapping[str, Any], /) -> bytes:
        """Write one request; raise `UnicodeEncodeError` for half characters."""
        return json.dumps({"custom_id": key, "params": body}, ensure_ascii=False).encode()

    def upload(self, lines: Sequence[bytes], /) -> Uploaded:
        """Put the requests together: here they go up with `create`."""
        return b'{"requests":[' + b",".join(lines) + b"]}"

    def create(self, uploaded: Uploaded, /) -> str:
        """Send the requests as one batch."""
        content = uploaded if isinstance(uploaded, bytes) else uploaded.encode()
        headers = {"Content-Type": "application/json"}
        with self.wire.stream("POST", _PATH, content=content, headers=headers) as response:
            return batch_id(self.wire.whole(response), "batch")

    def poll(self, number: str, /) -> BatchStatus:
        """Ask how far a batch is."""
        with self.wire.stream("GET", f"{_PATH}/{number}") as response:
            body = self.wire.whole(response)
        data = read_json(body)
        word = data.get("processing_status") if data else None
        if not isinstance(word, str):
            raise no_answer("status of a batch", body)
        # Not the address that the answer names: the key goes with it.
        return BatchStatus(one_line(word)[:40], word == "ended", files=(f"{_PATH}/{number}/results",))

    def results(self, status: BatchStatus, /) -> Iterator[BatchResult | None]:
        """Read the results."""
        for path in status.files:
            with self.wire.stream("GET", path) as response:
                for line in self.wire.lines(response, seconds=self.seconds):
                    yield None if line is None else self._result(line)

    def _result(self, line: bytes) -> BatchResult | None:
        data = read_json(line)
        key, result = (data.get("custom_id"), data.get("result")) if data else (None, None)
        if not isinstance(key, str) or not isinstance(result, dict):
            return None
        kind = result.get("type")
        if kind == "succeeded":
            written = dict(dict(read_pairs(line))["result"]).get("message")  # not as `data`: that has no name twice
            return BatchResult(key, write_pairs(written).encode())
        return BatchResult(key, error=self._error(kind, result.get("error")))

    def _error(self, kind: object, error: object) -> SendError:
        if kind in _NOT_ASKED:
            return Refused(_NOT_ASKED[str(kind)], counts=False)
        if kind != "errored":
            return Ambiguous("a result that says neither succeeded nor errored")
        inner = error.get("error") if isinstance(error, dict) else None
        said = error_text(json.dumps({"error": inner}).encode()) if isinstance(inner, dict) else ""
        status = _STATUSES.get(str(inner.get("type"))) if isinstance(inner, dict) else None
        if status is not None:
            return from_status(status, said, wait=None, where=self.where)
        return Refused(f"errored in the batch: {said}")
