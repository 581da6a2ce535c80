"""People as a tier: questions go into a table, answers are read from it, and each costs what a person's time costs."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any, ClassVar

from weaksup.errors import ConfigError
from weaksup.llm.failures import Ambiguous, NotSent
from weaksup.llm.pricing.prices import Usage, cost_of_dollars
from weaksup.llm.providers.provider import Request, row_field
from weaksup.llm.providers.question_table import COLUMNS, add_questions, check_table, read_answers
from weaksup.protocols import Prompt, Reply

__all__ = ["People"]


@dataclass(slots=True, eq=False)
class People:
    """Answer from the table `path` (CSV or JSONL) that people fill in.

    A row that has no answer there yet fails, as it waits for a person, and costs nothing; when the tier is closed, its
    question stands in the table. An answer costs `hourly_rate` dollars divided by `items_per_hour`. One that was
    changed since it was read is a new one.
    """

    path: Path
    hourly_rate: Decimal
    items_per_hour: Decimal
    model: str = "people"
    where: str = "people"
    kind: ClassVar[str] = "people"
    _answers: Mapping[str, Mapping[str, str]] | None = field(default=None, init=False, repr=False)
    _waiting: dict[str, dict[str, str]] = field(default_factory=dict, init=False, repr=False)
    _order: dict[str, int] = field(default_factory=dict, init=False, repr=False)  # in which the questions came up
    _users: int = field(default=0, init=False, repr=False)
    _lock: Any = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        check_table(self.path, self.where)
        finite = self.hourly_rate.is_finite() and self.items_per_hour.is_finite()
        if not (finite and self.hourly_rate >= 0 and self.items_per_hour > 0):
            raise ConfigError(f"{self.where}: expected hourly_rate of 0 or more and items_per_hour above 0")

    @property
    def cost(self) -> int:
        """What one answer costs, in micro-dollars."""
        return cost_of_dollars(self.hourly_rate / self.items_per_hour, what=self.where)

    @property
    def seconds(self) -> int:
        """How long one answer takes."""
        return int((3600 / self.items_per_hour).to_integral_value(ROUND_CEILING))

    def open(self) -> None:
        """Read what people have answered so far."""
        with self._lock:
            self._answers = read_answers(self.path, self.where)
            self._users += 1

    def close(self) -> None:
        """Write the questions that wait for an answer, when the last user is done."""
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._waiting:
                waiting = sorted(self._waiting, key=self._order.__getitem__)
                add_questions(self.path, [self._waiting[key] for key in waiting], self.where)
                self._waiting = {}

    def request(self, prompt: Prompt, row: Any, /) -> Request:
        """Say what is asked about which row, and what was answered: another answer is another request."""
        if self._answers is None:
            self._answers = read_answers(self.path, self.where)
        question = {
            "people": self.model,
            "id": str(row_field(row, "id")),
            "question": prompt.user,
            "choices": list(prompt.answers),
            "guideline": prompt.system,
        }
        # With a letter before it: a spreadsheet would write 12e4567890123456 as the number that it looks like.
        key = "q" + hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:15]
        self._order.setdefault(key, len(self._order))
        return {**question, "key": key, "answer": dict(self._answers.get(key, {}))}

    def bound(self, _request: Request, /) -> Usage:
        """Return what the time for one answer costs."""
        return Usage(cost=self.cost, seconds=self.seconds)

    def expect(self, _request: Request, /) -> Usage:
        """Return what the time for one answer costs."""
        return Usage(cost=self.cost, seconds=self.seconds)

    def send(self, request: Request) -> bytes:
        """Return the answer, or put the question on the table."""
        answer = request["answer"]
        if not answer:
            choices = " | ".join(request["choices"])
            asked = [request["key"], request["id"], request["question"], choices, "", ""]
            with self._lock:
                self._waiting[request["key"]] = dict(zip(COLUMNS, asked, strict=True))
            raise NotSent(f"waits for a person: fill in {self.path.name}", retry=False, counts=False)
        if answer["label"].casefold() not in {choice.casefold() for choice in request["choices"]}:
            raise NotSent("what a person wrote is not a label", retry=False, counts=False)
        return json.dumps({**answer, "cost": self.cost}).encode()

    def read(self, body: bytes) -> Reply:
        """Read an answer."""
        try:
            said = json.loads(body)
            text = json.dumps({"label": said["label"], "reason": said["reason"]})
            return Reply(text, 0, 0, model=self.model, cost=int(said["cost"]))
        except (ValueError, KeyError, TypeError):
            raise Ambiguous("the stored answer is not one") from None
