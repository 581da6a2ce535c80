"""What a provider of answers must do, in three halves: say what would be sent, send it, read what came back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from weaksup.llm.pricing.prices import Usage
from weaksup.protocols import Prompt, Reply

__all__ = ["Provider", "Request", "row_field"]

Request = Mapping[str, Any]
"""Everything that changes the answer, as plain JSON: it is hashed into the key, and it is what `send` gets."""


class Provider(Protocol):
    """Answer prompts. Only `open` and `send` touch the world outside.

    A new kind of provider is one file with these methods and one line in `tiers.PROVIDERS`.
    """

    @property
    def kind(self) -> str:
        """The word for it in weaksup.toml."""
        ...

    @property
    def model(self) -> str:
        """The name of the model."""
        ...

    def open(self) -> None:
        """Get ready: read the key, the file. Raise `UsageError` where something is missing."""
        ...

    def close(self) -> None:
        """Let go of connections; called once for each `open`."""
        ...

    def request(self, prompt: Prompt, row: Any, /) -> Request:
        """Say what would be sent for a row."""
        ...

    def bound(self, request: Request) -> Usage:
        """Return the most that the call can use: what is reserved before it is sent."""
        ...

    def expect(self, request: Request) -> Usage:
        """Return what the call is likely to use."""
        ...

    def send(self, request: Request) -> bytes:
        """Return the whole body of the answer, or raise a `SendError`."""
        ...

    def read(self, body: bytes) -> Reply:
        """Read a body; raise `Ambiguous` where it holds no answer at all, and nothing else."""
        ...


def row_field(row: Any, name: str) -> Any:
    """Return a field of a row: a corpus row, a mapping, or an object with attributes; `None` where it has none."""
    if isinstance(row, Mapping):
        return row.get(name)
    return getattr(row, name, None)
