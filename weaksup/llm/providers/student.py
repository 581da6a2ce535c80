"""A student as a tier: the bundle that an earlier corpus left answers for nothing, on this machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from weaksup.errors import UsageError
from weaksup.llm.failures import Ambiguous, NotSent
from weaksup.llm.pricing.prices import Usage
from weaksup.llm.providers.provider import Request, row_field
from weaksup.protocols import Prompt, Reply

__all__ = ["LoadStudent", "Predicts", "StudentProvider"]


class Predicts(Protocol):
    """A trained classifier: what `weaksup.distill.load_bundle` returns. Many threads may call it."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The label names, in the order of the probabilities."""
        ...

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What it was made from, with a hash of every file."""
        ...

    def predict_proba(self, texts: Sequence[str], *, threads: int | None = None) -> Any:
        """Return probabilities [n, k]."""
        ...


LoadStudent = Callable[[Path], Predicts]


@dataclass(slots=True, eq=False)
class StudentProvider:
    """Answer with the most probable label of a row's text, and its probability as the confidence.

    `load` opens the bundle at `path`: language models know nothing of students, so it is handed in.
    """

    path: Path
    load: LoadStudent = field(repr=False)
    model: str = "student"
    where: str = "student"
    kind: ClassVar[str] = "student"
    _student: Predicts | None = field(default=None, init=False, repr=False)
    _hash: str = field(default="", init=False, repr=False)

    def open(self) -> None:
        """Read the bundle, once."""
        if self._student is None:
            student = self.load(self.path)
            self._hash = hashlib.sha256(json.dumps(student.manifest, sort_keys=True).encode()).hexdigest()
            self._student = student

    def close(self) -> None:
        """Keep what was read: it is small."""

    def request(self, prompt: Prompt, row: Any, /) -> Request:
        """Say which bundle reads which text; the words of the prompt do not change its answer."""
        self.open()
        self.check(prompt.answers)
        return {"student": self._hash, "text": _text_of(row)}

    def check(self, answers: Sequence[str]) -> None:
        """Raise UsageError unless the open bundle gives one of these labels, and no other."""
        assert self._student is not None
        if getattr(self._student, "multi", False):
            raise UsageError(f"{self.where}: expected a student that gives one label a row, {self.path} gives several")
        if answers and set(self._student.classes) != set(answers):
            mine, yours = (", ".join(names[:6]) for names in (self._student.classes, answers))
            raise UsageError(f"{self.where}: the student in {self.path} knows {mine}; the votes have {yours}")

    def answer(self, rows: Sequence[Any]) -> list[Reply]:
        """Answer many rows at once, on all cores; what the bundle reads beside the text is read too."""
        if self._student is None:
            raise NotSent("the student is not open", retry=False)
        fields = getattr(getattr(self._student, "fields", None), "names", ())
        proba = self._student.predict_proba(rows if fields else [_text_of(row) for row in rows])
        best, top = proba.argmax(axis=1).tolist(), proba.max(axis=1).tolist() if len(rows) else []
        texts = [json.dumps({"label": name}) for name in self._student.classes]
        return [
            Reply(texts[b], 0, 0, model=self.model, cost=0, confidence=round(p, 6))
            for b, p in zip(best, top, strict=True)
        ]

    def bound(self, _request: Request, /) -> Usage:
        """Return nothing: it costs nothing."""
        return Usage(cost=0)

    def expect(self, _request: Request, /) -> Usage:
        """Return nothing: it costs nothing."""
        return Usage(cost=0)

    def send(self, request: Request) -> bytes:
        """Return the label and its probability as JSON."""
        if self._student is None:
            raise NotSent("the student is not open", retry=False)
        proba = self._student.predict_proba([request["text"]], threads=1)[0]
        best = int(proba.argmax())
        return json.dumps({"label": self._student.classes[best], "confidence": round(float(proba[best]), 6)}).encode()

    def read(self, body: bytes) -> Reply:
        """Read an answer."""
        try:
            said = json.loads(body)
            label, confidence = said["label"], float(said["confidence"])
        except (ValueError, KeyError, TypeError):
            raise Ambiguous("the stored answer is not one") from None
        return Reply(json.dumps({"label": label}), 0, 0, model=self.model, cost=0, confidence=confidence)


def _text_of(row: Any) -> str:
    text = row_field(row, "text")
    return text if isinstance(text, str) else ""
