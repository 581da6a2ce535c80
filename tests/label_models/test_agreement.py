"""Pairs of sources: two ways to count them, one answer; and copies by level."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from strategies import vote_matrices

from weaksup import VoteMatrix
from weaksup.label_models import agreement
from weaksup.label_models.agreement import Pairs, count_pairs
from weaksup.label_models.cast import cast_votes
from weaksup.label_models.groups import find_copies
from weaksup.patterns import find_patterns


def _count(votes: Any, k: int) -> Pairs:
    return count_pairs(cast_votes(find_patterns(votes, k), k), votes.shape[1])


@given(vote_matrices())
def test_pairs_are_the_rows_that_two_sources_share(votes: VoteMatrix) -> None:
    pairs, values = _count(votes.values, len(votes.labels)), votes.values
    for i in range(values.shape[1]):
        for j in range(values.shape[1]):
            both = (values[:, i] >= 0) & (values[:, j] >= 0)
            assert pairs.both[i, j] == both.sum()
            assert pairs.same[i, j] == (both & (values[:, i] == values[:, j])).sum()


def test_many_votes_are_counted_like_few_and_too_many_on_every_nth_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    patterns = find_patterns(np.random.default_rng(0).integers(-1, 4, (300, 7)), 4)
    third = replace(patterns, values=patterns.values[::3], counts=patterns.counts[::3])
    counted = {step: count_pairs(cast_votes(some, 4), 7) for step, some in ((1, patterns), (3, third))}
    monkeypatch.setattr(agreement, "_DENSE", 0)
    for step, dense in counted.items():
        both, same = agreement._overlaps(cast_votes(patterns, 4), 7, step)
        assert (both == dense.both).all()
        assert (same == dense.same).all()


def test_a_copy_is_found_at_the_share_of_its_equal_votes() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 3000)
    values = np.where(rng.random((3000, 6)) < 0.7, truth[:, None], 1 - truth[:, None])
    for column, share in ((1, 1.0), (3, 0.98)):
        values[:, column] = np.where(np.arange(3000) < share * 3000, values[:, column - 1], 1 - values[:, column - 1])
    copies = find_copies(_count(values, 2))
    assert (copies == copies.T).all()
    assert copies[0, 1] == 1.0
    assert copies[2, 3] == 0.97
    assert np.count_nonzero(copies) == 4
