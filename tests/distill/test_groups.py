"""Scores of groups and fidelity, against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from weaksup import LabelSpace, SoftLabels
from weaksup.distill import measure_fidelity, score_groups

SPACE = LabelSpace(["a", "b"])
PROBA = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])


def labels(proba: list[list[float]], covered: list[bool]) -> SoftLabels:
    return SoftLabels(tuple(map(str, range(len(proba)))), np.array(proba), np.array(covered), SPACE)


def test_groups_count_their_rows_with_gold_and_empty_ones_are_left_out() -> None:
    gold = np.array([0, 0, 0, -1])
    groups = {"mask": np.array([True, True, False, True]), "rows": np.array([2]), "none": np.array([3])}
    mask, rows = score_groups(gold, PROBA, groups)
    assert (mask.name, mask.rows, mask.correct) == ("mask", 2, 1)
    assert mask.confidence == pytest.approx(0.85)
    assert mask.to_json()["accuracy"] == 0.5
    assert (rows.rows, rows.correct) == (1, 1)


def test_fidelity_counts_covered_rows_and_a_tie_is_no_difference() -> None:
    soft = labels([[0.9, 0.1], [0.7, 0.3], [0.5, 0.5], [0.0, 1.0]], [True, True, True, False])
    found = measure_fidelity(PROBA, soft)
    assert found is not None
    assert (found.rows, found.same) == (3, 2)
    assert found.distance == pytest.approx((0 + 0.5 + 0.1) / 3)
    assert found.to_json()["agreement"] == pytest.approx(2 / 3)
    assert measure_fidelity(soft.proba, soft).distance == 0  # type: ignore[union-attr]
    assert measure_fidelity(PROBA[:1], labels([[1.0, 0.0]], [False])) is None
