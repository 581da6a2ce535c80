"""What changed since it was accepted, and whether it is worse on the same golden rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from weaksup.pipeline.golden.paired import Paired, compare_right
from weaksup.pipeline.golden.record import Accepted, Record
from weaksup.pipeline.golden.scores import Score
from weaksup.pipeline.golden.state import Made, Scored

__all__ = ["ROUTING", "Change", "changed_since", "judge", "title"]

ROUTING = "routing"

_EPSILON = 1e-9  # so that a tolerance of a hundredth is a hundredth

Kind = Literal["first", "same", "rescored", "replaces", "worse"]


@dataclass(frozen=True, slots=True)
class Change:
    """A scored thing beside the one in use: `what` changed, and how the rows compare where both were scored.

    `kind`: "first" there was none; "same" nothing changed; "rescored" the same thing on a new golden set; "replaces" it
    is not worse; "worse" its accuracy is lower by more than the tolerance.
    """

    name: str
    kind: Kind
    what: tuple[str, ...] = ()
    paired: Paired | None = None

    @property
    def says(self) -> str:
        """Say in one line what is worse, with the numbers."""
        if self.paired is None:
            return f"{self.name}: {self.kind}"
        p, (low, high) = self.paired, self.paired.interval
        rows = f"{p.before:,} of {p.rows:,} right before, {p.now:,} now ({p.before_only:,} lost, {p.now_only:,} gained)"
        points = f"{100 * p.difference:+.1f} points (95 %: {100 * low:+.1f} to {100 * high:+.1f}, p = {p.p:.2g})"
        verdict = "worse" if self.kind == "worse" else "not worse"
        return f"{self.name} is {verdict} ({', '.join(self.what)}): {rows}, {points}"

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        paired = None if self.paired is None else self.paired.to_json()
        return {"name": self.name, "kind": self.kind, "changed": list(self.what), "paired": paired}


def changed_since(record: Record, scored: Scored) -> Mapping[str, tuple[str, ...]]:
    """Return what changed of each tier that was accepted, and of the routing; tiers that are new are left out.

    By title: `tier "cheap"`, `routing`.
    """
    there = {name: (record.tiers[name], made) for name, made in scored.made.items() if name in record.tiers}
    pairs = {title(name): pair for name, pair in there.items()} | {ROUTING: (record.routing, scored.routing)}
    return {
        title: made.changes(before.parts) for title, (before, made) in pairs.items() if made.digest != before.digest
    }


def judge(name: str, made: Made, score: Score, before: Accepted | None, *, same_rows: bool, tolerance: float) -> Change:
    """Compare a thing with the one in use, `before`; `same_rows` says whether both were scored on one golden set.

    `name` is its title; `tolerance`, in 0..1, is how much accuracy it may lose.
    """
    if before is None:
        return Change(name, "first")
    what = made.changes(before.parts)
    if not same_rows:
        return Change(name, "rescored", what)
    paired = compare_right(before.marks(score.rows), score.right)
    if not what and not paired.before_only and not paired.now_only:
        return Change(name, "same", (), paired)
    worse = paired.difference < -tolerance - _EPSILON
    return Change(name, "worse" if worse else "replaces", what or ("other answers",), paired)


def title(name: str) -> str:
    """Return what a tier is called beside the routing, whatever its name."""
    return f'tier "{name}"'
