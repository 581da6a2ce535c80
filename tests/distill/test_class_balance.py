"""Laws of class balance: what it must not change, and what it must."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup import LabelSpace
from weaksup.distill.targets import Targets, balance_classes, make_targets
from weaksup.errors import UsageError


def rows(gold: list[int], k: int = 3) -> Targets:
    texts = [f"text {i}" for i in range(len(gold))]
    return make_targets(texts, np.eye(k)[gold], labels=LabelSpace([f"c{c}" for c in range(k)]))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40), st.floats(0, 1))
def test_the_sum_of_weights_stays_and_rows_of_a_class_stay_alike(gold: list[int], power: float) -> None:
    before = rows(gold)
    after = balance_classes(before, power)
    assert after.weights.sum() == pytest.approx(before.weights.sum(), rel=1e-5)
    for c in set(gold):
        assert np.ptp(after.weights[before.proba[:, c] == 1]) < 1e-6


@given(st.lists(st.integers(0, 2), min_size=3, max_size=40))
def test_full_balance_gives_all_classes_the_same_mass_and_none_changes_nothing(gold: list[int]) -> None:
    before = rows(gold)
    mass = balance_classes(before, 1).weights @ before.proba
    assert np.allclose(mass[mass > 0], mass[mass > 0][0], rtol=1e-4)
    assert np.allclose(balance_classes(before, 0).weights, before.weights, rtol=1e-6)


def test_a_power_outside_0_to_1_is_told() -> None:
    with pytest.raises(UsageError, match="expected a balance of 0 to 1, got 2"):
        balance_classes(rows([0, 1]), 2)
