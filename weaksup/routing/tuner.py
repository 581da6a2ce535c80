"""The tuner: thresholds at which the queue fits the minutes that people have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from weaksup.errors import UsageError
from weaksup.routing.ladder import Floats
from weaksup.routing.people_queue import Candidates, Queue, call_people, line_up, worst_first
from weaksup.routing.policy import Policy

__all__ = ["Tuned", "tune_people"]


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    """The policy with thresholds that fit, and the queue of at most `limit` rows that it gives.

    `thresholds` are those of the people tier, by label. `fixed_rows` are what the rules and the audit send, whatever
    the thresholds; where they alone need more than the minutes, `short` is true and the queue is cut. `waiting` rows
    are doubtful, not accepted, and did not fit.
    """

    policy: Policy
    thresholds: Mapping[str, float]
    queue: Queue
    limit: int
    minutes: float
    items_per_hour: float
    fixed_rows: int
    waiting: int

    @property
    def minutes_used(self) -> float:
        """The minutes that the queue takes."""
        return len(self.queue) * 60 / self.items_per_hour

    @property
    def fixed_minutes(self) -> float:
        """The minutes that the rules and the audit need by themselves."""
        return self.fixed_rows * 60 / self.items_per_hour

    @property
    def short(self) -> bool:
        """Whether the rules and the audit need more rows than fit."""
        return self.fixed_rows > self.limit

    @property
    def errors_caught(self) -> float:
        """How many wrong labels to expect in the queue: what people are likely to correct."""
        return self.queue.expected_errors

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as plain JSON, without the rows."""
        return {
            "thresholds": dict(self.thresholds),
            "limit": self.limit,
            "minutes": self.minutes,
            "minutes_used": self.minutes_used,
            "fixed_rows": self.fixed_rows,
            "fixed_minutes": self.fixed_minutes,
            "short": self.short,
            "waiting": self.waiting,
            "errors_caught": self.errors_caught,
            "queue": self.queue.to_json(),
            "policy": self.policy.to_json(),
        }


def tune_people(
    rows: Candidates, policy: Policy, *, minutes: float, items_per_hour: float, tier: str = "people"
) -> Tuned:
    """Set the largest thresholds of the people tier whose queue fits the minutes, after the rules and the audit.

    They keep the proportions of the policy's own thresholds and never pass `accept`. Rows that are equally doubtful
    come in together; where only some of them fit, a draw from their ids chooses. More minutes give the same queue and
    more.
    """
    if not (math.isfinite(minutes) and minutes >= 0 and math.isfinite(items_per_hour) and items_per_hour > 0):
        what = f"{minutes} minutes at {items_per_hour} items an hour"
        raise UsageError(f"queue: expected minutes of 0 or more and items per hour above 0, got {what}")
    limit = math.floor(minutes * items_per_hour / 60 + 1e-9)
    own, accept = policy.thresholds([tier], rows.labels)[0], policy.accepts(rows.labels)
    call = call_people(rows, policy)
    fixed = len(line_up(rows, policy, call, np.empty(0, np.int64), threshold=own, limit=None))
    room = max(0, limit - fixed)
    doubtful, part = worst_first(rows, call, scale=own, below=accept)
    threshold = np.minimum(_factor(part, room, own, accept) * own, accept)
    queue = line_up(rows, policy, call, doubtful[:room], threshold=threshold, limit=limit)
    if fixed > limit:
        queue = replace(queue, notes=(*queue.notes, _too_much(fixed, limit, minutes, items_per_hour)))
    by_label = dict(zip(rows.labels.names, threshold.tolist(), strict=True))
    return Tuned(
        policy.with_thresholds(tier, by_label),
        by_label,
        queue,
        limit,
        float(minutes),
        float(items_per_hour),
        fixed,
        max(0, len(doubtful) - room),
    )


def _too_much(fixed: int, limit: int, minutes: float, items_per_hour: float) -> str:
    need = f"the rules and the audit alone send {fixed:,} rows, {fixed * 60 / items_per_hour:,.0f} minutes of people"
    left = f"{fixed - limit:,} of them do not fit into {minutes:,.0f} minutes"
    return f"{need}: {left}, nor does any row in doubt; give people more time, or loosen the rules"


def _factor(part: Floats, room: int, own: Floats, accept: Floats) -> float:
    """Return what to multiply the thresholds by, so that the first `room` rows, and those that tie, are below them.

    `part` is ascending. It lies halfway to the first row that stays out: rounding then takes no row across.
    """
    if not room:
        return 0.0
    after = part[part > part[min(room, len(part)) - 1]] if len(part) else part
    if room >= len(part) or not len(after):
        used = own > 0
        return float((accept[used] / own[used]).max(initial=0.0))
    return float((part[min(room, len(part)) - 1] + after[0]) / 2)
