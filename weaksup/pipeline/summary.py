"""What the steps of a run found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Json", "Summary"]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Summary:
    """What every step found, by step; which steps stood already; where the files are."""

    folder: Path
    steps: Mapping[str, Json]
    reused: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def tiers(self) -> list[Json]:
        """What each tier brought."""
        found: list[Json] = self.steps.get("ask", {}).get("tiers", [])
        return found

    @property
    def stopped(self) -> str:
        """Why asking ended before the rows did: "budget", "provider", or "" where it did not."""
        return next((tier["stopped"] for tier in self.tiers if tier["stopped"]), "")

    @property
    def cap(self) -> str:
        """Which cap ended asking, in words."""
        notes = (note for tier in self.tiers if tier["stopped"] == "budget" for note in tier["notes"])
        return next((note for note in notes if note.startswith("the cap")), "budget_usd is reached")

    @property
    def not_asked(self) -> int:
        """How many rows the budget did not reach."""
        return sum(tier["not_asked"] for tier in self.tiers)

    @property
    def failed(self) -> int:
        """How many rows were asked and brought no answer."""
        return self._failed(people=False)

    @property
    def waiting(self) -> int:
        """How many rows wait for people."""
        return self._failed(people=True)

    def _failed(self, *, people: bool) -> int:
        return sum(sum(tier["failed"].values()) for tier in self.tiers if (tier["kind"] == "person") == people)

    def to_json(self) -> Json:
        """Return the summary as plain JSON."""
        return {"folder": str(self.folder), "reused": list(self.reused), **self.steps}
