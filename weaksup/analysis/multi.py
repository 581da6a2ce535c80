"""Look at multi-label votes: each label as votes by itself, and what is so of all labels together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaksup.analysis.analyze import analyze
from weaksup.analysis.examples import Texts, show_texts
from weaksup.analysis.lf_analysis import LFAnalysis
from weaksup.analysis.nouns import Analysis, Example, Finding, Share
from weaksup.errors import UsageError
from weaksup.label_sets import PRESENT
from weaksup.multi_votes import MultiVotes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MultiAnalysis", "MultiLFAnalysis", "analyze_multi"]

# Findings that are told once, not for each label: of all labels together, or with the labels they are about.
_OF_ALL = ("empty", "never-votes", "failed-rows", "unlabeled-rows")
_OF_LABELS = ("label-without-source", "present-only", "few-sources", "little-gold")


@dataclass(frozen=True, slots=True)
class MultiAnalysis:
    """All there is to say about multi-label votes.

    `by_label`: the analysis of each label over ABSENT and PRESENT, with the sources that say anything of it. `covered`:
    rows where any source says anything of any label; `unlabeled`: some of the others. `findings`: what is so of all
    labels together, or of several; those of one label are in its analysis.
    """

    rows: int
    sources: tuple[str, ...]
    labels: tuple[str, ...]
    covered: Share
    by_label: Mapping[str, Analysis]
    unlabeled: tuple[Example, ...]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the analysis as plain JSON."""
        data: dict[str, Any] = asdict(self)
        return data


def analyze_multi(
    votes: MultiVotes, *, gold: ArrayLike | None = None, texts: Texts | None = None, examples: int = 5
) -> MultiAnalysis:
    """Analyse multi-label votes [n, m, k]; gold [n, k] is 1 (present), 0 (absent), -1 where not known.

    `texts` is called once, as in `analyze`, with the ids of all rows that are shown. Cost: k times `analyze`.
    """
    truth = None if gold is None else _checked(gold, votes)
    whole = analyze(votes.for_any_label(), examples=examples)
    by_label = {
        name: analyze(
            votes.for_label(name, silent=False), gold=None if truth is None else truth[:, c], examples=examples
        )
        for c, name in enumerate(votes.labels.names)
    }
    findings = (*(f for f in whole.findings if f.name in _OF_ALL), *_of_labels(by_label))
    found = {} if texts is None else _look_up(texts, by_label, whole.unlabeled)
    return MultiAnalysis(
        rows=len(votes),
        sources=votes.names,
        labels=votes.labels.names,
        covered=whole.covered,
        by_label={name: _told(one, found) for name, one in by_label.items()},
        unlabeled=show_texts(whole.unlabeled, found),
        findings=findings if len(votes) else findings[:1],
    )


def _checked(gold: ArrayLike, votes: MultiVotes) -> NDArray[np.int16]:
    truth, shape = np.asarray(gold), (len(votes), len(votes.labels))
    if truth.shape != shape or truth.dtype.kind not in "iu":
        raise UsageError(f"analyze: expected gold {list(shape)}, got {list(truth.shape)} {truth.dtype}")
    return truth.astype(np.int16)


def _look_up(texts: Texts, by_label: Mapping[str, Analysis], unlabeled: tuple[Example, ...]) -> Mapping[str, str]:
    shown = [*unlabeled, *(example for one in by_label.values() for example in _examples(one))]
    ids = sorted({example.id for example in shown})
    return texts(ids) if ids else {}


def _examples(one: Analysis) -> Iterator[Example]:
    for source in one.sources:
        yield from source.examples
    for fight in one.fights:
        yield from fight.examples


def _told(one: Analysis, found: Mapping[str, str]) -> Analysis:
    """Put the texts in, and leave out the findings that are told elsewhere."""
    return replace(
        one,
        sources=tuple(replace(s, examples=show_texts(s.examples, found)) for s in one.sources),
        fights=tuple(replace(f, examples=show_texts(f.examples, found)) for f in one.fights),
        unlabeled=(),  # most rows say nothing of a label
        findings=tuple(f for f in one.findings if f.name not in (*_OF_ALL, *_OF_LABELS)),
    )


def _of_labels(by_label: Mapping[str, Analysis]) -> Iterator[Finding]:
    """Say once what is so of several labels."""
    never = tuple(name for name, one in by_label.items() if not one.balance[PRESENT].votes)
    if never:
        says = f"No source votes PRESENT for {_counted(never)}."
        advice = "Write a labeling function for each: no label model can give a label that no source ever votes for."
        yield Finding("problem", "label-without-source", never, says, advice)
    few = tuple(name for name in _with(by_label, "few-sources") if name not in never)
    if few:
        says = f"Fewer than 3 sources vote on {_counted(few)}."
        yield Finding("warning", "few-sources", few, says, "Write more: no label model can tell there who is right.")
    only = _with(by_label, "present-only")
    if only:
        says = f"No source votes ABSENT for {_counted(only)}: the votes alone make every row with a vote PRESENT."
        advice = next(f.advice for f in by_label[only[0]].findings if f.name == "present-only")
        yield Finding("note", "present-only", only, says, advice)
    little = _with(by_label, "little-gold")
    if little:
        says = f"Little gold for {_counted(little)}: every accuracy there is uncertain."
        yield Finding("note", "little-gold", little, says, "Look at the intervals, not at the figures.")


def _with(by_label: Mapping[str, Analysis], finding: str) -> tuple[str, ...]:
    return tuple(name for name, one in by_label.items() if any(f.name == finding for f in one.findings))


def _counted(labels: tuple[str, ...]) -> str:
    return "this label" if len(labels) == 1 else f"these {len(labels)} labels"


class MultiLFAnalysis:
    """`LFAnalysis` for each label of multi-label votes, over ABSENT 0 and PRESENT 1."""

    def __init__(self, votes: MultiVotes) -> None:
        self.votes = votes

    def of(self, label: str) -> LFAnalysis:
        """Return the analysis of one label, with the sources that say anything of it."""
        return LFAnalysis(self.votes.for_label(label, silent=False))

    def lf_summary(self, Y: ArrayLike | None = None) -> pd.DataFrame:  # noqa: N803
        """Return one line for each label and source that says anything of it; gold Y [n, k] adds the accuracy."""
        import pandas as pd

        names = self.votes.labels.names
        gold = None if Y is None else _checked(Y, self.votes)
        parts = [self.of(name).lf_summary(None if gold is None else gold[:, c]) for c, name in enumerate(names)]
        for part, speaking in zip(parts, self.votes.speaking.T, strict=True):
            part["j"] = np.flatnonzero(speaking)  # the source's place among all
        return pd.concat(parts, keys=names, names=["label", "source"])
