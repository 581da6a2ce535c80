"""Weighted majority vote."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from simulated_votes import crowd_kit, simulate
from strategies import vote_matrices

from weaksup.label_models import create
from weaksup.label_models.weighted import WeightedVote
from weaksup.votes import VoteMatrix


def plain_weights(rows: list[list[int]], m: int) -> list[float]:
    right, seen = [0.0] * m, [0] * m
    for row in rows:
        said = [v for v in row if v >= 0]
        if len(said) < 2:
            continue
        most = max(said.count(v) for v in said)
        winners = {v for v in said if said.count(v) == most}
        for j, v in enumerate(row):
            if v >= 0:
                seen[j] += 1
                right[j] += (v in winners) / len(winners)
    average = (sum(right) + 1) / (sum(seen) + 1)
    return [(r + average) / (s + 1) for r, s in zip(right, seen, strict=True)]


@given(votes=vote_matrices())
def test_weights_equal_the_plain_loops_and_lie_between_0_and_1(votes: VoteMatrix) -> None:
    model = WeightedVote().fit(votes)
    assert model.weights_.tolist() == pytest.approx(plain_weights(votes.values.tolist(), len(votes.sources)))
    assert (model.weights_ > 0).all()
    assert (model.weights_ <= 1).all()


@given(votes=vote_matrices())
def test_a_class_gets_its_share_of_the_weights(votes: VoteMatrix) -> None:
    model = WeightedVote().fit(votes)
    for row, proba in zip(votes.values.tolist(), model.predict_proba(votes), strict=True):
        sums = [sum(w for w, v in zip(model.weights_, row, strict=True) if v == c) for c in range(len(votes.labels))]
        if any(v >= 0 for v in row):
            assert proba == pytest.approx(np.array(sums) / sum(sums))


@pytest.mark.parametrize("k", [2, 4])
def test_weights_and_labels_are_those_of_crowd_kits_wawa(k: int) -> None:
    votes, _ = simulate([0.9, 0.8, 0.7, 0.6, 0.55, 0.5], k=k)
    votes = votes[(votes >= 0).sum(axis=1) >= 2]
    skills = crowd_kit("Wawa", votes).skills_.sort_index().to_numpy()
    model = WeightedVote(k).fit(votes)
    assert model.weights_ == pytest.approx(skills, abs=0.04)  # it breaks ties at once, we count each in part
    scores = ((votes[:, :, None] == np.arange(k)) * skills[:, None]).sum(axis=1)
    assert (model.predict(votes) == scores.argmax(axis=1)).mean() > 0.97


def test_better_sources_weigh_more_and_break_ties() -> None:
    votes, truth = simulate([0.95, 0.9, 0.6, 0.6, 0.55], n=4000)
    weighted, majority = (create(name, 2).fit(votes) for name in ("weighted", "majority"))
    assert isinstance(weighted, WeightedVote)
    assert set(np.argsort(weighted.weights_)[-2:].tolist()) == {0, 1}
    better, plain = (
        (model.predict(votes, tie_break_policy="random") == truth).mean() for model in (weighted, majority)
    )
    assert better > plain + 0.02


def test_gold_rows_count_in_place_of_the_majority() -> None:
    votes = np.array([[0, 1, 1]] * 50)
    assert WeightedVote(2).fit(votes).weights_[0] < 0.1
    assert WeightedVote(2).fit(votes, gold=[0] * 50).weights_.argmax() == 0
    wrong = WeightedVote(2).fit(np.array([[0, 0]] * 5), gold=[1] * 5)
    assert np.isfinite(wrong.predict_proba([[0, 1], [0, 0]])).all()


def test_gold_outweighs_sources_that_are_their_own_majority() -> None:
    truth = np.arange(400) % 2
    votes = np.column_stack([truth, 1 - truth, 1 - truth])
    gold = np.where(np.arange(400) < 100, truth, -1)
    model = WeightedVote(2).fit(votes, gold=gold)
    assert model.weights_[1:].sum() < model.weights_[0]
    assert (model.predict(votes) == truth).all()
    assert (WeightedVote(2).fit(votes).predict(votes) != truth).all()
