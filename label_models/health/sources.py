"""Findings on single sources: silent ones, copies, those worse than chance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.base import BaseLabelModel
from weaksup.label_models.default import LabelModel
from weaksup.label_models.groups import find_groups, group_sources, speak_for
from weaksup.label_models.health.case import Case, Finding, list_names
from weaksup.labels import ABSTAIN
from weaksup.metrics import wilson
from weaksup.patterns import Patterns

__all__ = ["copies", "silent_sources", "twin_groups", "worse_than_chance"]

_ENOUGH = 30  # votes on rows with gold, from which on they measure
_TWIN = 0.8  # of the rows on which either votes, both vote alike


def silent_sources(case: Case) -> Iterator[Finding]:
    """Find the sources that never voted."""
    silent = [case.votes.names[j] for j in np.flatnonzero(~case.said.any(axis=1)).tolist()]
    if silent:
        yield Finding(
            "source without votes",
            f"{len(silent)} source(s) never voted: {list_names(silent)}",
            "check their patterns on a row that they should match, or remove them",
            {"sources": len(silent)},
        )


def twin_groups(model: BaseLabelModel, patterns: Patterns) -> NDArray[np.int64]:
    """Return the first column of each source's group of twins, [m], itself where it has none.

    Twins are copies to the default (`groups`) that also speak on nearly the same rows: leaving one out costs no cover.
    """
    values, counts, m = patterns.values, patterns.counts, patterns.values.shape[1]
    if isinstance(model, LabelModel):
        groups = model.groups_
    else:
        nobody = np.empty(0, np.int64)
        groups = speak_for(find_groups(patterns, model.k_, None, np.zeros(m), nobody).merges)
    twins = np.zeros((m, m), np.bool_)
    for leader in np.flatnonzero(np.bincount(groups, minlength=m) > 1).tolist():
        members = np.flatnonzero(groups == leader)
        voted = values[:, members] != ABSTAIN
        for place, j in enumerate(members.tolist()):
            same = counts @ (voted & (values[:, members] == values[:, [j]]))
            twins[j, members] = same >= _TWIN * np.maximum(counts @ (voted | voted[:, [place]]), 1)
    return group_sources(twins | twins.T, None, np.zeros(m))


def copies(case: Case) -> Iterator[Finding]:
    """Find sources that vote alike beyond what being right explains; those of one told group are known to."""
    groups, sources = case.twins, case.votes.sources
    alike = []
    for leader in np.unique(groups).tolist():
        members = [sources[j] for j in np.flatnonzero(groups == leader).tolist()]
        told = len({s.group for s in members}) == 1 and members[0].group != ""
        if len(members) > 1 and not told:
            alike.append([s.name for s in members])
    if alike:
        once = isinstance(case.model, LabelModel)
        shown = "; ".join(" = ".join(names[:5]) + (" = ..." if len(names) > 5 else "") for names in alike[:3])
        counted = "each counts once" if once else "the model counts every one of them"
        yield Finding(
            "copies",
            f"{len(alike)} group(s) of sources vote as one: {shown}{'; ...' if len(alike) > 3 else ''}; {counted}",
            "keep one of each" if once else "keep one of each, or use the default model, which counts them once",
            {"groups": alike},
        )


def worse_than_chance(case: Case) -> Iterator[Finding]:
    """Find sources whose votes are right less often than if they fell on random rows, at 95 %."""
    believed, known = case.proba[case.covered].mean(axis=0), case.gold[case.gold >= 0]
    measured = np.bincount(known, minlength=case.model.k_) / max(1, len(known))
    bad = [b for j in range(len(case.votes.sources)) for b in _below_chance(case, j, believed, measured)]
    if bad:
        shown = [
            f"{b['source']} ({'measured' if b['measured'] else 'by the model'}: {b['accuracy']:.0%}, "
            f"at most {b['high']:.0%}; chance {b['chance']:.0%})"
            for b in bad
        ]
        yield Finding(
            "worse than chance",
            f"{len(bad)} source(s) are wrong more often than votes at random: {list_names(shown, 3)}",
            "read rows on which they vote: they may name the wrong label, or test the opposite of what they mean to",
            {"sources": bad},
        )


def _below_chance(
    case: Case, j: int, believed: NDArray[np.float64], known: NDArray[np.float64]
) -> Iterator[dict[str, str | float | bool]]:
    """Compare a source with votes at random; `believed` and `known` [k] are the classes' shares, by model and gold."""
    rows = np.flatnonzero(case.votes.values[:, j] != ABSTAIN)
    judged = rows[case.gold[rows] >= 0]
    measured = len(judged) >= _ENOUGH
    rows = judged if measured else rows
    if not len(rows):
        return
    said = case.votes.values[rows, j].astype(np.int64)
    right = float((case.gold[rows] == said).sum() if measured else case.proba[rows, said].sum())
    chance = float((known if measured else believed)[said].mean())
    # 95 % over all sources together: among hundreds some are unlucky.
    low, high = wilson(min(round(right), len(rows)), len(rows), 1 - 0.05 / len(case.votes.sources))
    if high < chance:
        accuracy = right / len(rows)
        numbers = {"accuracy": accuracy, "low": low, "high": high, "chance": chance}
        yield {"source": case.votes.names[j], "measured": measured, **numbers}
