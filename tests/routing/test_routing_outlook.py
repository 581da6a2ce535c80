"""What chains of tiers do to rows: laws of chance, and a simulation that knows nothing of the arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup.errors import UsageError
from weaksup.routing.outlook import look_ahead, make_chains

doubts = st.lists(st.floats(0, 0.95), min_size=1, max_size=8)
accuracies = st.lists(st.floats(0, 1), min_size=1, max_size=4)
stops = st.floats(0.01, 0.4)


@given(doubt=doubts, accuracy=accuracies, stop=stops)
def test_asking_never_makes_the_expected_error_larger(doubt: list[float], accuracy: list[float], stop: float) -> None:
    for chain in make_chains(len(accuracy)):
        found = look_ahead(doubt, chain, accuracy, stop_at=stop)
        assert (found.error <= np.array(doubt) + 1e-9).all()
        assert (found.error >= 0).all()
        assert ((found.flips >= 0) & (found.flips <= 1 + 1e-9)).all()
        assert ((found.asks >= 0) & (found.asks <= 1 + 1e-9)).all()


@given(doubt=doubts, accuracy=accuracies, stop=stops)
def test_a_longer_chain_leaves_no_more_error_and_asks_its_first_tiers_the_same(
    doubt: list[float], accuracy: list[float], stop: float
) -> None:
    whole = tuple(range(len(accuracy)))
    for size in range(len(whole)):
        short, longer = (look_ahead(doubt, whole[:s], accuracy, stop_at=stop) for s in (size, size + 1))
        assert (longer.error <= short.error + 1e-9).all()
        assert np.allclose(longer.asks[:, :size], short.asks[:, :size])


@given(doubt=doubts, stop=stops)
def test_a_tier_that_is_never_wrong_leaves_no_doubt(doubt: list[float], stop: float) -> None:
    found = look_ahead(doubt, (0,), [1.0], stop_at=stop)
    asked = np.array(doubt) > stop + 1e-9
    assert np.allclose(found.error[asked], 0, atol=1e-9)
    assert np.allclose(found.flips[asked], np.array(doubt)[asked])
    assert (found.asks[:, 0] == asked).all()


@given(doubt=doubts, accuracy=st.floats(0, 0.5), stop=stops)
def test_a_tier_no_better_than_chance_changes_nothing(doubt: list[float], accuracy: float, stop: float) -> None:
    found = look_ahead(doubt, (0,), [accuracy], stop_at=stop)
    d = np.array(doubt)
    assert np.allclose(found.error, np.where(d > stop + 1e-9, np.minimum(d, 0.5), d))
    assert (found.flips == 0).all()


@given(doubt=doubts, accuracy=accuracies, stop=stops)
def test_what_is_asked_depends_on_no_other_row(doubt: list[float], accuracy: list[float], stop: float) -> None:
    chain = tuple(range(len(accuracy)))
    together = look_ahead(doubt, chain, accuracy, stop_at=stop)
    alone = [look_ahead([d], chain, accuracy, stop_at=stop) for d in doubt]
    assert np.allclose(together.error, [one.error[0] for one in alone])
    assert np.allclose(together.asks, np.concatenate([one.asks for one in alone]))


@pytest.mark.parametrize("chain", [(0,), (1,), (0, 1), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("doubt", [0.12, 0.3, 0.45, 0.5])
def test_the_arithmetic_is_what_a_simulation_finds(chain: tuple[int, ...], doubt: float) -> None:
    accuracy, stop, n = (0.75, 0.85, 0.95), 0.1, 200_000
    draw = np.random.default_rng(0)
    truth = np.where(draw.random(n) < doubt, 1, 0)  # label 0 stands, label 1 is the rival
    right = np.full(n, 1 - doubt)  # belief in label 0
    asked = np.zeros((n, 3))
    for tier in chain:
        on = np.minimum(right, 1 - right) > stop + 1e-12
        asked[on, tier] = 1
        said = np.where(draw.random(n) < accuracy[tier], truth, 1 - truth)
        a = accuracy[tier]
        like0, like1 = np.where(said == 0, a, 1 - a), np.where(said == 1, a, 1 - a)
        right = np.where(on, right * like0 / (right * like0 + (1 - right) * like1), right)
    label = (right < 0.5 - 1e-9).astype(int)
    found = look_ahead([doubt], chain, accuracy, stop_at=stop)
    assert found.error[0] == pytest.approx((label != truth).mean(), abs=0.006)
    assert found.flips[0] == pytest.approx(label.mean(), abs=0.006)
    assert np.allclose(found.asks[0], asked.mean(axis=0), atol=0.006)


def test_a_row_that_is_sure_enough_is_left_alone() -> None:
    found = look_ahead([0.0, 0.1, 0.11], (0, 1), [0.8, 0.9])
    assert found.asks[:2].sum() == 0
    assert found.error[:2].tolist() == [0.0, 0.1]
    assert found.asks[2, 0] == 1


def test_chains_are_all_subsets_of_a_short_ladder_and_the_short_ones_of_a_long_ladder() -> None:
    assert make_chains(0) == ((),)
    assert make_chains(2) == ((), (0,), (1,), (0, 1))
    assert len(make_chains(6)) == 64
    assert len(make_chains(9)) == 130
    assert max(map(len, make_chains(9))) == 3


@pytest.mark.parametrize(("doubt", "accuracy"), [([1.1], [0.5]), ([0.5], [-1]), ([float("nan")], [0.5]), ([0.1], [2])])
def test_numbers_that_are_no_chance_are_refused(doubt: list[float], accuracy: list[float]) -> None:
    with pytest.raises(UsageError, match="from 0 to 1"):
        look_ahead(doubt, (0,), accuracy)
