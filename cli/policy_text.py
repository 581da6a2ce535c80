"""What people are asked, how tiers and people agree, and what the audit found: lines and tables for a terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from weaksup.cli import render

if TYPE_CHECKING:
    from weaksup.metrics import Interval
    from weaksup.routing.agreement import Agreement, PairAgreement
    from weaksup.routing.audit import AuditScore
    from weaksup.routing.people_queue import Queue
    from weaksup.routing.tuner import Tuned

__all__ = ["agreement_table", "audit_lines", "audit_table", "queue_lines", "queue_table", "tuned_lines", "tuned_table"]

Table = tuple[str, list[str], list[tuple[Any, ...]]]
"""What `render.table` takes: the title, the columns, the rows."""

_WHAT = {
    "always": "sent by the rules",
    "audit": "of the audit",
    "doubt": "in doubt",
    "student": "that a student denies",
}
_PAIRS = 30


def queue_lines(queue: Queue) -> list[str]:
    """Say how many rows people are asked, why, and how many more there were."""
    sizes = [f"{n:,} {_WHAT[part]}" for part, n in queue.sizes.items() if n]
    found = f": {', '.join(sizes)}; about {queue.expected_errors:,.1f} wrong labels among them" if sizes else ""
    lines = [f"{render.counted(len(queue), 'row')} for people{found}"]
    over = [f"{n:,} {_WHAT[part]}" for part, n in queue.left_out.items() if n]
    if over:
        lines.append(f"did not fit: {', '.join(over)}")
    return lines + list(queue.notes)


def queue_table(queue: Queue) -> Table:
    """Count the rows of the queue by reason, in the order in which they come up."""
    return "Rows for people", ["reason", "rows"], list(Counter(queue.reasons).items())


def tuned_lines(tuned: Tuned) -> list[str]:
    """Say what fits the minutes; that the rules and the audit alone need more, where they do."""
    rate = f"{tuned.items_per_hour:,g} an hour"
    used = f"{tuned.minutes_used:,.0f} of {tuned.minutes:,g} minutes used, at {rate}"
    lines = [f"{render.counted(len(tuned.queue), 'row')} for people: {used}"]
    if tuned.fixed_rows and not tuned.short:
        taken = f"{tuned.fixed_minutes:,.0f} of them by the rules and the audit"
        lines[0] += f"; {taken} ({render.counted(tuned.fixed_rows, 'row')})"
    if tuned.waiting:
        more = f"{render.counted(tuned.waiting, 'more row')} not sure enough to be left alone"
        lines.append(f"{more} did not fit")
    lines.append(f"about {tuned.errors_caught:,.1f} wrong labels to expect in the queue")
    return lines + list(tuned.queue.notes)


def tuned_table(tuned: Tuned) -> Table:
    """Show the thresholds of people, by label."""
    rows = [(name, round(threshold, 4)) for name, threshold in tuned.thresholds.items()]
    return "People are asked below", ["label", "probability"], rows


def agreement_table(agreement: Agreement) -> Table:
    """Show the pairs, those that share most rows first; people against the labels in the end after them."""
    pairs = sorted(agreement.pairs, key=lambda p: -p.rows)[:_PAIRS]
    more = len(agreement.pairs) - len(pairs)
    title = "Agreement, on the rows that both answered" + (
        f"; the {_PAIRS} of {len(agreement.pairs):,} pairs with most of them" if more > 0 else ""
    )
    columns = ["first", "second", "rows", "agree", "95%", "kappa", "95%", "differ most in"]
    return title, columns, [_pair(p) for p in (*pairs, *agreement.final)]


def audit_lines(score: AuditScore) -> list[str]:
    """Say how many of the labels left alone are right, by the audit."""
    waiting = f"; {score.unanswered:,} more wait for an answer" if score.unanswered else ""
    if score.accuracy is None:
        return [f"audit: no row was checked{waiting}; nothing is known yet of the labels left alone"]
    sure = f"{render.percent(score.accuracy)} of the labels left alone are right ({_share_range(score.interval)})"
    return [f"audit: {score.right:,} of {score.rows:,} rows checked were right: {sure}{waiting}"]


def audit_table(score: AuditScore) -> Table:
    """Show the labels that the audit checked."""
    rows = [(name, n, right, right / n) for name, (n, right) in score.by_label.items() if n]
    return "Labels checked by the audit", ["label", "rows", "right", "share"], rows


def _pair(p: PairAgreement) -> tuple[Any, ...]:
    beyond = "-" if p.kappa_interval is None else f"{p.kappa_interval[0]:.2f} to {p.kappa_interval[1]:.2f}"
    kappa = "-" if p.kappa is None else f"{p.kappa:.2f}"
    most = "" if not p.splits else f"{p.splits[0][0]} / {p.splits[0][1]} ({p.splits[0][2]:,})"
    return p.first, p.second, p.rows, render.percent(p.share), _share_range(p.interval), kappa, beyond, most


def _share_range(interval: Interval) -> str:
    low, high = interval
    return f"{render.percent(low)} to {render.percent(high)}"
