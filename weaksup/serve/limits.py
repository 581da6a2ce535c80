"""What one client may ask of a server, at most."""

from __future__ import annotations

import math
from dataclasses import dataclass

from weaksup.errors import UsageError

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """`batch` texts in a request, `body` bytes of it and `text` bytes of each text; `timeout` seconds for any step.

    `concurrent` requests may wait for an answer or get one at a time; `connections` may be open. A text is read up to
    its 10,000th character, however many bytes are allowed.
    """

    batch: int = 1_000
    body: int = 4 << 20
    text: int = 100_000
    timeout: float = 30.0
    concurrent: int = 64
    connections: int = 512

    def __post_init__(self) -> None:
        for name in ("batch", "body", "text", "concurrent", "connections"):
            if getattr(self, name) < 1:
                raise UsageError(f"limit {name}: expected at least 1, got {getattr(self, name)}")
        if not (math.isfinite(self.timeout) and self.timeout > 0):
            raise UsageError(f"limit timeout: expected seconds above 0, got {self.timeout}")
