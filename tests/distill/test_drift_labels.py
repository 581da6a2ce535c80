"""Shares of labels, many of them rare, and what labeling functions say."""

from __future__ import annotations

import numpy as np
import pytest

from weaksup import Source, VoteMatrix
from weaksup.distill.judging.reference import Look, look_at_votes
from weaksup.distill.judging.shifts import compare_classes
from weaksup.labels import LabelSpace


@pytest.mark.parametrize("k", [2, 5, 50, 300])
def test_labels_that_few_rows_have_are_no_drift_and_one_that_takes_over_is(k: int) -> None:
    """In a chi-square test with cells of less than a row, a fifth of the comparisons of like with like show a drift."""
    rng, names = np.random.default_rng(k), [str(i) for i in range(k)]
    share = 1 / np.arange(1, k + 1) ** 2
    share /= share.sum()
    other = share.copy()
    other[-1] += 0.5
    alarms, seen = 0, 0
    for n, m in [(40, 2_000), (200, 200)] * 100:
        was, same, new = (look_of(rng.multinomial(size, p)) for size, p in ((n, share), (m, share), (m, other / 1.5)))
        alarms += compare_classes(was, same, names).p < 0.05
        seen += compare_classes(was, new, names).p < 0.05
    assert alarms <= 18  # of 200: 5 % and nearly three standard deviations
    assert seen >= 185


def test_label_shares_of_rows_that_look_taught_count_from_twice_the_difference_on() -> None:
    was = look_of(np.array([500, 500]))
    for moved, later, taught in ((150, True, False), (250, True, True)):
        now = look_of(np.array([500 - moved, 500 + moved]))
        assert compare_classes(was, now, ["a", "b"]).found == later
        assert compare_classes(was, now, ["a", "b"], taught=True).found == taught


def look_of(classes: np.ndarray) -> Look:
    return Look(int(classes.sum()), {}, {}, classes.astype(np.int64))


def test_votes_are_looked_at_without_tiers_and_ties() -> None:
    space = LabelSpace(["A", "B"])
    values = np.array([[0, 0, 1], [0, 1, 1], [-1, -1, 1], [1, -1, 0]], np.int16)
    sources = (Source("x"), Source("y"), Source("paid", "tier"))
    votes = VoteMatrix(values, ("1", "2", "3", "4"), sources, space)
    look = look_at_votes(votes, np.array([0, 0, 0, 0]))
    assert (look.rows, look.covered, look.judged, look.agreed) == (4, 3, 2, 1)
