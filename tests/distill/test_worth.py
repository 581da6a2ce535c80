"""What votes are worth: between the ends of the curve where it must be, and beyond them where it must be."""

from __future__ import annotations

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus
from hypothesis import given
from hypothesis import strategies as st

from weaksup.distill import Worth, measure_worth
from weaksup.distill.judging.worth import _crossing
from weaksup.errors import UsageError

TEXTS, GOLD = make_corpus(260, seed=4)
NOISE = np.random.default_rng(0)
BLURRED = np.where(NOISE.random(260) < 0.1, NOISE.integers(0, 3, 260), GOLD)  # no student is right everywhere


def worth(wrong: float, **options: object) -> Worth:
    """Measure votes that are wrong on a share of the rows."""
    rng = np.random.default_rng(1)
    said = np.where(rng.random(260) < wrong, (BLURRED + 1) % 3, BLURRED)
    return measure_worth(TEXTS, BLURRED, np.eye(3)[said], SPACE, draws=2, folds=2, **options)  # type: ignore[arg-type]


def test_votes_as_good_as_a_few_labels_lie_inside_the_curve() -> None:
    scored = np.arange(260) < 100
    most = worth(0.0, scored=scored)
    first, last = most.curve[0], most.curve[-1]
    assert first[0] == 20
    assert first[1] < last[1]
    between = worth(1 - (first[1] + last[1]) / 2, scored=scored)
    low, high = between.interval
    assert between.rows == 100
    assert between.labels is None or first[0] <= between.labels <= last[0]
    assert between.labels is not None or between.below
    assert low is None or high is None or low <= high


def test_votes_better_than_all_labels_and_worse_than_a_few_are_beyond_the_curve() -> None:
    best, worst = worth(0.0), worth(0.9)
    assert (best.labels, best.below, best.score) == (None, False, 1.0)
    assert (worst.labels, worst.below) == (None, True)
    assert best.to_json()["curve"][0][0] == 20


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6), st.floats(0, 1))
def test_a_crossing_is_where_the_curve_has_the_score(curve: list[float], score: float) -> None:
    sizes = [20 * 2**i for i in range(len(curve))]
    found = _crossing(score, curve, sizes)
    rising = np.maximum.accumulate(curve)
    if score <= rising[0]:
        assert found == 0
    elif score > rising[-1]:
        assert found == np.inf
    else:
        assert np.interp(np.log(found), np.log(sizes), rising) == pytest.approx(score, abs=1e-6)


def test_too_little_gold_is_told() -> None:
    with pytest.raises(UsageError, match="at least 2 scored rows, got 0"):
        measure_worth(TEXTS, np.full(260, -1), np.eye(3)[GOLD], SPACE)
    with pytest.raises(UsageError, match="at least 2 distinct texts"):
        measure_worth(["x", "x"], [0, 1], np.eye(3)[[0, 1]], SPACE)


def test_students_on_hand_labels_are_of_the_same_kind_and_settings() -> None:
    with pytest.raises(UsageError, match="dim"):
        measure_worth(TEXTS, GOLD, np.eye(3)[GOLD], SPACE, settings={"kind": "embedbag", "dim": 0})
