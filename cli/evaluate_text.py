"""What `weaksup evaluate` says: the plan before anything is sent, the scores, and what became of the changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal

    from weaksup.llm import Estimate
    from weaksup.metrics import ClassScore
    from weaksup.pipeline.golden import Evaluation
    from weaksup.pipeline.golden.changes import Change
    from weaksup.pipeline.golden.report import Report
    from weaksup.pipeline.golden.scores import Score

__all__ = ["finish", "show_plan", "show_report"]

_KINDS = {
    "first": "recorded for the first time",
    "same": "not changed",
    "rescored": "scored anew: the golden set changed",
    "replaces": "not worse: it replaces the one in use",
    "worse": "WORSE",
}


def show_plan(evaluation: Evaluation, planned: Mapping[str, Estimate], cap: Decimal, *, spent: int) -> None:
    """Say on stderr who will be asked about how many rows, and what it costs, before anything is sent."""
    from weaksup.cli import render
    from weaksup.llm import show_dollars
    from weaksup.llm.pricing.prices import budget_cap

    for note in evaluation.golden.notes:
        render.note(f"note: {note}")
    if evaluation.record is not None and not evaluation.same_rows:
        before, now = evaluation.record.golden.rows, len(evaluation.golden)
        render.note(
            f"note: the golden set changed ({before:,} rows before, {now:,} now): scores start anew on it, and the old "
            "ones move to the history in golden.json"
        )
    for name, one in planned.items():
        stored = f", {one.cached:,} answers are in the store" if one.cached else ""
        cost = f"likely {show_dollars(one.likely)}, at most {show_dollars(one.most)} without retries"
        model = evaluation.scored.shelf[name][0].model
        who = name if model == name else f"{name} ({model})"
        render.note(f"{who}: {one.rows:,} rows, {one.calls:,} calls{stored}: {cost}")
    for tier in evaluation.scored.people:
        render.note(f"{tier.name}: people are not asked, so routing goes without them here")
    likely, most = (sum(getattr(one, name) for one in planned.values()) for name in ("likely", "most"))
    money = f"likely {show_dollars(likely)}, at most {show_dollars(most)}"
    render.note(
        f"in all {money}; budget of all evaluations {show_dollars(budget_cap(cap))}, spent so far {show_dollars(spent)}"
    )


def show_report(report: Report, evaluation: Evaluation, *, as_json: bool) -> None:
    """Write the scores and what became of the changes to stdout; notes to stderr."""
    from weaksup.cli import render

    if as_json:
        render.emit_json(report.to_json())
    else:
        things = {**report.tiers, "routing": report.routing}
        render.table(f"Golden set: {len(report.golden):,} rows", _COLUMNS, _scores(things))
        render.table("Recall / precision by label", ["label", "rows", *things], _labels(things))
        for text in _confused(things):
            render.line(text)
        asked = ", ".join(f"{name} {rows:,}" for name, rows in report.routed.asked.items())
        render.line(f"routing asked about: {asked}, of {len(report.golden):,} rows")
        compared = [change for change in report.changes if change.paired is not None]
        if compared:
            rows = [_beside(change, held=bool(report.refused)) for change in report.changes]
            render.table("Beside what is in use, on the same rows", _BESIDE, rows)
        else:
            for change in report.changes:
                render.line(f"{change.name}: {_verdict(change, held=bool(report.refused))}")
        render.line(_end(report))
    for text in report.notes:
        render.note(f"note: {text}")
    if evaluation.project.golden is None:
        render.note("note: name the file in [golden] of weaksup.toml, and `weaksup run` refuses what was not accepted")


def finish(report: Report) -> None:
    """Raise what makes the exit code other than 0."""
    from weaksup.errors import ShortfallError

    if report.refused:
        advice = "nothing is recorded; mend it, or accept it with --accept-worse"
        raise ShortfallError(f"{'; '.join(report.refused)}; {advice}")
    if report.failed:
        rows = f"{report.failed:,} answers are missing and count as wrong"
        raise ShortfallError(f"{rows}; run again to ask for them again")


_COLUMNS = [
    "",
    "answered",
    "abstained",
    "failed",
    "accuracy",
    "95 % interval",
    "of answered",
    "macro F1",
    "$ per 1,000 rows",
]
_BESIDE = ["", "right before", "right now", "both", "only before", "only now", "difference", "95 % interval", "p", ""]


def _scores(things: dict[str, Score]) -> Iterator[list[Any]]:
    for name, s in things.items():
        low, high = s.interval
        of_answered = s.accuracy_of_answered
        counts = [name, s.answered, s.abstained, s.failed]
        yield [*counts, s.accuracy, f"{low:.3f}-{high:.3f}", of_answered, s.macro_f1, f"{s.cost_per_1000:.4f}"]


def _labels(things: dict[str, Score]) -> Iterator[list[Any]]:
    for j, (label, first) in enumerate(next(iter(things.values())).classes):
        yield [label, first.support, *(_recall_precision(s.classes[j][1]) for s in things.values())]


def _recall_precision(score: ClassScore) -> str:
    return " / ".join("-" if share is None else f"{share:.3f}" for share in (score.recall, score.precision))


def _confused(things: dict[str, Score]) -> Iterator[str]:
    for name, score in things.items():
        if score.confusions:
            pairs = ", ".join(f"{c.rows:,} {c.gold} taken for {c.said}" for c in score.confusions)
            yield f"{name}: {pairs}"


def _beside(change: Change, *, held: bool) -> list[Any]:
    if change.paired is None:
        return [change.name, *[None] * 8, _verdict(change, held=held)]
    p, (low, high) = change.paired, change.paired.interval
    rows = [change.name, p.before, p.now, p.both, p.before_only, p.now_only]
    return [*rows, f"{p.difference:+.3f}", f"{low:+.3f} to {high:+.3f}", f"{p.p:.2g}", _verdict(change, held=held)]


def _verdict(change: Change, *, held: bool) -> str:
    """Say what becomes of a change; `held`: something else is worse, so nothing is recorded."""
    what = f" ({', '.join(change.what)})" if change.what else ""
    return ("not worse, but not recorded" if held and change.kind == "replaces" else _KINDS[change.kind]) + what


def _end(report: Report) -> str:
    from weaksup.llm import show_dollars

    spent = f"{show_dollars(report.spent)} spent now"
    if not report.changes:
        return f"{spent}; scored only: the record is of the file that [golden] names"
    if report.recorded is not None:
        return f"{spent}; recorded in {report.recorded}"
    return f"{spent}; nothing is recorded" if report.refused else f"{spent}; what is in use did not change"
