"""What holds for one call of `ask_batch`: its settings, and the calls that are left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from weaksup.llm.asking import Session
from weaksup.llm.batches.api import BatchApi
from weaksup.llm.calls import Ended
from weaksup.llm.failures import Retries
from weaksup.llm.jobs import Job
from weaksup.store import Batches, Limits

__all__ = ["BatchRun"]


@dataclass(frozen=True, slots=True, eq=False)
class BatchRun:
    """`cap` in micro-dollars; `left` holds the calls whose end is not known, by key."""

    session: Session
    api: BatchApi
    batches: Batches
    left: dict[str, Job]
    run: str
    cap: int
    limits: Limits
    retries: Retries
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    poll_seconds: float

    def tell(self, key: str, ended: Ended) -> None:
        """Note what became of a call; of one that nobody asked for now, only the money counts."""
        job = self.left.pop(key, None)
        if job is not None:
            self.session.take(job, ended)
        else:
            self.session.spent += ended.paid
            self.session.unknown += ended.unknown
