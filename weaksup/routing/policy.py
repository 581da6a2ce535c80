"""Policies: how likely a label must be to be left alone, and who is asked about the rows where it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from weaksup.errors import ConfigError, UsageError
from weaksup.labels import LabelSpace
from weaksup.routing.always import AlwaysRule, FieldRule
from weaksup.routing.ladder import Floats

__all__ = ["LabelPolicy", "Policy"]


@dataclass(frozen=True, slots=True)
class LabelPolicy:
    """What holds for one label instead of the policy's own `accept` and `below`; what is not set stays."""

    accept: float | None = None
    below: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """When labels are left alone, and who is asked about the others; all thresholds are probabilities, 0..1.

    A row whose label is at least as likely as `accept` is left alone. A tier is asked only about rows whose label is
    less likely than its threshold in `below`, by the name of the tier; without one, than `accept`. `labels` has
    thresholds of single labels; a tier whose threshold is `accept` follows a label's own `accept`. `always` sends rows
    to people, however likely their labels are. `audit` is the share of the rows left alone that people check, drawn by
    `seed` and the row's id: the same rows in every run.
    """

    accept: float = 0.9
    below: Mapping[str, float] = field(default_factory=dict)
    labels: Mapping[str, LabelPolicy] = field(default_factory=dict)
    always: tuple[AlwaysRule, ...] = ()
    audit: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        _check_share(self.accept, "accept")
        _check_share(self.audit, "audit")
        _check_below(self.below, self.accept, "below")
        for name, own in self.labels.items():
            accept = self.accept if own.accept is None else own.accept
            _check_share(accept, f"labels.{name}.accept")
            _check_below(own.below, accept, f"labels.{name}.below")

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields that the rules read."""
        return tuple(dict.fromkeys(rule.field for rule in self.always if isinstance(rule, FieldRule)))

    def accepts(self, labels: LabelSpace) -> Floats:
        """Return the probability from which each label is left alone, [k]."""
        self._check_labels(labels)
        return np.array([self._accept(name) for name in labels.names], np.float64)

    def thresholds(self, tiers: Sequence[str], labels: LabelSpace) -> Floats:
        """Return the probability of each label below which each tier is asked, [t, k]."""
        self._check_labels(labels)
        found = [[self._below(tier, name) for name in labels.names] for tier in tiers]
        return np.array(found, np.float64).reshape(len(tiers), len(labels))

    def with_thresholds(self, tier: str, thresholds: Mapping[str, float]) -> Policy:
        """Return the policy with other thresholds of one tier, one for each label."""
        most = min(max(thresholds.values()), self.accept)
        if len(set(thresholds.values())) == 1 and not self.labels:
            return replace(self, below={**self.below, tier: most})
        own = {}
        for name, threshold in thresholds.items():
            before = self.labels.get(name, LabelPolicy())
            own[name] = replace(before, below={**before.below, tier: threshold})
        return replace(self, below={**self.below, tier: most}, labels=own)

    def to_json(self) -> dict[str, Any]:
        """Return the policy as the table that `read_policy` reads."""
        return {
            "accept": self.accept,
            "below": dict(self.below),
            "labels": {
                name: {**({} if own.accept is None else {"accept": own.accept}), "below": dict(own.below)}
                for name, own in self.labels.items()
            },
            "always": [rule.to_json() for rule in self.always],
            "audit": self.audit,
            "seed": self.seed,
        }

    def _accept(self, name: str) -> float:
        own = self.labels.get(name, LabelPolicy()).accept
        return self.accept if own is None else own

    def _below(self, tier: str, name: str) -> float:
        accept = self._accept(name)
        own = self.labels.get(name, LabelPolicy()).below.get(tier)
        if own is not None:
            return own
        general = self.below.get(tier, self.accept)
        # A tier that sees all that is not accepted does so for every label, wherever its `accept` lies.
        return accept if general >= self.accept else min(general, accept)

    def _check_labels(self, labels: LabelSpace) -> None:
        for name in self.labels:
            if name not in labels.names:
                known = ", ".join(labels.names)
                raise UsageError(f'policy: expected thresholds of labels out of {known}, got "{name}"; remove it')


def _check_share(value: float, where: str) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"policy: expected {where} from 0 to 1, got {value}")


def _check_below(below: Mapping[str, float], accept: float, where: str) -> None:
    for tier, threshold in below.items():
        _check_share(threshold, f"{where}.{tier}")
        if threshold > accept:
            why = f"rows at {accept} and above are left alone"
            raise ConfigError(f"policy: expected {where}.{tier} of at most {accept}, as {why}, got {threshold}")
