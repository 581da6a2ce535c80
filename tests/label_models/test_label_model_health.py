"""Health: when a label model should not be trusted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from strategies import vote_matrices

from weaksup import VoteMatrix
from weaksup.label_models import Finding, LabelModel, MajorityVote, health
from weaksup.label_models.base import Floats2d
from weaksup.patterns import Patterns

RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 2, 400)
GOOD = np.where(RNG.random((400, 4)) < 0.85, TRUTH[:, None], 1 - TRUTH[:, None])


def names(votes: np.ndarray, k: int = 2) -> list[str]:
    return [finding.name for finding in health(LabelModel(k).fit(votes), votes)]


@given(votes=vote_matrices())
def test_health_answers_for_any_votes(votes: VoteMatrix) -> None:
    for finding in health(LabelModel().fit(votes), votes):
        assert finding.text
        assert finding.advice
        assert set(finding.to_json()) == {"name", "text", "advice", "numbers"}


def test_good_votes_have_no_finding() -> None:
    assert names(GOOD) == []


@pytest.mark.parametrize(
    ("votes", "k", "expected"),
    [
        (np.full((5, 3), -1), 2, ["no votes"]),
        (GOOD[:, :2], 2, ["few sources"]),
        (np.where(GOOD == 1, 1, -1), 2, ["one-sided"]),
        (GOOD, 3, ["label without votes"]),
        (np.hstack([GOOD, np.full((400, 1), -1)]), 2, ["source without votes"]),
    ],
)
def test_a_finding_names_what_is_wrong_with_the_votes(votes: np.ndarray, k: int, expected: list[str]) -> None:
    assert names(votes, k) == expected


class _AllOnes(MajorityVote):
    """A model that collapsed."""

    converged_: bool

    def _learn(self, patterns: Patterns, *, balance: object, gold: object) -> None:
        self.converged_ = False

    def _infer(self, patterns: Patterns) -> Floats2d:
        return np.tile([0.01, 0.99], (len(patterns), 1))


def test_a_collapsed_model_is_found_beside_majority_vote() -> None:
    found = {finding.name: finding for finding in health(_AllOnes(2).fit(GOOD), GOOD)}
    assert list(found) == ["collapse", "far from majority vote", "not converged"]
    assert found["collapse"].numbers["model"] == 1.0
    assert isinstance(found["collapse"], Finding)
    assert "--model majority" in found["collapse"].advice


def test_the_limit_of_disagreement_can_be_moved() -> None:
    found = health(_AllOnes(2).fit(GOOD), VoteMatrix.from_array(GOOD), disagreement=0.9)
    assert "far from majority vote" not in [finding.name for finding in found]
