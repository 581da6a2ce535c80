"""The queue: which rows people are asked about, in which order, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.labels import LabelSpace
from weaksup.routing.always import SLICE_KINDS, Fields, NamedRows, SliceRule, rows_caught
from weaksup.routing.audit import draws
from weaksup.routing.ladder import Floats, Rows
from weaksup.routing.policy import Policy
from weaksup.routing.value import Belief

__all__ = ["Call", "Candidates", "Queue", "audited_rows", "call_people", "line_up", "people_queue", "worst_first"]

_PARTS = ("always", "audit", "doubt", "student")
_ORDER = np.array([0, 1, 3, 2], np.int8)  # in which they are asked about


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The rows that people may be asked about.

    `ids` [n]; `fields` are the columns [n] that rules read (`Policy.fields`); `slices` those of `find_slices`, none cut
    off; `asked` [n] marks the rows that people have been asked about before: they come up no more. `denied` [n] marks
    those whose label a student is sure is wrong that did not learn from them.
    """

    belief: Belief
    labels: LabelSpace
    ids: Sequence[str]
    fields: Fields = field(default_factory=dict)
    slices: Sequence[NamedRows] = ()
    asked: NDArray[np.bool_] | None = None
    denied: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        n = len(self.belief.label)
        if len(self.ids) != n or (self.asked is not None and len(self.asked) != n):
            asked = "" if self.asked is None else f" and {len(self.asked)} marks of rows asked"
            raise UsageError(f"queue: expected ids for {n} rows, got {len(self.ids)} ids{asked}")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def likely(self) -> Floats:
        """How likely each label is, [n]."""
        likely: Floats = 1 - self.belief.doubt
        return likely


@dataclass(frozen=True, slots=True, eq=False)
class Queue:
    """Rows for people, in the order to ask: `rows` are positions [q], `reasons` [q] say why each is there.

    `part` [q] is 0 for rows that a rule sends, 1 for the audit, 2 for doubt, 3 for labels that a student
    denies. `left_out` counts by part the rows that did not fit; `doubt` [q] is the chance that a label is wrong;
    `notes` is what the reader should know.
    """

    rows: Rows
    reasons: tuple[str, ...]
    part: NDArray[np.int8]
    doubt: Floats
    left_out: Mapping[str, int]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def sizes(self) -> dict[str, int]:
        """How many rows of each part are in the queue."""
        return dict(zip(_PARTS, np.bincount(self.part, minlength=len(_PARTS)).tolist(), strict=True))

    @property
    def expected_errors(self) -> float:
        """How many wrong labels to expect among its rows."""
        return float(self.doubt.sum())

    def to_json(self) -> dict[str, Any]:
        """Return the counts as plain JSON, without the rows."""
        return {
            "rows": len(self),
            "sizes": self.sizes,
            "reasons": dict(Counter(self.reasons)),
            "left_out": dict(self.left_out),
            "expected_errors": self.expected_errors,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """What calls for people before any threshold: the number of the rule [n], or -1; the audit, the student [n].

    `draw` [n] settles ties.
    """

    rule: Rows
    audit: NDArray[np.bool_]
    denied: NDArray[np.bool_]
    draw: Floats


def people_queue(rows: Candidates, policy: Policy, *, tier: str = "people", limit: int | None = None) -> Queue:
    """Choose the rows for the people tier of this name, in this order.

    The rows of the always rules, of the audit, those whose label a student denies, the most doubtful.

    A row is doubtful where its label is less likely than the tier's threshold for it. The lower in proportion to that
    threshold, the earlier; ties go by a draw from the row's id. Never more than `limit` rows; `left_out` says how many
    more there were. The cost is that of sorting n rows.
    """
    if limit is not None and limit < 0:
        raise UsageError(f"queue: expected a limit of at least 0 rows, got {limit}")
    threshold = policy.thresholds([tier], rows.labels)[0]
    call = call_people(rows, policy)
    doubtful = worst_first(rows, call, scale=threshold, below=threshold)[0]
    return line_up(rows, policy, call, doubtful, threshold=threshold, limit=limit)


def call_people(rows: Candidates, policy: Policy) -> Call:
    """Find the rows that the rules and the audit send to people, asked before or not."""
    caught = np.full(len(rows), -1, np.int64)
    label, labels = rows.belief.label, rows.labels
    for number, rule in enumerate(policy.always):
        found = rows_caught(rule, label=label, labels=labels, fields=rows.fields, slices=rows.slices)
        caught[found & (caught < 0)] = number
    draw = draws(rows.ids, policy.seed)
    alone = (rows.likely >= policy.accepts(labels)[label]) & (caught < 0)
    audit = alone & (draw < policy.audit)
    denied = np.zeros(len(rows), np.bool_) if rows.denied is None else rows.denied & (caught < 0) & ~audit
    return Call(caught, audit, denied, draw)


def audited_rows(rows: Candidates, policy: Policy) -> NDArray[np.bool_]:
    """Mark the rows of the audit [n], those that people have checked among them; for `audited_accuracy`.

    To be told what people found, let the belief be one without their answers: with them, every label is right.
    """
    return call_people(rows, policy).audit


def worst_first(rows: Candidates, call: Call, *, scale: Floats, below: Floats) -> tuple[Rows, Floats]:
    """Return the rows whose label is less likely than `below` [k], and how likely in parts of `scale` [k], ascending.

    Rows that were asked before, or are called without any threshold, are not among them.
    """
    label = rows.belief.label
    may = (rows.likely < below[label]) & (scale[label] > 0) & (call.rule < 0) & ~call.denied & _fresh(rows)
    found = np.flatnonzero(may)
    part = rows.likely[found] / scale[label[found]]
    order = np.lexsort((call.draw[found], part))
    return found[order], part[order]


def line_up(
    rows: Candidates, policy: Policy, call: Call, doubtful: Rows, *, threshold: Floats, limit: int | None
) -> Queue:
    """Put the rows of the rules, the audit, the student and the `doubtful` ones in one queue, cut at `limit`."""
    fresh, doubt, label = _fresh(rows), rows.belief.doubt, rows.belief.label
    always, audit = np.flatnonzero((call.rule >= 0) & fresh), np.flatnonzero(call.audit & fresh)
    # Where the audit is cut, the draw decides: what is left is a random sample still.
    always = always[np.lexsort((call.draw[always], -doubt[always]))]
    denied = np.flatnonzero(call.denied & fresh)
    denied = denied[np.lexsort((call.draw[denied], -doubt[denied]))]
    parts = [always, audit[np.argsort(call.draw[audit])], denied, doubtful]
    part = np.repeat(_ORDER, [len(p) for p in parts])
    whole = np.concatenate(parts).astype(np.int64)
    kept, part, over = whole[:limit], part[:limit], part[len(whole[:limit]) :]
    words = [f"always: {rule}" for rule in policy.always]
    texts = np.array([*words, "audit", "student disagrees", *(f"below {_shown(t)}" for t in threshold)], object)
    fixed = np.where(part == 1, len(words), len(words) + 1)
    code = np.select([part == 0, part == 2], [call.rule[kept], len(words) + 2 + label[kept]], fixed)
    left_out = dict(zip(_PARTS, np.bincount(over, minlength=len(_PARTS)).tolist(), strict=True))
    return Queue(kept, tuple(texts[code].tolist()), part, doubt[kept], left_out, _notes(rows, policy))


def _fresh(rows: Candidates) -> NDArray[np.bool_]:
    return np.ones(len(rows), np.bool_) if rows.asked is None else ~rows.asked


def _shown(threshold: float) -> str:
    """Write a threshold with two digits, or as many as it has up to four."""
    text = f"{threshold:.4f}".rstrip("0")
    return text + "0" * max(0, 4 - len(text))


def _notes(rows: Candidates, policy: Policy) -> tuple[str, ...]:
    known = {*SLICE_KINDS, *(part.name for part in rows.slices)}
    missing = [rule for rule in policy.always if isinstance(rule, SliceRule) and rule.slice not in known]
    kinds = ", ".join(SLICE_KINDS)
    return tuple(f"always: no {rule} now, so it sends no row to people; kinds are {kinds}" for rule in missing)
