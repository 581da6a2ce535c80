"""Sources that share a cause: told, or found because they vote alike beyond what being right explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from weaksup.label_models.agreement import Pairs, count_pairs
from weaksup.label_models.answerers import without_answers
from weaksup.label_models.cast import CastVotes, cast_votes
from weaksup.label_models.crowd import votes_like_a_crowd
from weaksup.labels import ABSTAIN
from weaksup.patterns import Patterns

__all__ = ["Voices", "find_copies", "find_groups", "group_sources", "speak_as_one", "speak_for"]

_Floats = NDArray[np.float64]
_Matrix = NDArray[np.bool_]
_LEVELS = (1.0, 0.99, 0.97, 0.95)  # shares of equal votes at which copies are sought, one after the other
_SURE = 7.0  # nats of evidence for a copy, over the log of the number of pairs: at most one in a thousand by chance
_ENOUGH = 20  # votes, all equal, that nothing but copying explains


@dataclass(frozen=True, slots=True, eq=False)
class Voices:
    """Votes in which every group is one source.

    `merges` [s, m]: in each of s steps, the source that speaks for each source, itself where it is alone; `patterns`
    are the votes after them, `votes` those of the sources that were looked at, `pairs` how these agree.
    """

    merges: NDArray[np.int64]
    patterns: Patterns
    votes: CastVotes
    pairs: Pairs


def find_groups(
    patterns: Patterns, k: int, causes: Sequence[str] | None, apart: _Floats, answerers: NDArray[np.int64]
) -> Voices:
    """Put sources together: first those of one told cause [m] ("" for none), then copies, the most alike first.

    Each step counts agreement anew, between groups that speak as one. So a source under two names is one source before
    anything else is looked at, and what is found among the others is the same as without the second name. Sources that
    differ in `apart` [m] are never put together; no copies are sought among `answerers`, whose rows are no sample.
    """
    m = patterns.values.shape[1]
    merges: list[NDArray[np.int64]] = []
    if causes is not None:
        names = np.array(causes, dtype=object)
        told = (names[:, None] == names) & (names != "")[:, None]
        patterns = _merge(patterns, told, apart, merges)
    votes = cast_votes(without_answers(patterns, answerers), k)
    pairs = count_pairs(votes, m)
    crowd = votes_like_a_crowd(votes)
    copies = find_copies(pairs, crowd=crowd)
    for level in _LEVELS:
        before = len(merges)
        patterns = _merge(patterns, copies >= level, apart, merges)
        if len(merges) > before:
            votes = cast_votes(without_answers(patterns, answerers), k)
            pairs = count_pairs(votes, m)
            copies = find_copies(pairs, crowd=crowd)
    steps = np.array(merges, np.int64).reshape(len(merges), m)
    return Voices(steps, patterns, votes, pairs)


def speak_for(merges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the column in which each source's group votes after all steps, [m]."""
    speaker = np.arange(merges.shape[1])
    for leaders in merges:
        speaker = leaders[speaker]
    return speaker


def group_sources(linked: _Matrix, causes: Sequence[str] | None, apart: _Floats | _Matrix) -> NDArray[np.int64]:
    """Return for each source [m] the first source of its group, itself where it is alone.

    `linked` [m, m] are pairs that belong together, `causes` [m] the groups that were told ("" for none); sources that
    differ in `apart` [m] are never put together.
    """
    joined = linked | linked.T
    if causes is not None:
        names = np.array(causes, dtype=object)
        joined |= (names[:, None] == names) & (names != "")[:, None]
    joined &= apart[:, None] == apart
    np.fill_diagonal(joined, val=True)
    leaders = np.arange(len(apart))
    while True:  # the lowest number travels along the links, at most as many rounds as there are links in a row
        lowest = np.where(joined, leaders, len(apart)).min(axis=1, initial=len(apart))
        if (lowest == leaders).all():
            return leaders
        leaders = lowest


def speak_as_one(patterns: Patterns, merges: NDArray[np.int64]) -> Patterns:
    """Let each group vote once, in its first column: what most of its votes say, nothing where they tie.

    `merges` [m] is who speaks for whom, or [s, m] several such steps.
    """
    values = patterns.values.copy() if len(merges) else patterns.values
    for leaders in np.atleast_2d(merges) if len(merges) else ():
        for leader in np.flatnonzero(np.bincount(leaders, minlength=len(leaders)) > 1).tolist():
            members = np.flatnonzero(leaders == leader)
            together = _plurality(values[:, members])
            values[:, members] = ABSTAIN
            values[:, leader] = together
    return patterns if values is patterns.values else replace(patterns, values=values)


def find_copies(pairs: Pairs, *, crowd: bool = False) -> _Floats:
    """Return the level, 0 or one of four, at which each pair votes alike beyond what accuracy explains, [m, m].

    At a level such as .95, two sources that both vote on N rows, equally on S of them, are copies when
    S >= level N (at level 1: when they speak on the same rows too) and either

    - their labels agree too well: sources that err on their own would differ on E = N (1 - c) (1 - r) rows, c being
      chance agreement (J. Cohen, 1960) and r what both owe to the truth, read off their agreement with third sources
      (r_ij = kappa_i. kappa_j. / kappa_.., the method of triplets); differing on half of E or less must be as unlikely
      as a Poisson count that has at least 7 + log(pairs) nats against it; or
    - they speak on the same rows, S >= level times the rows where either votes, and that coincidence (mutual
      information times rows) has as much against it; this finds copies among sources of one label, which always agree;
    - or 20 or more votes are all equal and on the same rows, and third sources do not call both nearly always right.

    In a `crowd` rows are handed out in blocks, so the same rows say nothing: only the first counts.
    """
    either = pairs.votes[:, None] + pairs.votes - pairs.both
    active = max(int(np.count_nonzero(pairs.votes)), 2)
    sure = _SURE + float(np.log(active * (active - 1) / 2))
    at_most = pairs.both * (1 - pairs.chance)
    alike: _Matrix = (pairs.same >= _LEVELS[-1] * either) | (at_most >= sure)  # no others can be copies
    alike &= (pairs.same >= _LEVELS[-1] * pairs.both) & (pairs.both > 0)
    np.fill_diagonal(alike, val=False)
    copies = np.zeros(alike.shape)
    if not alike.any():
        return copies
    truth = pairs.owed_to_truth()
    differ = pairs.both - pairs.same
    expected = at_most * (1 - truth)
    labels = alike & (np.where(expected > 2 * differ, _surprise(differ, expected), 0.0) >= sure)
    present = alike & (not crowd) & (pairs.coincidence() >= sure)
    equal = alike & (not crowd) & (pairs.same == either) & (pairs.both >= _ENOUGH) & (truth < 0.9)
    for level in reversed(_LEVELS):
        near = pairs.same >= level * (pairs.both if level < 1 else either)
        copies[near & (labels | equal | (present & (pairs.same >= level * either)))] = level
    return copies


def _merge(patterns: Patterns, linked: _Matrix, apart: _Floats, merges: list[NDArray[np.int64]]) -> Patterns:
    """Let linked sources speak as one, and note the step; no link, no step."""
    if not linked.any():
        return patterns
    leaders = group_sources(linked, None, apart)
    if (leaders == np.arange(len(leaders))).all():
        return patterns
    merges.append(leaders)
    return speak_as_one(patterns, leaders)


def _surprise(count: _Floats, expected: _Floats) -> _Floats:
    """Return the nats against a Poisson mean that so small a count gives."""
    with np.errstate(invalid="ignore", divide="ignore"):
        nats: _Floats = expected - count + np.where(count > 0, count * np.log(count / expected), 0.0)
    return nats


def _plurality(values: NDArray[np.int16]) -> NDArray[np.int16]:
    support = np.array(
        [((values == values[:, [j]]) & (values != ABSTAIN)).sum(axis=1) for j in range(values.shape[1])]
    ).T
    best = support.max(axis=1, keepdims=True)
    top = np.where((support == best) & (best > 0), values, ABSTAIN)
    high = top.max(axis=1)
    low = np.where(top == ABSTAIN, np.iinfo(np.int16).max, top).min(axis=1)
    together: NDArray[np.int16] = np.where(high == low, high, ABSTAIN).astype(np.int16)
    return together
