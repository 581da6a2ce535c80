"""Laws of the default label model, on any votes; those of every model are in test_label_model_check."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import told_votes, vote_matrices

from weaksup.label_models import LabelModel, MajorityVote
from weaksup.votes import VoteMatrix

FAST = {"default": LabelModel, "majority": MajorityVote}


@pytest.mark.parametrize("name", FAST)
@given(votes=vote_matrices())
def test_any_votes_give_finite_distributions(name: str, votes: VoteMatrix) -> None:
    proba = FAST[name]().fit(votes).predict_proba(votes)
    assert proba.shape == (len(votes), len(votes.labels))
    assert np.isfinite(proba).all()
    assert (proba >= 0).all()
    assert np.allclose(proba.sum(axis=1), 1.0)


@given(votes=vote_matrices(), seed=st.integers(0, 5))
def test_shuffling_rows_moves_no_probability(votes: VoteMatrix, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(votes))
    straight = LabelModel().fit(votes).predict_proba(votes)
    shuffled = votes.take(order)
    assert (LabelModel().fit(shuffled).predict_proba(shuffled) == straight[order]).all()


@given(votes=vote_matrices())
def test_uncovered_rows_get_the_class_balance(votes: VoteMatrix) -> None:
    model = LabelModel().fit(votes)
    soft = model.soft_labels(votes)
    assert (soft.proba[~votes.covered] == model.class_balance_).all()
    assert (soft.covered == votes.covered).all()
    assert (model.predict(votes)[~votes.covered] == -1).all()


@given(votes=vote_matrices())
def test_a_row_where_all_votes_agree_is_never_given_another_label_by_majority(votes: VoteMatrix) -> None:
    labels = MajorityVote().fit(votes).predict(votes)
    for row, label in zip(votes.values.tolist(), labels.tolist(), strict=True):
        said = {v for v in row if v >= 0}
        assert label in said or (label == -1 and len(said) != 1)


@given(votes=vote_matrices(), k_more=st.integers(0, 1))
def test_votes_not_seen_in_fit_still_give_distributions(votes: VoteMatrix, k_more: int) -> None:
    other = np.roll(votes.values, 1, axis=1)
    proba = LabelModel().fit(votes).predict_proba(other)
    assert np.isfinite(proba).all()
    assert np.allclose(proba.sum(axis=1), 1.0)


def test_the_bytes_are_the_same_for_any_number_of_threads() -> None:
    code = (
        "import numpy as np, hashlib; from weaksup.label_models import LabelModel;"
        "r = np.random.default_rng(0); L = r.integers(-1, 3, (5000, 24));"
        "print(hashlib.sha256(LabelModel(3).fit(L).predict_proba(L).tobytes()).hexdigest())"
    )
    seen = set()
    for threads in ("1", "2"):
        env = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        seen.add(done.stdout)
    assert len(seen) == 1


# All of them take three minutes; WEAKSUP_FUZZ=500 while developing.
@pytest.mark.slow
@settings(max_examples=int(os.environ.get("WEAKSUP_FUZZ", "20000")))
@given(votes=told_votes())
def test_no_matrix_gives_nan_or_an_exception(votes: VoteMatrix) -> None:
    model = LabelModel().fit(votes)
    for proba in (model.predict_proba(votes), model.predict_proba(votes.values[::-1])):
        assert np.isfinite(proba).all()
        assert np.allclose(proba.sum(axis=1), 1.0)
