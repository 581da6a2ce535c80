"""From caps to rows: no cap is passed by what the rows themselves use, and money goes where it gains most."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup.routing.assignment import Situation, assign, market


def situation(
    n: int = 60,
    tiers: int = 2,
    *,
    seed: int = 0,
    caps: tuple[float, ...] = (np.inf, np.inf, np.inf, np.inf),
    limits: tuple[float, ...] | None = None,
) -> Situation:
    """Make rows of all doubts whose calls cost about 10 at the first tier, and ten times as much at each next one."""
    draw = np.random.default_rng(seed)
    cost = draw.integers(5, 16, (n, 1)) * 10.0 ** np.arange(tiers)
    likely = np.stack([cost, np.ones((n, tiers)), 10 * np.ones((n, tiers)), np.zeros((n, tiers))])
    return Situation(
        doubt=draw.uniform(0, 0.6, n),
        slice_of=draw.integers(0, 4, n),
        open=np.ones((n, tiers), np.bool_),
        likely=likely,
        most=likely * np.array([3, 1, 3, 1])[:, None, None],
        caps=np.array(caps),
        limits=np.full(tiers, np.inf) if limits is None else np.array(limits),
        accuracy=tuple(np.linspace(0.85, 0.95, tiers)),
        climb=False,
    )


def used(now: Situation, asks: np.ndarray) -> np.ndarray:
    """What is expected to be used, [u]."""
    use: np.ndarray = np.einsum("nt,unt->u", asks, now.likely)
    return use


@settings(max_examples=40)
@given(
    seed=st.integers(0, 100),
    caps=st.tuples(*[st.one_of(st.just(np.inf), st.floats(0, 3000)) for _ in range(4)]),
    limits=st.tuples(st.integers(0, 60), st.integers(0, 20)),
)
def test_no_cap_is_passed_and_nothing_gets_worse(seed: int, caps: tuple[float, ...], limits: tuple[float, ...]) -> None:
    now = situation(seed=seed, caps=caps, limits=limits)
    done = assign(now)
    assert (used(now, done.asks) <= now.caps + 1e-6).all()
    assert (done.asks.sum(axis=0) <= now.limits + 1e-6).all()
    assert (done.error <= now.doubt + 1e-12).all()
    left_alone = done.asks.sum(axis=1) == 0
    assert (done.error[left_alone] == now.doubt[left_alone]).all()
    assert (done.asks[now.doubt <= now.stop_at] == 0).all()


@settings(max_examples=30)
@given(seed=st.integers(0, 100), budget=st.floats(100, 4000))
def test_whole_rows_come_close_to_the_program(seed: int, budget: float) -> None:
    now = replace(situation(200, seed=seed), caps=np.array([budget, np.inf, np.inf, np.inf]))
    done, program = assign(now), market(now)(budget)
    gained = float((now.doubt - done.error).sum())
    assert gained <= 1.1 * program.errors + 0.5  # the program has the means of cells only
    # Rows are whole, and the last call is sent only where three times its likely cost is left.
    assert gained >= 0.9 * market(now)(max(0.0, budget - 3 * 150)).errors - 0.5


@settings(max_examples=20)
@given(seed=st.integers(0, 50))
def test_more_money_never_leaves_more_errors(seed: int) -> None:
    buy = market(situation(seed=seed))
    found = [buy(budget).errors for budget in (0, 50, 200, 800, 3200, np.inf)]
    assert all(b >= a - 1e-4 for a, b in pairwise(found))
    assert buy(0).spent == 0


def test_without_caps_every_row_in_doubt_is_asked_all_that_gains() -> None:
    now = situation()
    done = assign(now)
    doubtful = now.doubt > now.stop_at
    assert (done.asks.sum(axis=1) > 0).tolist() == doubtful.tolist()
    assert (done.prices == 0).all()


def test_a_tight_budget_goes_to_the_cheap_tier_and_a_tight_number_of_calls_to_the_better_one() -> None:
    poor = assign(situation(200, caps=(600.0, np.inf, np.inf, np.inf)))
    assert poor.asks[:, 0].sum() > 5 * poor.asks[:, 1].sum()
    assert poor.prices[0] > 0
    few = assign(situation(200, caps=(np.inf, 40.0, np.inf, np.inf)))
    assert few.asks[:, 1].sum() > 5 * few.asks[:, 0].sum()
    assert few.asks.sum() == pytest.approx(40, abs=1)


def test_what_is_stored_is_asked_without_a_budget() -> None:
    now = situation(caps=(0.0, np.inf, np.inf, np.inf))
    stored = now.likely.copy()
    stored[:, :20, 0] = 0
    done = assign(replace(now, likely=stored, most=3 * stored))
    assert done.asks[20:].sum() == 0
    assert (done.asks[:20, 0] > 0).tolist() == (now.doubt[:20] > 0.15).tolist()  # below, no answer changes the label
    assert done.asks[:, 1].sum() == 0


def test_a_tier_that_was_asked_or_cannot_be_is_left_out() -> None:
    now = situation()
    closed = now.open.copy()
    closed[:30, 1] = False
    done = assign(replace(now, open=closed))
    assert done.asks[:30, 1].sum() == 0
    assert done.asks[30:, 1].sum() > 0


def test_rows_climb_from_the_first_tier_unless_it_was_asked_or_has_no_rows_left() -> None:
    now = replace(situation(), climb=True)
    assert ((assign(now).asks[:, 0] == 1) | (assign(now).asks.sum(axis=1) == 0)).all()
    closed = now.open.copy()
    closed[:30, 0] = False
    assert assign(replace(now, open=closed)).asks[:30, 1].sum() > 0
    full = assign(replace(now, limits=np.array([0.0, np.inf])))
    assert (full.asks[:, 0].sum(), full.asks[:, 1].sum() > 0) == (0, True)


def test_the_order_of_rows_changes_nothing_but_their_order() -> None:
    now = situation(100, caps=(900.0, np.inf, np.inf, np.inf))
    turn = np.random.default_rng(1).permutation(100)
    turned = replace(
        now,
        doubt=now.doubt[turn],
        slice_of=now.slice_of[turn],
        open=now.open[turn],
        likely=now.likely[:, turn],
        most=now.most[:, turn],
    )
    assert np.allclose(assign(turned).asks, assign(now).asks[turn])


def test_no_rows_and_no_tiers_are_no_plan() -> None:
    nobody = replace(
        situation(5),
        open=np.zeros((5, 0), np.bool_),
        likely=np.zeros((4, 5, 0)),
        most=np.zeros((4, 5, 0)),
        limits=np.zeros(0),
        accuracy=(),
    )
    assert assign(nobody).asks.shape == (5, 0)
    assert assign(situation(0)).asks.shape == (0, 2)
    assert market(situation(0))(10.0).errors == 0
