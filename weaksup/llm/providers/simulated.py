"""An offline stand-in for a model: it knows the true labels and errs at a stated rate. Named SIMULATED everywhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from weaksup.errors import UsageError
from weaksup.llm.failures import Ambiguous, NotSent
from weaksup.llm.pricing.prices import Usage
from weaksup.llm.providers.provider import Request, row_field
from weaksup.llm.providers.records import read_columns
from weaksup.protocols import Prompt, Reply

__all__ = ["PREFIX", "Simulated", "simulated_name"]

PREFIX = "SIMULATED"

_ANSWER_TOKENS = 12  # {"label": "..."} in a few tokens more than it needs
_BYTES_A_TOKEN = 4  # English text, as a rule of thumb


def simulated_name(name: str) -> str:
    """Return a name that nobody takes for a real model's."""
    return name if name.startswith(PREFIX) else f"{PREFIX} {name}"


@dataclass(slots=True, eq=False)
class Simulated:
    """Answer with the true label of the row, or, for a share of `error_rate` of the rows, with another one.

    `truth` maps row ids to label names, or names a file with the columns `id_column` and `truth_column`. Which rows are
    wrong depends on `seed` and the row's id alone: neither order nor number of threads changes an answer.
    """

    truth: Mapping[str, str] | Path
    error_rate: float = 0.05
    model: str = PREFIX
    seed: int = 0
    id_column: str = "id"
    truth_column: str = "label"
    where: str = "simulated"
    kind: ClassVar[str] = "simulated"
    _labels: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    _hash: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        self.model = simulated_name(self.model)
        if not 0 <= self.error_rate <= 1:
            raise UsageError(f"{self.where}: expected an error_rate from 0 to 1, got {self.error_rate}")

    def open(self) -> None:
        """Read the true labels, once."""
        if self._hash:
            return
        if isinstance(self.truth, Mapping):
            pairs = [(str(key), value) for key, value in self.truth.items()]
        else:
            names = [self.id_column, self.truth_column]
            columns = read_columns(self.truth, names, need=names, where=self.where)
            pairs = [(str(key), value) for key, value in zip(*(columns[name] for name in names), strict=True)]
        self._labels = {key: str(value) for key, value in pairs if value is not None}
        self._hash = hashlib.sha256(json.dumps(self._labels, sort_keys=True).encode()).hexdigest()

    def close(self) -> None:
        """Keep what was read: it is small."""

    def request(self, prompt: Prompt, row: Any, /) -> Request:
        """Say which row is meant, and the words that a real model would be sent, which are what it is charged for."""
        self.open()
        return {
            "simulated": self._hash,
            "model": self.model,
            "seed": self.seed,
            "error_rate": self.error_rate,
            "id": str(row_field(row, "id")),
            "answers": list(prompt.answers),
            "bytes": len((prompt.system + prompt.user).encode("utf-8", "surrogatepass")),
        }

    def bound(self, request: Request) -> Usage:
        """Return one token a byte, as for a real model."""
        longest = max(len(name.encode("utf-8", "surrogatepass")) for name in request["answers"])
        return Usage(request["bytes"], _ANSWER_TOKENS + longest)

    def expect(self, request: Request) -> Usage:
        """Return what `send` will charge."""
        return Usage(-(-request["bytes"] // _BYTES_A_TOKEN), _ANSWER_TOKENS)

    def send(self, request: Request) -> bytes:
        """Return the true label, or by chance a wrong one."""
        truth = self._labels.get(request["id"])
        if truth is None:
            raise NotSent("no true label to simulate an answer with", retry=False, counts=False)
        others = [name for name in request["answers"] if name.casefold() != truth.casefold()]
        label = others[self._draw(request, "which") % len(others)] if others and self._errs(request) else truth
        used = self.expect(request)
        return json.dumps(
            {"label": label, "model": self.model, "input": used.input_tokens, "output": used.output_tokens}
        ).encode()

    def _errs(self, request: Request) -> bool:
        return self._draw(request, "whether") < self.error_rate * 2**64

    def _draw(self, request: Request, what: str) -> int:
        text = json.dumps([what, self.seed, request["id"]])
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

    def read(self, body: bytes) -> Reply:
        """Read an answer."""
        try:
            said = json.loads(body)
            return Reply(json.dumps({"label": said["label"]}), said["input"], said["output"], model=said["model"])
        except (ValueError, KeyError, TypeError):
            raise Ambiguous("the stored answer is not one") from None
