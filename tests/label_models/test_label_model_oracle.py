"""The default model's parts against slow, plain versions of the same formulas."""

from __future__ import annotations

from itertools import combinations
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaln
from strategies import vote_matrices

from weaksup.label_models import LabelModel
from weaksup.label_models.cast import CastVotes, cast_votes
from weaksup.label_models.class_balance import discord, estimate_balance
from weaksup.label_models.crowd import votes_like_a_crowd
from weaksup.label_models.dawid_skene import Prior, full_em, leave_one_out_em
from weaksup.label_models.one_coin import OneCoin, row_evidence, toss
from weaksup.patterns import find_patterns
from weaksup.votes import VoteMatrix

Votes = list[list[int]]
Theta = dict[int, list[list[float]]]  # [j][c][l]


def cast(votes: VoteMatrix) -> CastVotes:
    return cast_votes(find_patterns(votes), len(votes.labels))


def normal(logits: list[float]) -> list[float]:
    weights = [exp(x - max(logits)) for x in logits]
    return [w / sum(weights) for w in weights]


def confusion(rows: Votes, posteriors: dict[tuple[int, int], list[float]], k: int, prior: Prior) -> Theta:
    """theta[j][c][l] from a posterior for every cast vote (row, source)."""
    theta = {}
    for j in range(len(rows[0])):
        counts = [[prior.rest + prior.diagonal * (c == label) for label in range(k)] for c in range(k)]
        for (i, source), posterior in posteriors.items():
            if source == j:
                for c in range(k):
                    counts[c][rows[i][j]] += posterior[c]
        theta[j] = [[x / sum(row) for x in row] for row in counts]
    return theta


def leave_one_out(rows: Votes, k: int, balance: list[float], prior: Prior, rounds: int) -> Theta:
    theta: Theta = {}
    for _ in range(rounds):
        posteriors = {}
        for i, row in enumerate(rows):
            for j in (j for j, v in enumerate(row) if v >= 0):
                others = [(o, v) for o, v in enumerate(row) if v >= 0 and o != j]
                if others and not theta:
                    posteriors[i, j] = [sum(1.0 for _, v in others if v == c) / len(others) for c in range(k)]
                elif others:
                    sums = [log(balance[c]) + sum(log(theta[o][c][v]) for o, v in others) for c in range(k)]
                    posteriors[i, j] = normal(sums)
        theta = confusion(rows, posteriors, k, prior)
    return theta


def full(rows: Votes, k: int, balance: list[float], prior: Prior, rounds: int) -> Theta:
    theta: Theta = {}
    for _ in range(rounds):
        posteriors = {}
        for i, row in enumerate(rows):
            said = [(j, v) for j, v in enumerate(row) if v >= 0]
            if not theta:
                posterior = [sum(1.0 for _, v in said if v == c) / max(1, len(said)) for c in range(k)]
            else:
                posterior = normal([log(balance[c]) + sum(log(theta[j][c][v]) for j, v in said) for c in range(k)])
            posteriors.update({(i, j): posterior for j, _ in said})
        theta = confusion(rows, posteriors, k, prior)
    return theta


def assert_equal(votes: CastVotes, log_confusion: np.ndarray, theta: Theta) -> None:
    for cell, (j, label) in enumerate(zip(votes.source.tolist(), votes.label.tolist(), strict=True)):
        expected = [log(theta[j][c][label]) for c in range(votes.k)]
        assert log_confusion[cell].tolist() == pytest.approx(expected, abs=1e-9)


tiny = vote_matrices(max_rows=8, max_sources=4, max_classes=3)
priors = st.builds(Prior, st.floats(0.5, 8), st.floats(0.01, 2))


@given(votes=tiny, prior=priors, rounds=st.integers(1, 4), tilt=st.floats(0.5, 2))
def test_leave_one_out_em_equals_the_plain_loops(votes: VoteMatrix, prior: Prior, rounds: int, tilt: float) -> None:
    sparse, k = cast(votes), len(votes.labels)
    balance = np.array([tilt, *[1.0] * (k - 1)]) / (tilt + k - 1)
    learned = leave_one_out_em(sparse, balance, prior, iterations=rounds)
    if len(votes):
        rows = votes.values.tolist()
        assert_equal(sparse, learned.log, leave_one_out(rows, k, balance.tolist(), prior, rounds))


@given(votes=tiny, prior=priors, rounds=st.integers(1, 4))
def test_full_em_equals_the_plain_loops(votes: VoteMatrix, prior: Prior, rounds: int) -> None:
    sparse, k = cast(votes), len(votes.labels)
    balance = np.full(k, 1 / k)
    learned = full_em(sparse, balance, prior, iterations=rounds, tolerance=-1.0)
    if len(votes):
        assert_equal(sparse, learned.log, full(votes.values.tolist(), k, balance.tolist(), prior, rounds))


def test_blocks_of_votes_add_up_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    sparse = cast(VoteMatrix.from_array(rng.integers(-1, 3, (200, 6)), cardinality=3))
    whole = leave_one_out_em(sparse, np.full(3, 1 / 3), Prior(6.0, 0.01)).log
    monkeypatch.setattr("weaksup.label_models.softmax._BLOCK", 40)
    assert leave_one_out_em(sparse, np.full(3, 1 / 3), Prior(6.0, 0.01)).log == pytest.approx(whole, abs=1e-12)


def test_full_em_says_whether_it_converged() -> None:
    rng = np.random.default_rng(0)
    sparse = cast(VoteMatrix.from_array(rng.integers(-1, 2, (200, 6)), cardinality=2))
    balance, prior = np.full(2, 0.5), Prior(2.0, 1.0)
    assert full_em(sparse, balance, prior, iterations=500).converged
    assert not full_em(sparse, balance, prior, iterations=2, tolerance=1e-12).converged


@given(votes=tiny)
def test_the_accuracy_of_a_vote_solves_the_agreement_of_all_pairs(votes: VoteMatrix) -> None:
    k, rows = len(votes.labels), votes.values.tolist()
    pairs = [(a, b) for row in rows for a, b in combinations([v for v in row if v >= 0], 2)]
    coin = toss(cast(votes))
    prior = 3 / (k + 2)
    if not pairs:
        assert coin.strength == 3
        assert coin.accuracy == pytest.approx(prior)
        return
    evidence = coin.strength - 3
    a = (coin.accuracy * coin.strength - 3 * prior) / evidence if evidence else 1 / k
    agreement = max(sum(x == y for x, y in pairs) / len(pairs), 1 / k)
    assert evidence == 0 or a * a + (1 - a) ** 2 / (k - 1) == pytest.approx(agreement)
    assert 1 / k < coin.accuracy < 1


@given(votes=tiny, accuracy=st.floats(0.3, 0.95), strength=st.floats(3, 50))
def test_row_evidence_is_the_beta_binomial_likelihood(votes: VoteMatrix, accuracy: float, strength: float) -> None:
    tally, k = cast(votes).tally, len(votes.labels)
    found = row_evidence(tally, OneCoin(accuracy, strength, 0))
    right, wrong = accuracy * strength, (1 - accuracy) * strength
    for row, evidence in zip(tally.tolist(), found, strict=True):
        t = sum(row)
        expected = np.array([betaln(right + n, wrong + t - n) - (t - n) * log(k - 1) for n in row])
        assert evidence - evidence[0] == pytest.approx(expected - expected[0], abs=1e-8)


@given(votes=vote_matrices())
def test_discord_is_at_most_one_and_the_balance_a_distribution(votes: VoteMatrix) -> None:
    sparse = cast(votes)
    if sparse.tally.any():
        assert discord(sparse) <= 1 + 1e-12
        balance = estimate_balance(sparse, toss(sparse))
        assert balance.sum() == pytest.approx(1)
        assert (balance > 0).all()


def test_sources_with_one_label_each_have_discord_one_and_say_nothing_of_the_balance() -> None:
    votes = np.where(np.random.default_rng(0).random((300, 4)) < 0.4, [[0, 1, 1, 0]], -1)
    sparse = cast(VoteMatrix.from_array(votes))
    assert discord(sparse) == pytest.approx(1)
    assert estimate_balance(sparse, toss(sparse)).tolist() == [0.5, 0.5]


def test_discord_is_about_zero_where_sources_have_the_same_shares() -> None:
    rng = np.random.default_rng(0)
    sparse = cast(VoteMatrix.from_array((rng.random((20000, 5)) < 0.3).astype(int)))
    assert abs(discord(sparse)) < 0.005


def crowd(m: int, labels_each: int) -> CastVotes:
    rng = np.random.default_rng(0)
    votes = rng.integers(0, 3, (400, m))
    votes = votes if labels_each > 1 else np.broadcast_to(np.arange(m) % 3, votes.shape)
    return cast(VoteMatrix.from_array(np.where(rng.random((400, m)) < 0.3, votes, -1), cardinality=3))


@pytest.mark.parametrize(("m", "labels_each", "like_a_crowd"), [(20, 3, True), (19, 3, False), (40, 1, False)])
def test_a_crowd_is_twenty_sources_that_use_several_labels(m: int, labels_each: int, like_a_crowd: bool) -> None:
    assert votes_like_a_crowd(crowd(m, labels_each)) is like_a_crowd


def simulate(
    balance: list[float], accuracies: list[float], coverage: float, n: int = 4000
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    k = len(balance)
    truth = rng.choice(k, n, p=balance)[:, None]
    shape = (n, len(accuracies))
    votes = np.where(rng.random(shape) < accuracies, truth, (truth + rng.integers(1, k, shape)) % k)
    return np.where(rng.random(shape) < coverage, votes, -1), truth[:, 0]


def test_unequal_classes_with_dense_sources_are_found_without_being_told() -> None:
    votes, truth = simulate([0.8, 0.2], [0.75, 0.78, 0.8, 0.82, 0.85, 0.88], 1.0)
    assert (LabelModel(2).fit(votes).predict(votes) == truth).mean() >= 0.96


def test_a_better_source_wins_over_a_worse_one() -> None:
    votes, _ = simulate([0.5, 0.5], [0.9, 0.9, 0.6, 0.6, 0.6], 0.6)
    fights = np.array([[0, -1, 1, -1, -1], [-1, 1, -1, -1, 0]])
    assert LabelModel(2).fit(votes).predict(fights).tolist() == [0, 1]


def test_no_vote_weighs_more_than_two_votes_of_unknown_origin() -> None:
    votes, _ = simulate([0.5, 0.5], [0.999, 0.999, 0.6, 0.6], 0.5)
    model = LabelModel(2).fit(votes)
    assert model.weights_.min() >= -2 * log(model.accuracy_ / (1 - model.accuracy_)) - 1e-9
    assert model.weights_.max() == 0


def test_single_label_sources_do_not_collapse() -> None:
    votes, truth = simulate([0.6, 0.4], [0.8] * 8, 0.5)
    votes = np.where(votes == np.arange(8) % 2, votes, -1)
    covered = (votes >= 0).any(axis=1)
    labels = LabelModel(2).fit(votes).predict(votes)
    assert (labels[covered] == truth[covered]).mean() > 0.75


def test_many_classes_are_fitted_like_few() -> None:
    votes, truth = simulate([0.05] * 20, [0.8] * 5, 0.7)
    proba = LabelModel(20).fit(votes).predict_proba(votes)
    covered = (votes >= 0).any(axis=1)
    assert proba.sum(axis=1) == pytest.approx(1)
    assert (proba.argmax(axis=1) == truth)[covered].mean() > 0.85
