"""What an evaluation on the golden set found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weaksup.pipeline.golden.changes import ROUTING, Change
from weaksup.pipeline.golden.routing import RoutedGold
from weaksup.pipeline.golden.rows import GoldenSet
from weaksup.pipeline.golden.scores import Score

__all__ = ["Report"]


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What an evaluation found: a score for each tier, by name, and for the routing; what changed; what is recorded.

    `recorded` is the file with the record if it was written; `refused` says why not, in a line for each thing that is
    worse.
    """

    golden: GoldenSet
    tiers: Mapping[str, Score]
    routing: Score
    routed: RoutedGold
    changes: tuple[Change, ...]
    recorded: Path | None
    refused: tuple[str, ...]
    notes: tuple[str, ...]
    spent: int  # micro-dollars, by this evaluation

    @property
    def failed(self) -> int:
        """How many answers are missing."""
        return sum(score.failed for score in self.tiers.values())

    def to_json(self) -> dict[str, Any]:
        """Return the scores, the changes and the money as plain JSON."""
        return {
            "rows": len(self.golden),
            "golden": self.golden.digest,
            "tiers": {name: score.to_json() for name, score in self.tiers.items()},
            ROUTING: {**self.routing.to_json(), "cost_usd": self.routed.cost / 1e6, "asked": dict(self.routed.asked)},
            "changes": [change.to_json() for change in self.changes],
            "recorded": None if self.recorded is None else str(self.recorded),
            "refused": list(self.refused),
            "notes": [*self.golden.notes, *self.notes],
            "spent_usd": self.spent / 1e6,
        }
