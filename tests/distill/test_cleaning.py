"""Labels in doubt: planted errors are found, and a row's own label has no say."""

from __future__ import annotations

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus

from weaksup import SoftLabels
from weaksup.distill import find_suspects
from weaksup.errors import UsageError

TEXTS, GOLD = make_corpus(300, seed=2)
WRONG = [5, 60, 150, 222]


def soft_labels(order: np.ndarray) -> SoftLabels:
    said = GOLD.copy()
    said[WRONG] = (said[WRONG] + 1) % 3
    proba = 0.94 * np.eye(3)[said] + 0.02
    return SoftLabels(tuple(f"r{i}" for i in order), proba[order], np.ones(300, np.bool_), SPACE)


def test_planted_errors_are_listed_with_what_the_student_says_instead() -> None:
    found = find_suspects(TEXTS, soft_labels(np.arange(300)), confidence=0.8)
    assert {f"r{i}" for i in WRONG} <= {one.id for one in found}
    assert len(found) <= 8
    assert [one.confidence for one in found] == sorted((one.confidence for one in found), reverse=True)
    by_id = {one.id: one for one in found}
    assert all(by_id[f"r{i}"].says == SPACE.names[GOLD[i]] for i in WRONG)
    assert all(by_id[f"r{i}"].row == i for i in WRONG)


def test_the_order_of_rows_does_not_matter() -> None:
    order = np.random.default_rng(0).permutation(300)
    forth = find_suspects(TEXTS, soft_labels(np.arange(300)), confidence=0.8)
    back = find_suspects([TEXTS[i] for i in order], soft_labels(order), confidence=0.8)
    assert [one.id for one in forth] == [one.id for one in back]
    assert [one.confidence for one in forth] == pytest.approx([one.confidence for one in back])


def test_uncovered_and_tied_rows_have_no_label_to_doubt() -> None:
    soft = soft_labels(np.arange(300))
    proba, covered = soft.proba.copy(), soft.covered.copy()
    proba[WRONG[0]], covered[WRONG[1]] = 1 / 3, False
    found = find_suspects(TEXTS, SoftLabels(soft.ids, proba, covered, SPACE), confidence=0.8)
    assert not {f"r{i}" for i in WRONG[:2]} & {one.id for one in found}


def test_wrong_input_is_told() -> None:
    soft = soft_labels(np.arange(300))
    with pytest.raises(UsageError, match="a text for each of 300 labels, got 1"):
        find_suspects(["x"], soft)
    with pytest.raises(UsageError, match="at most 1, got 1.5"):
        find_suspects(TEXTS, soft, confidence=1.5)
