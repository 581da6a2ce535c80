"""Say in plain words what is odd about the votes, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from weaksup.analysis.nouns import Analysis, Finding, Level, SourceStats
from weaksup.label_sets import ABSENT, PRESENT, SIDES

__all__ = ["find"]

_EVERYTHING = 0.999  # a source that votes on so many of the rows it saw selects nothing
_CONTRADICTED = 0.5  # of the rows a source votes on
_ENOUGH = 10  # rows before a share of them says anything
_LITTLE_GOLD = 100  # rows: below, an accuracy is known to about +-10 points at best
_FEW_SOURCES = 3  # what a label model needs to tell a good source from a bad one
_SPEAK_AGAINST = "Vote {label: False} where a rule speaks against it, or tell `weaksup fit` the share of rows with it."
_ORDER = {"problem": 0, "warning": 1, "note": 2}


def find(analysis: Analysis) -> tuple[Finding, ...]:
    """Return all findings, problems first."""
    if analysis.rows == 0:
        advice = "Check the corpus that was applied: it may be a header without rows."
        return (Finding("problem", "empty", (), "There are no rows.", advice),)
    findings = [finding for rule in _RULES for finding in rule(analysis)]
    return tuple(sorted(findings, key=lambda finding: _ORDER[finding.level]))


def _grouped(level: Level, name: str, subjects: list[str], says: tuple[str, str], advice: str) -> Iterator[Finding]:
    """Make one finding about all subjects, or none; `says` is for one subject, and for {n} subjects."""
    if subjects:
        one, many = says
        text = one if len(subjects) == 1 else many.format(n=len(subjects))
        yield Finding(level, name, tuple(subjects), text, advice)


def _below_chance(analysis: Analysis) -> Iterator[Finding]:
    for source in analysis.sources:
        chance = _chance(source, analysis)
        if source.accuracy is None or chance is None or source.accuracy.high >= chance:
            continue
        right = source.accuracy
        says = (
            f"Right on {right.hits} of {right.n} rows with gold ({right.share:.0%}, at most {right.high:.0%}); "
            f"the same votes on random rows would be right on {chance:.0%}."
        )
        advice = (
            "Read its mistakes, which the report shows (--html): it may name the wrong label, or test the opposite of "
            "what it means to."
        )
        yield Finding("problem", "below-chance", (source.name,), says, advice)


def _chance(source: SourceStats, analysis: Analysis) -> float | None:
    """Return how often the source's votes would be right if they fell on random rows."""
    judged = sum(score.judged or 0 for score in source.labels)
    if not judged or not analysis.gold:
        return None
    share = {balance.label: (balance.gold or 0) / analysis.gold for balance in analysis.balance}
    return sum((score.judged or 0) * share[score.label] for score in source.labels) / judged


def _label_without_source(analysis: Analysis) -> Iterator[Finding]:
    missing = [balance.label for balance in analysis.balance if not balance.sources]
    if analysis.labels == SIDES.names and missing == [SIDES.names[ABSENT]]:
        return  # see _present_only
    advice = "Write a labeling function for it: no label model can give a label that no source ever votes for."
    says = ("No source votes for this label.", "No source votes for these {n} labels.")
    yield from _grouped("problem", "label-without-source", missing, says, advice)


def _present_only(analysis: Analysis) -> Iterator[Finding]:
    voted = [balance.votes > 0 for balance in analysis.balance]
    if analysis.labels == SIDES.names and voted[PRESENT] and not voted[ABSENT]:
        says = "No source votes ABSENT: the votes alone make every row with a vote PRESENT."
        yield Finding("note", "present-only", (), says, _SPEAK_AGAINST)


def _never_votes(analysis: Analysis) -> Iterator[Finding]:
    silent = [source.name for source in analysis.sources if not source.coverage.hits]
    advice = "Try its rule on a text it should match, then mend it or drop it."
    says = ("This source never votes.", "{n} sources never vote.")
    yield from _grouped("warning", "never-votes", silent, says, advice)


def _votes_on_everything(analysis: Analysis) -> Iterator[Finding]:
    constant = [s.name for s in analysis.sources if len(s.labels) == 1 and s.coverage.hits >= _EVERYTHING * s.asked > 0]
    advice = "Make it abstain where it has no evidence: a constant vote adds nothing but a bias to its label."
    says = ("This source gives one label to every row.", "{n} sources each give one label to every row.")
    yield from _grouped("warning", "votes-on-everything", constant, says, advice)


def _twins(analysis: Analysis) -> Iterator[Finding]:
    hits = [source.coverage.hits for source in analysis.sources]
    for i, first in enumerate(analysis.sources):
        twins = [
            second.name
            for j, second in enumerate(analysis.sources[i + 1 :], i + 1)
            if analysis.overlaps[i][j] == hits[i] == hits[j] > 0 and not analysis.conflicts[i][j]
        ]
        seen = any(analysis.overlaps[i][j] == hits[i] == hits[j] and not analysis.conflicts[i][j] for j in range(i))
        if twins and not seen:
            says = f"{len(twins) + 1} sources cast identical votes."
            advice = "Keep one: a label model counts them as independent witnesses, and trusts them too much."
            yield Finding("warning", "identical-votes", (first.name, *twins), says, advice)


def _contradicted(analysis: Analysis) -> Iterator[Finding]:
    often = [
        source.name
        for source in analysis.sources
        if source.coverage.hits >= _ENOUGH and source.conflicts > _CONTRADICTED * source.coverage.hits
    ]
    advice = "Read the rows of its fights; narrow the rule that is wrong there."
    says = (
        "Other sources contradict it on more than half of the rows it votes on.",
        "{n} sources are contradicted on more than half of the rows they vote on.",
    )
    yield from _grouped("warning", "often-contradicted", often, says, advice)


def _missed_rows(analysis: Analysis) -> Iterator[Finding]:
    for source in analysis.sources:
        if source.kind == "lf" and source.asked < analysis.rows:
            says = f"It gave no answer on {analysis.rows - source.asked:,} of {analysis.rows:,} rows: it failed there."
            advice = "See the faults that `weaksup apply` lists for it, and apply again."
            yield Finding("warning", "failed-rows", (source.name,), says, advice)


def _few_sources(analysis: Analysis) -> Iterator[Finding]:
    voting = sum(source.coverage.hits > 0 for source in analysis.sources)
    if voting < _FEW_SOURCES:
        says = f"Only {voting} source{'s' * (voting != 1)} vote{'s' * (voting == 1)}."
        advice = "Write more: with fewer than 3, no label model can tell a good source from a bad one."
        yield Finding("warning", "few-sources", (), says, advice)


def _meets_nobody(analysis: Analysis) -> Iterator[Finding]:
    alone = [s.name for s in analysis.sources if s.coverage.hits and not s.overlaps and len(analysis.sources) > 1]
    advice = "Nothing but gold can tell how good it is; add a broader source that votes on the same kind of rows."
    says = ("No other source votes where this one does.", "{n} sources vote only where no other source does.")
    yield from _grouped("note", "meets-nobody", alone, says, advice)


def _uncovered(analysis: Analysis) -> Iterator[Finding]:
    missing = analysis.rows - analysis.covered.hits
    if missing:
        level: Level = "warning" if 2 * missing > analysis.rows else "note"
        says = f"{missing:,} of {analysis.rows:,} rows ({missing / analysis.rows:.1%}) have no vote."
        yield Finding(level, "unlabeled-rows", (), says, "Read some of them and write a source for what they share.")


def _little_gold(analysis: Analysis) -> Iterator[Finding]:
    if analysis.gold is not None and analysis.gold < _LITTLE_GOLD:
        says = f"{analysis.gold} row{'s' * (analysis.gold != 1)} with gold: every accuracy here is uncertain."
        advice = f"Look at the intervals, not at the figures; label {_LITTLE_GOLD} or more rows to narrow them."
        yield Finding("note", "little-gold", (), says, advice)


_RULES: tuple[Callable[[Analysis], Iterator[Finding]], ...] = (
    _below_chance,
    _label_without_source,
    _present_only,
    _never_votes,
    _votes_on_everything,
    _twins,
    _contradicted,
    _missed_rows,
    _few_sources,
    _uncovered,
    _meets_nobody,
    _little_gold,
)
