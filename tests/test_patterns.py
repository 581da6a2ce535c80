from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import vote_matrices

from weaksup import VoteMatrix
from weaksup.errors import VoteError
from weaksup.patterns import find_patterns


def _many(n: int, m: int, k: int) -> Any:
    values = np.random.default_rng(0).integers(-1, k, (n, m))
    values[n // 2 :] = values[: n - n // 2]
    return values


@given(vote_matrices(), st.sampled_from(["i1", "i2", "i8", "f4", "f8"]))
def test_patterns_do_not_depend_on_the_type_of_the_numbers_or_on_how_many_classes_are_told(
    votes: VoteMatrix, kind: str
) -> None:
    told, found = find_patterns(votes.values.astype(kind), len(votes.labels)), find_patterns(votes)
    for a, b in ((told.values, found.values), (told.counts, found.counts), (told.index, found.index)):
        assert a.dtype == b.dtype
        assert (a == b).all()


@pytest.mark.parametrize(
    ("n", "m", "k"), [(40_000, 3, 2), (400, 120, 9), (50, 3, 32_767), (60, 500, 2), (5, 0, 2), (0, 500, 9)]
)
def test_patterns_are_sorted_distinct_and_rebuild_the_votes(n: int, m: int, k: int) -> None:
    values = _many(n, m, k)
    patterns = find_patterns(values, k)
    rows = [tuple(row) for row in patterns.values.tolist()]
    assert all(a < b for a, b in itertools.pairwise(rows))
    assert (patterns.values[patterns.index] == values).all()
    assert (np.bincount(patterns.index, minlength=len(patterns)) == patterns.counts).all()


@pytest.mark.parametrize("where", [(0, 0), (20_000, 60), (39_999, 69)])
@pytest.mark.parametrize("vote", [-2, 3, 40_000])
def test_a_vote_outside_the_classes_is_named(where: tuple[int, int], vote: int) -> None:
    values = np.zeros((40_000, 70), np.int32)
    values[where] = vote
    with pytest.raises(VoteError, match=f"row {where[0]}, source {where[1]}: expected 0 to 2, .* got {vote}"):
        find_patterns(values, 3)


def test_a_class_beyond_int16_is_refused_however_many_are_told() -> None:
    with pytest.raises(VoteError, match="expected 0 to 32767"):
        find_patterns(np.array([[0, 32_768]]), 50_000)


@pytest.mark.parametrize(("m", "k"), [(700, 2), (100, 1500), (0, 2)])
def test_no_rows_have_no_patterns_however_many_sources_there_are(m: int, k: int) -> None:
    assert len(find_patterns(np.empty((0, m), np.int16), k)) == 0
