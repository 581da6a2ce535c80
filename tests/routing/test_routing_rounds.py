from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.errors import UsageError
from weaksup.labels import ABSTAIN, LabelSpace
from weaksup.routing import Belief, Ladder, Round, Rules, Terms, choose_first, choose_round
from weaksup.votes import Source, VoteMatrix

LADDER = Ladder(("cheap", "premium"))
NOBODY = np.empty(0, np.int64)


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


def at_most(limit: int, name: str = "premium") -> Terms:
    return Terms({name: limit})


def asked_of(chosen: Round, name: str) -> np.ndarray:
    return chosen.rows.get(name, NOBODY)


def doubts(*doubt: float) -> Belief:
    proba = np.array([[1 - d, d] for d in doubt])
    return Belief(proba, np.zeros(len(doubt), np.int64), np.array(doubt))


@given(states(), st.integers(0, 50), st.floats(0, 1), st.integers(1, 9))
def test_a_round_keeps_the_limit_and_asks_nobody_twice(
    known: tuple[VoteMatrix, Belief], limit: int, probe: float, number: int
) -> None:
    votes, belief = known
    chosen = choose_round(votes, LADDER, belief, terms=at_most(limit), rules=Rules(probe=probe), number=number)
    asked = votes.asked
    assert asked is not None
    assert len(asked_of(chosen, "premium")) <= limit
    assert len(np.unique(asked_of(chosen, "premium"))) == len(asked_of(chosen, "premium"))
    assert not asked[asked_of(chosen, "cheap"), 0].any()
    assert not asked[asked_of(chosen, "premium"), 1].any()
    assert asked[asked_of(chosen, "premium"), 0].all()


@given(states(), st.integers(0, 50))
def test_without_a_probe_rows_in_no_doubt_are_left_alone(known: tuple[VoteMatrix, Belief], limit: int) -> None:
    votes, belief = known
    chosen = choose_round(votes, LADDER, belief, terms=at_most(limit), rules=Rules(probe=0, doubt=0.2))
    assert (belief.doubt[np.concatenate([asked_of(chosen, "cheap"), asked_of(chosen, "premium")])] > 0.2).all()


def test_the_most_doubtful_rows_go_first() -> None:
    votes = state(np.array([[True, False]] * 5))
    chosen = choose_round(
        votes, LADDER, doubts(0.2, 0.4, 0.05, 0.5, 0.3), terms=at_most(2), rules=Rules(probe=0, rounds=1)
    )
    assert asked_of(chosen, "premium").tolist() == [1, 3]


def test_a_row_in_doubt_sees_the_cheap_tier_before_the_premium_one() -> None:
    votes = state(np.array([[False, False], [True, False], [False, True]]))
    chosen = choose_round(votes, LADDER, doubts(0.5, 0.5, 0.5), terms=at_most(9))
    assert (asked_of(chosen, "cheap").tolist(), asked_of(chosen, "premium").tolist(), len(chosen)) == ([0], [1], 2)


def test_the_probe_sees_rows_that_look_sure() -> None:
    votes = state(np.array([[True, False]] * 100))
    belief = doubts(*[0.01] * 50, *[0.4] * 50)
    chosen = choose_round(votes, LADDER, belief, terms=at_most(20), rules=Rules(probe=0.5, rounds=1))
    assert len(asked_of(chosen, "premium")) == 20
    assert (belief.doubt[asked_of(chosen, "premium")] == 0.4).sum() >= 10
    assert (belief.doubt[asked_of(chosen, "premium")] == 0.01).any()


def test_a_seed_and_a_number_choose_the_same_rows_again() -> None:
    votes = state(np.array([[True, False]] * 200))
    belief = doubts(*[0.4] * 200)
    same = [choose_round(votes, LADDER, belief, terms=at_most(30), number=3).rows["premium"].tolist() for _ in range(2)]
    assert same[0] == same[1]
    assert same[0] != choose_round(votes, LADDER, belief, terms=at_most(30), number=4).rows["premium"].tolist()


@pytest.mark.parametrize(("taught", "size"), [(True, 20), (False, 100)])
def test_a_student_needs_the_cheap_tier_on_a_share_of_the_rows_first(taught: bool, size: int) -> None:
    nothing = state(np.zeros((100, 2), np.bool_))
    assert len(choose_first(nothing, LADDER, Terms(), Rules(), taught=taught)) == size
    assert len(choose_first(state(np.ones((100, 2), np.bool_)), LADDER, Terms(), Rules(), taught=taught)) == 0


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
    with pytest.raises(UsageError, match="expected a limit of at least 0 rows for premium, got -1"):
        at_most(-1)


def ladder_state(asked: list[list[bool]], said: list[list[int]] | None = None) -> VoteMatrix:
    """Return what the rungs "cheap", "middle", "premium" were asked."""
    values = np.where(asked, 0 if said is None else np.array(said), ABSTAIN).astype(np.int16)
    sources = tuple(Source(name, "tier") for name in ("cheap", "middle", "premium"))
    return VoteMatrix(values, tuple(map(str, range(len(values)))), sources, LabelSpace(["a", "b"]), np.array(asked))


THREE = Ladder(("cheap", "middle", "premium"))


def test_a_row_in_doubt_climbs_one_rung_at_a_time() -> None:
    votes = ladder_state([[False] * 3, [True, False, False], [True, True, False], [True, True, True]])
    terms = Terms(costs={"middle": np.full(4, 1.0), "premium": np.full(4, 5.0)})
    chosen = choose_round(votes, THREE, doubts(0.5, 0.5, 0.5, 0.5), terms=terms, rules=Rules(probe=0))
    assert {name: rows.tolist() for name, rows in chosen.rows.items()} == {"cheap": [0], "middle": [1], "premium": [2]}


def test_a_rung_without_calls_left_is_passed() -> None:
    votes = ladder_state([[True, False, False]] * 4)
    chosen = choose_round(votes, THREE, doubts(*[0.5] * 4), terms=Terms({"middle": 0}), rules=Rules(probe=0, rounds=1))
    assert {name: rows.tolist() for name, rows in chosen.rows.items()} == {"premium": [0, 1, 2, 3]}


def test_a_middle_tier_that_proved_wrong_is_passed_by_rows_that_it_cannot_help() -> None:
    bad = [[True, True, True]] * 60
    votes = ladder_state([*bad, *[[True, False, False]] * 2], [[0, 1, 0]] * 60 + [[0, 0, 0]] * 2)
    terms = Terms(costs={"middle": np.full(62, 1.0), "premium": np.full(62, 5.0)})
    chosen = choose_round(votes, THREE, doubts(*[0.0] * 60, 0.45, 0.3), terms=terms, rules=Rules(probe=0, rounds=1))
    assert {name: rows.tolist() for name, rows in chosen.rows.items()} == {"premium": [60, 61]}


def test_of_two_rows_as_doubtful_the_cheaper_one_goes_first() -> None:
    votes = state(np.array([[True, False]] * 2))
    terms = Terms({"premium": 1}, {"premium": np.array([9.0, 2.0])})
    chosen = choose_round(votes, LADDER, doubts(0.4, 0.4), terms=terms, rules=Rules(probe=0, rounds=1))
    assert chosen.rows["premium"].tolist() == [1]


def test_a_rung_may_ask_for_more_doubt_about_one_label_than_about_another() -> None:
    votes = state(np.array([[True, False]] * 3))
    belief = Belief(np.array([[0.8, 0.2], [0.2, 0.8], [0.6, 0.4]]), np.array([0, 1, 0]), np.array([0.2, 0.2, 0.4]))
    terms = Terms(below={"premium": np.array([0.7, 0.9])})
    chosen = choose_round(votes, LADDER, belief, terms=terms, rules=Rules(probe=0, rounds=1))
    assert chosen.rows["premium"].tolist() == [1, 2]


def test_a_tight_limit_leaves_half_of_the_first_rung_for_rows_in_doubt() -> None:
    nothing = state(np.zeros((100, 2), np.bool_))
    assert len(choose_first(nothing, LADDER, at_most(10, "cheap"), Rules(), taught=True)) == 5
    assert len(choose_first(nothing, LADDER, at_most(10, "cheap"), Rules(), taught=False)) == 0
