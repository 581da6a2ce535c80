"""The linear program: within every cap, never below the greedy way, and equal to it where one cap binds."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from weaksup.errors import UsageError
from weaksup.routing.allocation import Choices, allocate, allocate_greedily

TOLERANCE = 1e-4


@st.composite
def choices(draw: st.DrawFn, uses: int = 1) -> Choices:
    g, c = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    rows = draw(hnp.arrays(np.float64, g, elements=st.integers(0, 50).map(float)))
    gain = draw(hnp.arrays(np.float64, (g, c), elements=st.integers(0, 50).map(lambda v: v / 100)))
    use = draw(hnp.arrays(np.float64, (uses, g, c), elements=st.integers(0, 40).map(lambda v: v / 4)))
    caps = draw(hnp.arrays(np.float64, uses, elements=st.one_of(st.integers(0, 300).map(float), st.just(np.inf))))
    return Choices(rows, gain, use, caps, draw(hnp.arrays(np.bool_, (g, c))))


@settings(max_examples=60)
@given(given_=choices())
def test_with_one_cap_the_program_and_the_greedy_way_agree(given_: Choices) -> None:
    program, greedy = allocate(given_), allocate_greedily(given_)
    assert program.gain == pytest.approx(greedy.gain, abs=TOLERANCE * (1 + greedy.gain))
    assert allocate_greedily(given_).rows.min() >= -1e-9


@settings(max_examples=60)
@given(given_=choices(uses=3))
def test_every_cap_holds_and_no_cell_gives_more_rows_than_it_has(given_: Choices) -> None:
    found = allocate(given_)
    assert (found.rows >= 0).all()
    assert (found.rows.sum(axis=1) <= given_.rows * (1 + TOLERANCE) + TOLERANCE).all()
    used = (given_.use * found.rows).sum(axis=(1, 2))
    assert (used <= given_.caps * (1 + TOLERANCE) + TOLERANCE).all()
    assert (found.rows[~given_.allowed] == 0).all()
    assert (found.prices >= 0).all()
    assert (found.prices[np.isinf(given_.caps)] == 0).all()
    assert found.gain == pytest.approx((found.rows * given_.gain).sum(), rel=1e-6, abs=1e-9)


@settings(max_examples=40)
@given(given_=choices(uses=2))
def test_another_cap_never_gains(given_: Choices) -> None:
    free = Choices(given_.rows, given_.gain, given_.use, np.array([given_.caps[0], np.inf]), given_.allowed)
    assert allocate(given_).gain <= allocate(free).gain + TOLERANCE * (1 + allocate(free).gain)
    assert allocate(free).gain >= allocate_greedily(free).gain - TOLERANCE * (1 + allocate(free).gain)


def one_cell(cap: float) -> Choices:
    """100 rows: a chain of 1 that gains .1, and one of 10 that gains .3."""
    return Choices(
        np.array([100.0]), np.array([[0.1, 0.3]]), np.array([[[1.0, 10.0]]]), np.array([cap]), np.ones((1, 2), bool)
    )


@pytest.mark.parametrize(("cap", "gain", "price"), [(50, 5, 0.1), (100, 10, None), (550, 20, 0.2 / 9), (2000, 30, 0.0)])
def test_the_price_of_a_cap_is_what_the_next_unit_gains(cap: float, gain: float, price: float | None) -> None:
    found = allocate(one_cell(cap))
    assert found.gain == pytest.approx(gain, rel=1e-4)
    if price is not None:
        assert found.prices[0] == pytest.approx(price, rel=1e-3, abs=1e-6)
        assert allocate_greedily(one_cell(cap)).prices[0] == pytest.approx(price)
        more = (allocate(one_cell(cap + 1)).gain - found.gain) / 1
        assert more == pytest.approx(found.prices[0], rel=1e-2, abs=1e-5)


def test_what_costs_nothing_is_done_without_a_budget_and_the_rest_is_not() -> None:
    free = Choices(
        np.array([10.0]), np.array([[0.1, 0.4]]), np.array([[[0.0, 1.0]]]), np.zeros(1), np.ones((1, 2), bool)
    )
    for found in (allocate(free), allocate_greedily(free)):
        assert found.rows[0].tolist() == pytest.approx([10, 0])


def test_of_two_ways_that_gain_the_same_the_cheaper_is_taken() -> None:
    same = Choices(
        np.array([10.0]), np.array([[0.2, 0.2]]), np.array([[[5.0, 1.0]]]), np.array([500.0]), np.ones((1, 2), bool)
    )
    assert allocate(same).rows[0].tolist() == pytest.approx([0, 10], abs=0.01)


def test_without_cells_gains_or_tiers_nobody_is_asked() -> None:
    for g, c in ((0, 3), (3, 0), (2, 2)):
        empty = Choices(np.ones(g), np.zeros((g, c)), np.ones((1, g, c)), np.ones(1), np.ones((g, c), bool))
        for found in (allocate(empty), allocate_greedily(empty)):
            assert (found.gain, found.rows.sum(), found.prices.tolist()) == (0, 0, [0])


def test_fifty_slices_and_thirty_two_chains_are_one_small_program() -> None:
    draw = np.random.default_rng(0)
    big = Choices(
        draw.integers(1, 5000, 50).astype(float),
        draw.random((50, 32)),
        draw.random((5, 50, 32)),
        np.array([9000.0, 5000, 7000, np.inf, 4000]),
        draw.random((50, 32)) < 0.8,
    )
    allocate(one_cell(5))  # imports
    began = time.process_time()
    found = allocate(big)
    assert found.gain > 0
    assert time.process_time() - began < 5  # .05 s where it was measured


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_numbers_that_make_no_sense_are_refused(bad: float) -> None:
    one = np.ones((1, 1), bool)
    with pytest.raises(UsageError, match="0 or more"):
        Choices(np.ones(1), np.array([[bad]]), np.ones((1, 1, 1)), np.ones(1), one)
    with pytest.raises(UsageError, match="expected rows"):
        Choices(np.ones(2), np.ones((1, 1)), np.ones((1, 1, 1)), np.ones(1), one)
