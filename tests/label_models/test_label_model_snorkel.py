"""Snorkel's LabelModel behind the contract."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from weaksup.errors import UsageError
from weaksup.label_models import SnorkelLabelModel, load

RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 3, 300)
VOTES = np.where(RNG.random((300, 5)) < 0.7, TRUTH[:, None], RNG.integers(0, 3, (300, 5)))
VOTES = np.where(RNG.random((300, 5)) < 0.6, VOTES, -1)
COVERED = (VOTES >= 0).any(axis=1)


def test_the_bridge_says_what_snorkel_says() -> None:
    from snorkel.labeling.model import LabelModel

    theirs = LabelModel(cardinality=3, verbose=False)
    theirs.fit(VOTES[COVERED], n_epochs=50, seed=7, progress_bar=False)
    ours = SnorkelLabelModel(3, seed=7, epochs=50).fit(VOTES)
    assert ours.predict_proba(VOTES)[COVERED] == pytest.approx(theirs.predict_proba(VOTES[COVERED]), abs=1e-6)


def test_fitting_leaves_the_random_state_of_others_alone() -> None:
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = random.random(), np.random.random(), torch.rand(1).item()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    SnorkelLabelModel(3, epochs=2).fit(VOTES)
    assert (random.random(), np.random.random(), torch.rand(1).item()) == expected


def test_gold_sets_the_class_balance_unless_it_is_given() -> None:
    gold = np.where(np.arange(300) < 97, 0, -1)
    assert SnorkelLabelModel(3, epochs=1).fit(VOTES, gold=gold).class_balance_ == pytest.approx([0.98, 0.01, 0.01])
    given = SnorkelLabelModel(3, epochs=1).fit(VOTES, gold=gold, class_balance=[0.5, 0.3, 0.2])
    assert given.class_balance_.tolist() == [0.5, 0.3, 0.2]


def test_a_saved_model_answers_the_same(tmp_path: Path) -> None:
    model = SnorkelLabelModel(3, epochs=3).fit(VOTES)
    model.save(tmp_path)
    again = load(tmp_path)
    assert isinstance(again, SnorkelLabelModel)
    assert again.epochs == 3
    assert again.predict_proba(VOTES).tobytes() == model.predict_proba(VOTES).tobytes()


def test_fewer_than_three_sources_with_votes_are_refused_and_no_votes_are_not() -> None:
    silent = np.where(np.arange(5) < 2, VOTES, -1)
    with pytest.raises(UsageError, match="expected votes of at least 3 sources, got 2"):
        SnorkelLabelModel(3).fit(silent)
    nothing = np.full((4, 5), -1)
    assert np.allclose(SnorkelLabelModel(3).fit(nothing).predict_proba(nothing), 1 / 3)
