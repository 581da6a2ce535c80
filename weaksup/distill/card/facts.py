"""What a model card tells of: the JSON of a bundle, as it is packed and as it is read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Facts", "Json"]

Json = Mapping[str, Any]
_SETS = ("rows", "micro_f1", "micro_f1_interval", "macro_f1", "exact", "exact_interval", "labels")
_SCORED = ("rows", "accuracy", "accuracy_interval", "f1", "f1_interval", "f1_of", "ece", "classes")


@dataclass(frozen=True, slots=True)
class Facts:
    """`kind`, `training`, `lineage` and `version` (of weaksup) stand in the manifest, the others in files of their own.

    `fields` are the names of what is read beside the text.
    """

    kind: str
    labels: Json
    training: Json
    version: str
    lineage: Json = field(default_factory=dict)
    metrics: Json = field(default_factory=dict)
    calibration: Json | None = None
    thresholds: Json | None = None
    fields: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The labels, in the order of the probabilities."""
        return list(self.labels["names"])

    @property
    def gold(self) -> Json | None:
        """The scores on gold; `None` where there was none, or somebody else's metrics stand there."""
        found = self.metrics.get("gold")
        return found if isinstance(found, Mapping) and set(_SCORED) <= set(found) else None

    @property
    def multi(self) -> bool:
        """Whether a row may have any number of labels."""
        return bool(self.labels.get("multi"))

    @property
    def sets(self) -> Json | None:
        """The scores on gold of a model that gives any number of labels."""
        found = self.metrics.get("gold")
        return found if self.multi and isinstance(found, Mapping) and set(_SETS) <= set(found) else None

    @property
    def measured(self) -> bool:
        """Whether somebody has scored it."""
        return any(found is not None for found in (self.gold, self.sets, self.held_out))

    @property
    def held_out(self) -> Json | None:
        """The share of right answers on rows kept from training, where nothing more is known."""
        found = self.metrics.get("held_out")
        return found if self.gold is None and isinstance(found, Mapping) and found.get("accuracy") else None
