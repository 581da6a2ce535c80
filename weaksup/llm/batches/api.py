"""What a provider's batch API must do: take many requests at once, say how far it is, hand out the results.

A request goes by its key, which is its `custom_id` there: results may come in any order, twice, or not at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from weaksup.llm.failures import SendError, no_answer

__all__ = ["BatchApi", "BatchResult", "BatchStatus", "Uploaded", "batch_id", "plain_word", "read_json"]

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,200}")

Uploaded = str | bytes
"""What `upload` returns and `create` wants: the id of a file, or the requests themselves."""


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How far a batch is: `word` is the provider's; `files` are the paths of its results.

    `ran` is false where the provider refused the whole batch, for the `reason`: nothing was asked, nothing is billed.
    """

    word: str
    ended: bool
    ran: bool = True
    files: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one request: the `body` of its answer, as `Provider.read` wants it, or an error."""

    key: str
    body: bytes = b""
    error: SendError | None = None


class BatchApi(Protocol):
    """One provider's batches. Every method but `line` sends, once, and raises a `SendError` where that fails."""

    @property
    def most_requests(self) -> int:
        """How many requests a batch may hold."""
        ...

    @property
    def most_bytes(self) -> int:
        """How long the lines of a batch may be, together."""
        ...

    @property
    def place(self) -> str:
        """Where its batches are: two providers with the same place see each other's."""
        ...

    def line(self, key: str, body: Mapping[str, Any], /) -> bytes:
        """Write one request down."""
        ...

    def upload(self, lines: Sequence[bytes], /) -> Uploaded:
        """Hand the requests over; this costs nothing yet."""
        ...

    def create(self, uploaded: Uploaded, /) -> str:
        """Start the batch, which is what is billed, and return its id."""
        ...

    def poll(self, number: str, /) -> BatchStatus:
        """Say how far a batch is."""
        ...

    def results(self, status: BatchStatus, /) -> Iterator[BatchResult | None]:
        """Read the results of an ended batch as they come; `None` stands for a line that cannot be read."""
        ...


def batch_id(body: bytes, what: str) -> str:
    """Return the id in a provider's answer; it becomes part of an address, so it must be a plain word."""
    data = read_json(body)
    found = data.get("id") if data else None
    if not plain_word(found):
        raise no_answer(f"id of a {what}", body)
    return str(found)


def plain_word(name: object) -> bool:
    """Say whether a provider's name for something may become part of an address."""
    return isinstance(name, str) and _ID.fullmatch(name) is not None and set(name) != {"."}


def read_json(line: bytes) -> dict[str, Any] | None:
    """Read a JSON object; `None` for what is none."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None
