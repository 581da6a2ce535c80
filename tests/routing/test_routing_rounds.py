from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.errors import UsageError
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.routing import Belief, Rules, Tiers, choose_first, choose_round
from weaksup.votes import Source, VoteMatrix

TIERS = Tiers("cheap", "premium")


@st.composite
def states(draw: st.DrawFn) -> tuple[VoteMatrix, Belief]:
    """Draw which rows either tier was asked about, and a belief of two classes."""
    n = draw(st.integers(0, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    proba = random.dirichlet([0.3, 0.3], n)
    return state(random.random((n, 2)) < 0.5), Belief(proba, proba.argmax(axis=1), 1 - proba.max(axis=1))


def state(asked: np.ndarray) -> VoteMatrix:
    values = np.where(asked, 0, ABSTAIN).astype(np.int16)
    sources = (Source("cheap", "tier"), Source("premium", "tier"))
    return VoteMatrix(values, tuple(map(str, range(len(asked)))), sources, LabelSpace(["a", "b"]), asked)


def doubts(*doubt: float) -> Belief:
    proba = np.array([[1 - d, d] for d in doubt])
    return Belief(proba, np.zeros(len(doubt), np.int64), np.array(doubt))


@given(states(), st.integers(0, 50), st.floats(0, 1), st.integers(1, 9))
def test_a_round_keeps_the_limit_and_asks_nobody_twice(
    known: tuple[VoteMatrix, Belief], limit: int, probe: float, number: int
) -> None:
    votes, belief = known
    chosen = choose_round(votes, TIERS, belief, limit=limit, rules=Rules(probe=probe), number=number)
    asked = votes.asked
    assert asked is not None
    assert len(chosen.premium) <= limit
    assert len(np.unique(chosen.premium)) == len(chosen.premium)
    assert not asked[chosen.cheap, 0].any()
    assert not asked[chosen.premium, 1].any()
    assert asked[chosen.premium, 0].all()


@given(states(), st.integers(0, 50))
def test_without_a_probe_rows_in_no_doubt_are_left_alone(known: tuple[VoteMatrix, Belief], limit: int) -> None:
    votes, belief = known
    chosen = choose_round(votes, TIERS, belief, limit=limit, rules=Rules(probe=0, doubt=0.2))
    assert (belief.doubt[np.concatenate([chosen.cheap, chosen.premium])] > 0.2).all()


def test_the_most_doubtful_rows_go_first() -> None:
    votes = state(np.array([[True, False]] * 5))
    chosen = choose_round(votes, TIERS, doubts(0.2, 0.4, 0.05, 0.5, 0.3), limit=2, rules=Rules(probe=0))
    assert chosen.premium.tolist() == [1, 3]


def test_a_row_in_doubt_sees_the_cheap_tier_before_the_premium_one() -> None:
    votes = state(np.array([[False, False], [True, False], [False, True]]))
    chosen = choose_round(votes, TIERS, doubts(0.5, 0.5, 0.5), limit=9)
    assert (chosen.cheap.tolist(), chosen.premium.tolist(), len(chosen)) == ([0], [1], 2)


def test_the_probe_sees_rows_that_look_sure() -> None:
    votes = state(np.array([[True, False]] * 100))
    belief = doubts(*[0.0] * 50, *[0.4] * 50)
    chosen = choose_round(votes, TIERS, belief, limit=20, rules=Rules(probe=0.5))
    assert len(chosen.premium) == 20
    assert (belief.doubt[chosen.premium] == 0.4).sum() >= 10
    assert (belief.doubt[chosen.premium] == 0.0).any()


def test_a_seed_and_a_number_choose_the_same_rows_again() -> None:
    votes = state(np.array([[True, False]] * 200))
    belief = doubts(*[0.4] * 200)
    same = [choose_round(votes, TIERS, belief, limit=30, number=3).premium.tolist() for _ in range(2)]
    assert same[0] == same[1]
    assert same[0] != choose_round(votes, TIERS, belief, limit=30, number=4).premium.tolist()


@pytest.mark.parametrize(("taught", "size"), [(True, 20), (False, 100)])
def test_a_student_needs_the_cheap_tier_on_a_share_of_the_rows_first(taught: bool, size: int) -> None:
    nothing = state(np.zeros((100, 2), np.bool_))
    assert len(choose_first(nothing, TIERS, Rules(), taught=taught).cheap) == size
    assert len(choose_first(state(np.ones((100, 2), np.bool_)), TIERS, Rules(), taught=taught)) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"doubt": -0.1}, "expected doubt from 0 to 1, got -0.1"),
        ({"first": 1.5}, "expected first from 0 to 1, got 1.5"),
        ({"probe": float("nan")}, "expected probe from 0 to 1, got nan"),
        ({"rounds": 0}, "expected at least 1 round, got 0"),
    ],
)
def test_rules_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Rules(**settings)


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(UsageError, match="expected a limit of at least 0 rows, got -1"):
        choose_round(state(np.ones((1, 2), np.bool_)), TIERS, doubts(0.5), limit=-1)
