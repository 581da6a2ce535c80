"""Accuracies in closed form."""

from __future__ import annotations

import subprocess
import sys
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from simulated_votes import simulate
from strategies import vote_matrices

from weaksup.label_models import triplet
from weaksup.label_models.cast import cast_votes
from weaksup.label_models.one_coin import toss
from weaksup.label_models.triplet import Triplet
from weaksup.patterns import find_patterns
from weaksup.votes import VoteMatrix


@given(votes=vote_matrices())
def test_any_votes_give_finite_distributions_and_accuracies(votes: VoteMatrix) -> None:
    model = Triplet().fit(votes)
    assert (model.accuracies_ > 0).all()
    assert (model.accuracies_ < 1).all()
    for seen in (votes.values, np.roll(votes.values, 1, axis=1)):
        proba = model.predict_proba(seen)
        assert np.isfinite(proba).all()
        assert np.allclose(proba.sum(axis=1), 1.0)


def plain_squares(votes: np.ndarray, k: int) -> dict[int, float]:
    """The least-squares skill of each source over its triplets, by loops; only where it is above 0."""
    m = votes.shape[1]
    weight, moment = np.zeros((m, m)), np.zeros((m, m))
    for i, j in permutations(range(m), 2):
        both = (votes[:, i] >= 0) & (votes[:, j] >= 0)
        used = [set(votes[votes[:, s] >= 0, s].tolist()) for s in (i, j)]
        if both.any() and used[0] & used[1] and len(used[0] | used[1]) > 1:
            weight[i, j] = both.sum()
            moment[i, j] = (k * (votes[both, i] == votes[both, j]).mean() - 1) / (k - 1)
    squares = {}
    for i in range(m):
        top = bottom = 0.0
        for j, h in permutations([s for s in range(m) if s != i], 2):
            w = weight[i, j] * weight[i, h] * weight[j, h]
            top += w * moment[i, j] * moment[i, h] * moment[j, h]
            bottom += w * moment[j, h] ** 2
        if top > 1e-9 and bottom > 1e-9:
            squares[i] = min(top / bottom, 1.0)
    return squares


@given(votes=vote_matrices(max_classes=3))
def test_skills_equal_the_plain_loops_over_triplets(votes: VoteMatrix) -> None:
    k = len(votes.labels)
    sparse = cast_votes(find_patterns(votes), k)
    skills, solved = triplet._solve(triplet._count_pairs(sparse, len(votes.sources)), k)
    expected = plain_squares(votes.values.astype(int), k)
    for j, square in expected.items():
        assert solved[j]
        assert skills[j] ** 2 == pytest.approx(square)


@pytest.mark.parametrize("k", [2, 3, 6])
@pytest.mark.parametrize("coverage", [0.4, 1.0])
def test_known_accuracies_are_found(k: int, coverage: float) -> None:
    known = [0.95, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6]
    votes, _ = simulate(known, k=k, n=20000, coverage=coverage)
    model = Triplet(k).fit(votes)
    assert model.solved_.all()
    assert np.abs(model.accuracies_ - known).max() < 0.03


def test_unequal_classes_do_not_move_the_accuracies() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((20000, 1)) < 0.15).astype(int)
    known = np.array([0.9, 0.8, 0.75, 0.7, 0.65])
    votes = np.where(rng.random((20000, 5)) < known, truth, 1 - truth)
    model = Triplet(2).fit(votes)
    assert np.abs(model.accuracies_ - known).max() < 0.03
    assert (model.predict(votes) == truth[:, 0]).mean() > 0.93


def test_a_source_worse_than_chance_is_found_and_turned_around() -> None:
    known = [0.85, 0.8, 0.75, 0.7, 0.25]
    votes, _ = simulate(known, n=20000, coverage=0.8)
    model = Triplet(2).fit(votes)
    assert np.abs(model.accuracies_ - known).max() < 0.03
    assert model.predict([[-1, -1, -1, -1, 1]])[0] == 0


@pytest.mark.parametrize(
    ("votes", "k"),
    [
        (np.array([[0, 1], [1, 1], [0, 0]] * 20), 2),  # two sources: no triplet
        (np.kron(np.eye(4, dtype=int), np.ones((30, 1), int)) - 1, 2),  # nobody ever meets another
        (np.where(np.arange(6) % 2 == simulate([0.8] * 6)[0], simulate([0.8] * 6)[0], -1), 2),  # one label each
        (np.array([[0, 1, 2], [1, 2, 0], [2, 0, 1]] * 20), 3),  # all pairs disagree: the product is below 0
    ],
)
def test_sources_that_no_triplet_explains_get_the_pooled_accuracy(votes: np.ndarray, k: int) -> None:
    model = Triplet(k).fit(votes)
    pooled = toss(cast_votes(find_patterns(votes), k)).accuracy
    assert not model.solved_.any()
    assert model.accuracies_ == pytest.approx(pooled)


def test_copies_of_one_source_stay_finite() -> None:
    votes = np.repeat(simulate([0.8], n=500, coverage=1.0)[0], 5, axis=1)
    model = Triplet(2).fit(votes)
    assert model.solved_.all()
    assert model.accuracies_.max() <= 0.995
    assert np.isfinite(model.predict_proba(votes)).all()


def test_gold_rows_measure_where_agreement_misleads() -> None:
    votes, truth = simulate([0.9, 0.55, 0.55], n=2000, coverage=1.0)
    herd = np.column_stack([votes, votes[:, 1], votes[:, 1]])  # three copies of a poor source
    blind, taught = Triplet(2).fit(herd), Triplet(2).fit(herd, gold=truth)
    assert blind.accuracies_[1] > 0.9
    assert taught.accuracies_ == pytest.approx((herd == truth[:, None]).mean(axis=0), abs=0.01)


def test_dense_and_sparse_pair_counts_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = cast_votes(find_patterns(simulate([0.7] * 12, k=3, n=600, coverage=0.4)[0]), 3)
    counted = []
    for dense, block in ((0.0, 1 << 22), (2.0, 1), (0.0, 100)):
        monkeypatch.setattr(triplet, "_DENSE", dense)
        monkeypatch.setattr(triplet, "_BLOCK", block)
        counted.append(triplet._count_pairs(votes, 12))
    for other in counted[1:]:
        assert (other.both == counted[0].both).all()
        assert (other.agree == counted[0].agree).all()


def test_the_bytes_are_the_same_for_any_number_of_threads() -> None:
    code = (
        "import numpy as np, hashlib; from weaksup.label_models.triplet import Triplet;"
        "r = np.random.default_rng(0); L = r.integers(-1, 3, (3000, 150));"
        "print(hashlib.sha256(Triplet(3).fit(L).predict_proba(L).tobytes()).hexdigest())"
    )
    seen = set()
    for threads in ("1", "2"):
        env = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        seen.add(done.stdout)
    assert len(seen) == 1
