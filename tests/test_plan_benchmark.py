"""The benchmark of plans: configurations are what they say, and a few of them keep the bar."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("benchmark_of_plans", BENCHMARKS / "plan.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


def test_doubts_are_the_true_chances_of_being_wrong(plan: ModuleType) -> None:
    wrong, doubt = 0.0, 0.0
    for number in range(60):
        case = plan.draw_case(plan.draw_config(number, faults=False))
        wrong += float((case.soft.proba.argmax(axis=1) != case.gold).sum())
        doubt += float((1 - case.soft.proba.max(axis=1)).sum())
    assert wrong == pytest.approx(doubt, rel=0.06)


def test_configurations_differ_in_all_that_matters(plan: ModuleType) -> None:
    drawn = [plan.draw_config(number, faults=False) for number in range(100)]
    for what in ("script", "labels", "tiers", "stored", "described"):
        assert len({getattr(one, what) for one in drawn}) > 1, what
    assert drawn == [plan.draw_config(number, faults=False) for number in range(100)]
    assert {one.faults for one in drawn} == {0.0}
    assert plan.draw_config(3, faults=True).faults > 0


@pytest.mark.parametrize("number", [1, 12])
def test_the_likely_cost_is_within_ten_percent_of_the_servers_log(plan: ModuleType, number: int) -> None:
    found = plan.play(number, faults=False, asker=plan.ask_fixed)
    assert found["billed"] == found["charged"] > 0
    assert found["charged"] == pytest.approx(found["likely"], rel=0.1)
    assert found["low"] <= found["charged"] <= found["high"]


def test_faults_do_not_lift_the_bill_above_high(plan: ModuleType) -> None:
    found = plan.play(5, faults=True, asker=plan.ask_fixed)
    assert found["charged"] >= found["billed"] > 0
    assert found["charged"] <= found["high"]


def test_the_summary_counts_what_is_off(plan: ModuleType) -> None:
    one = {"low": 50.0, "likely": 100.0, "high": 200.0, "billed": 90, "charged": 105}
    found = plan.summarise([one, {**one, "charged": 250}, {**one, "charged": 40, "billed": 40}])
    assert (found["above_high"], found["below_low"], found["configurations"]) == (1, 1, 3)
    assert found["within_10_percent"] == pytest.approx(1 / 3)
    assert found["likely_off_worst"] == pytest.approx(1.5)
    assert np.isclose(found["all_together_off"], 395 / 300 - 1)
