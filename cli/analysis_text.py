"""An analysis on a terminal: what fits on a screen; the report has the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from weaksup.cli import render

if TYPE_CHECKING:
    from weaksup.analysis import Analysis, Example, Finding, MultiAnalysis, Share, SourceStats

__all__ = ["tell", "tell_multi"]

_FIGHTS = 5
_EXAMPLES = 3
_SUBJECTS = 6
_TEXT = 76
_LABEL = 16
_LABELS = 20


def tell(analysis: Analysis) -> None:
    """Write the analysis to stdout."""
    a = analysis
    shares = [("covered", a.covered), ("overlap", a.overlapped), ("conflict", a.conflicted)]
    said = ", ".join(f"{render.percent(share.share)} {name}" for name, share in shares)
    sizes = ", ".join(map(render.counted, (a.rows, len(a.sources), len(a.labels)), ("row", "source", "label")))
    render.line(f"{sizes}: {said}")
    _sources(a)
    if a.gold:
        _scores(a)
    _labels(a)
    _fights(a)
    _unlabeled(a.rows - a.covered.hits, a.unlabeled)
    _findings(a.findings)


def tell_multi(analysis: MultiAnalysis) -> None:
    """Write the analysis of multi-label votes to stdout: a line a label, a line a source and label, findings."""
    a = analysis
    sizes = ", ".join(map(render.counted, (a.rows, len(a.sources), len(a.labels)), ("row", "source", "label")))
    render.line(f"{sizes}: {render.percent(a.covered.share)} covered (rows with a vote on any label)")
    _labels_of(a)
    _sources_of(a)
    _unlabeled(a.rows - a.covered.hits, a.unlabeled)
    _findings(a.findings)
    for label, one in a.by_label.items():
        _findings(one.findings, about=f"{label}: ")
    render.line("\n--label NAME shows one label in full, --label NAME --html FILE with its rows")


def _labels_of(a: MultiAnalysis) -> None:
    judged = any(one.gold for one in a.by_label.values())
    columns = [
        "label",
        "sources",
        "PRESENT",
        "ABSENT",
        "coverage",
        "conflict",
        *(["gold PRESENT", "of"] if judged else []),
    ]
    rows = []
    for label, one in a.by_label.items():
        absent, present = one.balance
        gold = (present.gold, one.gold) if judged else ()
        shares = (render.percent(one.covered.share), render.percent(one.conflicted.share))
        rows.append((label, len(one.sources), present.votes, absent.votes, *shares, *gold))
    render.table("Labels", columns, rows)


def _sources_of(a: MultiAnalysis) -> None:
    judged = any(one.gold for one in a.by_label.values())
    columns = ["source", "label", "says", "votes", "coverage", "overlap", "conflict"]
    rows = []
    for name in a.sources:
        for label, one in a.by_label.items():
            for source in (s for s in one.sources if s.name == name):
                shares = (source.coverage.share, source.overlaps / a.rows, source.conflicts / a.rows)
                said = (name, label, " ".join(source.polarity), source.coverage.hits, *map(render.percent, shares))
                rows.append((*said, *_accuracy_of(source)) if judged else said)
    render.table("Sources", [*columns, *(["accuracy", "95%", "judged"] if judged else [])], rows)


def _accuracy_of(source: SourceStats) -> tuple[Any, ...]:
    right = source.accuracy
    return ("-", "-", 0) if right is None or not right.n else (render.percent(right.share), _interval(right), right.n)


def _sources(a: Analysis) -> None:
    rows = [
        (
            source.name,
            render.cut(" ".join(source.polarity) or "none", _LABELS),
            render.percent(source.coverage.share),
            _interval(source.coverage),
            render.percent(source.overlaps / a.rows if a.rows else None),
            render.percent(source.conflicts / a.rows if a.rows else None),
        )
        for source in a.sources
    ]
    render.table("Sources", ["source", "labels", "coverage", "95%", "overlap", "conflict"], rows)


def _interval(share: Share) -> str:
    return f"{100 * share.low:.1f}-{100 * share.high:.1f}"


def _scores(a: Analysis) -> None:
    columns = ["source", "accuracy", "95%", "label", "judged", "precision", "recall", "F1"]
    rows = [
        line for source in a.sources if source.accuracy is not None for line in _score_lines(source, source.accuracy)
    ]
    render.table(f"Against {render.counted(a.gold or 0, 'gold row')}", columns, rows)


def _score_lines(source: SourceStats, accuracy: Share) -> Iterator[Sequence[Any]]:
    """Give one line a label; the source and its accuracy stand in the first one."""
    about = (source.name, *((render.percent(accuracy.share), _interval(accuracy)) if accuracy.n else ("-", "-")))
    for score in source.labels:
        shares = map(render.percent, (score.precision, score.recall, score.f1))
        yield *about, render.cut(score.label, _LABEL), score.judged, *shares
        about = ("", "", "")


def _labels(a: Analysis) -> None:
    columns = ["label", "sources", "votes", "rows by most votes", *(["gold"] if a.gold else [])]
    rows = [(b.label, b.sources, b.votes, b.majority, *((b.gold,) if a.gold else ())) for b in a.balance]
    render.table("Labels", columns, rows)


def _fights(a: Analysis) -> None:
    if not a.fights:
        return
    rows = []
    for fight in a.fights[:_FIGHTS]:
        first, second, _ = fight.sides[0]
        says = f"{render.cut(first, _LABEL)} - {render.cut(second, _LABEL)}"
        rows.append((f"{fight.first} - {fight.second}", says, fight.rows, fight.both))
    render.table("Fights", ["pair", "mostly", "differ", "of"], rows)
    for fight in a.fights[:_EXAMPLES]:
        for example in fight.examples[:1]:
            _example(example, f"{fight.first} - {fight.second}")


def _unlabeled(missing: int, examples: Sequence[Example]) -> None:
    if missing:
        render.line(f"\n{render.counted(missing, 'row')} without a vote{', such as' if examples else ''}")
    for example in examples[:_EXAMPLES]:
        _example(example, "")


def _example(example: Example, about: str) -> None:
    if example.text is None:
        return
    if about:
        render.line(f"  {about}")
    render.line(f"    {render.cut(example.id, 16)}: {render.cut(' '.join(example.text.split()), _TEXT)}")


def _findings(findings: Sequence[Finding], about: str = "") -> None:
    for finding in findings:
        more = len(finding.subjects) - _SUBJECTS
        names = ", ".join(finding.subjects[:_SUBJECTS]) + (f" and {more} more" if more > 0 else "")
        render.line(f"\n{finding.level}: {about}{finding.says}")
        for text in filter(None, (names, finding.advice)):
            render.line(f"  {text}")
