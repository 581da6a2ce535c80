"""One accuracy for each source."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_votes import agreement_with_crowd_kit, simulate
from strategies import vote_matrices

from weaksup.label_models.one_coin_model import OneCoinModel
from weaksup.votes import VoteMatrix


def plain(rows: list[list[int]], k: int, m: int, rounds: int) -> list[float]:
    """EM by loops under a uniform class balance."""
    prior, accuracies = 3 / (k + 2), [0.0] * m
    for step in range(rounds):
        right, seen = [4 * prior] * m, [4.0] * m
        for row in rows:
            said = [(j, v) for j, v in enumerate(row) if v >= 0]
            if step == 0:
                posterior = [sum(v == c for _, v in said) / max(1, len(said)) for c in range(k)]
            else:
                logits = [
                    sum(log(accuracies[j] if v == c else (1 - accuracies[j]) / (k - 1)) for j, v in said)
                    for c in range(k)
                ]
                posterior = [exp(x) / sum(map(exp, logits)) for x in logits]
            for j, v in said:
                right[j] += posterior[v]
                seen[j] += 1
        accuracies = [r / s for r, s in zip(right, seen, strict=True)]
    return accuracies


@given(votes=vote_matrices(max_rows=8, max_sources=4, max_classes=4), rounds=st.integers(1, 4))
def test_em_equals_the_plain_loops(votes: VoteMatrix, rounds: int) -> None:
    k, m = len(votes.labels), len(votes.sources)
    model = OneCoinModel(iterations=rounds).fit(votes, class_balance=[1 / k] * k)
    if model.iterations_ == rounds:
        assert model.accuracies_.tolist() == pytest.approx(plain(votes.values.tolist(), k, m, rounds))


@given(votes=vote_matrices(max_rows=12), balance=st.floats(0.2, 0.8))
def test_em_never_lowers_its_objective(votes: VoteMatrix, balance: float) -> None:
    k = len(votes.labels)
    shares = np.array([balance, *[(1 - balance) / (k - 1)] * (k - 1)])
    prior = 4 * 3 / (k + 2)
    values = []
    for rounds in range(1, 8):
        a = OneCoinModel(iterations=rounds).fit(votes, class_balance=shares.tolist()).accuracies_
        likelihood = np.tile(np.log(shares), (len(votes), 1))
        for j, column in enumerate(votes.values.T):
            said = column >= 0
            right = column[said, None] == np.arange(k)
            likelihood[said] += np.where(right, np.log(a[j]), np.log((1 - a[j]) / (k - 1)))
        values.append(
            np.logaddexp.reduce(likelihood, axis=1).sum() + (prior * np.log(a) + (4 - prior) * np.log(1 - a)).sum()
        )
    assert (np.diff(values) >= -1e-9).all()


@pytest.mark.parametrize(("k", "prevalence"), [(2, True), (2, False), (5, True), (5, False)])
def test_labels_are_those_of_crowd_kits_one_coin_model(k: int, prevalence: bool) -> None:
    votes, _ = simulate([0.9, 0.85, 0.8, 0.7, 0.65, 0.6], k=k, n=800)
    ours = OneCoinModel(k, prevalence=prevalence).fit(votes).predict(votes)
    assert agreement_with_crowd_kit(ours, "OneCoinDawidSkene", votes, n_iter=30) > 0.95


@pytest.mark.parametrize("k", [2, 3, 8])
def test_known_accuracies_are_found(k: int) -> None:
    known = [0.9, 0.8, 0.75, 0.7, 0.6, 0.3]
    votes, _ = simulate(known, k=k, n=20000, coverage=0.7)
    assert np.abs(OneCoinModel(k).fit(votes).accuracies_ - known).max() < 0.03


def test_a_source_that_never_voted_keeps_the_prior_and_its_votes_count_a_little() -> None:
    votes, _ = simulate([0.8, 0.8, 0.8, 0.8], n=300)
    model = OneCoinModel(2).fit(np.where(np.arange(4) == 3, -1, votes), class_balance=[0.5, 0.5])
    assert model.accuracies_[3] == pytest.approx(0.75)
    assert model.predict_proba([[-1, -1, -1, 1]])[0, 1] == pytest.approx(0.75)


def test_unequal_classes_are_found_without_being_told() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((4000, 1)) < 0.2).astype(int)
    votes = np.where(rng.random((4000, 6)) < [0.75, 0.78, 0.8, 0.82, 0.85, 0.88], truth, 1 - truth)
    model = OneCoinModel(2).fit(votes)
    assert 0.65 < model.class_balance_[0] < 0.83
    assert (model.predict(votes) == truth[:, 0]).mean() >= 0.965


def test_a_balance_that_is_hardly_believed_breaks_no_ties() -> None:
    votes = np.where(np.random.default_rng(0).random((3000, 6)) < 0.4, [[0, 1, 1, 1, 0, 1]], -1)
    votes[::9, 0] = 1
    model = OneCoinModel(2).fit(votes)
    assert model.class_balance_.tolist() == [0.5, 0.5]
