"""Batches of the OpenAI protocol: a file of requests goes up, a file of answers and a file of errors come down.

Source: the API reference of OpenAI, Files and Batch (2026).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from weaksup.llm.batches.api import BatchResult, BatchStatus, Uploaded, batch_id, plain_word, read_json
from weaksup.llm.failures import Ambiguous, Refused, SendError, error_text, from_status, no_answer, one_line
from weaksup.llm.providers.wire import Wire

__all__ = ["OpenAIBatches"]

_ENDPOINT = "/v1/chat/completions"
_ENDED = {"completed", "failed", "expired", "cancelled"}
_NOT_ASKED = {"batch_expired": "the batch expired before its turn", "batch_cancelled": "the batch was cancelled"}


@dataclass(frozen=True, slots=True)
class OpenAIBatches:
    """The batches at one address; its connections are the provider's own."""

    wire: Wire
    where: str
    # OpenAI takes 50,000 requests and 200 MB; what fails as a whole should be smaller, and it is built in memory.
    most_requests: int = 10_000
    most_bytes: int = 32_000_000
    seconds: float = field(default=600.0)  # the longest that a download of results may take

    @property
    def place(self) -> str:
        """The protocol and the address."""
        return f"openai {self.wire.base_url}"

    def line(self, key: str, body: Mapping[str, Any], /) -> bytes:
        """Write one request as a line of the file; raise `UnicodeEncodeError` for half characters."""
        request = {"custom_id": key, "method": "POST", "url": _ENDPOINT, "body": body}
        return json.dumps(request, ensure_ascii=False).encode() + b"\n"

    def upload(self, lines: Sequence[bytes], /) -> Uploaded:
        """Store the file of requests there; return its id."""
        edge = uuid4().hex
        before = (
            f'--{edge}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
            f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="requests.jsonl"\r\n'
            "Content-Type: application/jsonl\r\n\r\n"
        )
        content = b"".join((before.encode(), *lines, f"\r\n--{edge}--\r\n".encode()))
        headers = {"Content-Type": f"multipart/form-data; boundary={edge}"}
        with self.wire.stream("POST", "/files", content=content, headers=headers) as response:
            return batch_id(self.wire.whole(response), "file")

    def create(self, uploaded: Uploaded, /) -> str:
        """Start the batch of a file."""
        body = {"input_file_id": uploaded, "endpoint": _ENDPOINT, "completion_window": "24h"}
        return batch_id(self.wire.post("/batches", body, headers={"Idempotency-Key": f"batch-{uploaded!s}"}), "batch")

    def poll(self, number: str, /) -> BatchStatus:
        """Ask how far a batch is."""
        with self.wire.stream("GET", f"/batches/{number}") as response:
            body = self.wire.whole(response)
        data = read_json(body)
        word = data.get("status") if data else None
        if data is None or not isinstance(word, str):
            raise no_answer("status of a batch", body)
        names = (data.get("output_file_id"), data.get("error_file_id"))
        files = tuple(f"/files/{name}/content" for name in names if plain_word(name))
        ran = word != "failed" or bool(files)
        return BatchStatus(one_line(word)[:40], word in _ENDED, ran, files, "" if ran else _why(data))

    def results(self, status: BatchStatus, /) -> Iterator[BatchResult | None]:
        """Read the file of answers, then that of errors."""
        for path in status.files:
            with self.wire.stream("GET", path) as response:
                for line in self.wire.lines(response, seconds=self.seconds):
                    yield None if line is None else self._result(line)

    def _result(self, line: bytes) -> BatchResult | None:
        data = read_json(line)
        key = data.get("custom_id") if data else None
        if data is None or not isinstance(key, str):
            return None
        response = data.get("response")
        if not isinstance(response, dict):
            return BatchResult(key, error=_not_answered(data.get("error")))
        body = json.dumps(response.get("body")).encode()
        status = response.get("status_code")
        if status == 200:
            return BatchResult(key, body)
        if not isinstance(status, int) or not 100 <= status <= 599:
            return BatchResult(key, error=Ambiguous("a result without a status"))
        return BatchResult(key, error=from_status(status, error_text(body), wait=None, where=self.where))


def _not_answered(error: object) -> SendError:
    """Read why a request was not asked; what is not known to cost nothing is charged."""
    code = error.get("code") if isinstance(error, dict) else None
    if code in _NOT_ASKED:
        return Refused(_NOT_ASKED[str(code)], counts=False)
    return Ambiguous(f"no answer in the batch: {error_text(json.dumps({'error': error}).encode())[:200]}")


def _why(data: Mapping[str, Any]) -> str:
    errors = data.get("errors")
    listed = errors.get("data") if isinstance(errors, dict) else None
    first = listed[0] if isinstance(listed, list) and listed else {}
    said = error_text(json.dumps({"error": first}).encode()) if isinstance(first, dict) and "message" in first else ""
    return f"the provider refused the batch: {said or 'it does not say why'}"
