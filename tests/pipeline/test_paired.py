"""Paired comparison: laws, the exact test against an oracle, and how often the interval holds the truth."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from weaksup.errors import UsageError
from weaksup.pipeline.golden.paired import Paired, compare_right

counts = st.builds(Paired, *[st.integers(0, 300)] * 4).filter(lambda p: p.rows > 0)
marks = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=200)


def _columns(pairs: list[tuple[bool, bool]]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    table = np.array(pairs, np.bool_)
    return table[:, 0], table[:, 1]


@given(marks)
def test_the_counts_add_up_and_the_difference_is_that_of_the_accuracies(pairs: list[tuple[bool, bool]]) -> None:
    before, now = _columns(pairs)
    found = compare_right(before, now)
    assert (found.rows, found.before, found.now) == (len(pairs), before.sum(), now.sum())
    assert found.difference == pytest.approx(now.mean() - before.mean())


@given(marks)
def test_the_other_way_round_everything_is_mirrored(pairs: list[tuple[bool, bool]]) -> None:
    before, now = _columns(pairs)
    one, other = compare_right(before, now), compare_right(now, before)
    assert one.difference == -other.difference
    assert one.interval == pytest.approx((-other.interval[1], -other.interval[0]))
    assert one.p == pytest.approx(other.p)


@given(counts)
def test_the_interval_holds_the_difference_and_stays_between_minus_one_and_one(found: Paired) -> None:
    low, high = found.interval
    assert -1 <= low < high <= 1
    shrunk = found.difference * found.rows / (found.rows + 2)
    assert low <= shrunk <= high


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 50))
def test_the_p_value_is_that_of_the_fair_coin(lost: int, gained: int, both: int) -> None:
    n, k = lost + gained, min(lost, gained)
    tail = sum(comb(n, i) for i in range(k + 1)) / 2**n
    assert Paired(both, lost, gained, 1).p == pytest.approx(min(1.0, 2 * tail))


@pytest.mark.parametrize(("lost", "gained"), [(0.05, 0.05), (0.02, 0.10), (0.30, 0.10), (0.01, 0.01)])
def test_the_interval_holds_the_true_difference_about_95_times_in_100(lost: float, gained: float) -> None:
    rng = np.random.default_rng(0)
    cells = rng.multinomial(200, [0.6 - lost, lost, gained, 0.4 - gained], size=2000)
    inside = [low <= gained - lost <= high for low, high in (Paired(*cell.tolist()).interval for cell in cells)]
    assert 0.93 <= np.mean(inside) <= 0.995


def test_a_known_table_has_the_known_numbers() -> None:
    found = compare_right(np.repeat([True, True, False, False], [20, 5, 15, 10]), np.tile([True, False], 25))
    assert found.rows == 50
    found = Paired(both=70, before_only=2, now_only=10, neither=18)
    assert found.p == pytest.approx(0.0386, abs=1e-4)  # 2 x (1 + 12 + 66) / 2**12
    assert found.difference == pytest.approx(0.08)
    assert found.to_json()["right_before"] == 72


def test_nothing_changed_means_a_p_of_one() -> None:
    found = compare_right(np.ones(9, np.bool_), np.ones(9, np.bool_))
    assert (found.p, found.difference) == (1.0, 0.0)


@pytest.mark.parametrize(("one", "other"), [(np.ones(2), np.ones(3)), (np.ones(0), np.ones(0)), (np.eye(2), np.eye(2))])
def test_marks_of_different_rows_are_refused(one: NDArray[np.float64], other: NDArray[np.float64]) -> None:
    with pytest.raises(UsageError, match="two marks of the same rows"):
        compare_right(one.astype(np.bool_), other.astype(np.bool_))
