from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from strategies import told_votes

from weaksup.errors import UsageError
from weaksup.labels import LabelSpace
from weaksup.routing import Ladder
from weaksup.routing.evidence import gather, sureness
from weaksup.routing.ladder import Answers, answers_of
from weaksup.votes import Source, VoteMatrix

NAN = float("nan")


def answers(labels: list[int], confidence: list[float] | None = None) -> Answers:
    label = np.array(labels, np.int64)
    said = np.full(len(label), NAN) if confidence is None else np.array(confidence)
    return Answers(label, label >= 0, said)


def votes_of(*columns: list[int], confidence: list[list[float]] | None = None) -> VoteMatrix:
    values = np.array(columns, np.int16).T
    return VoteMatrix(
        values,
        tuple(map(str, range(len(values)))),
        tuple(Source(f"s{j}", "tier") for j in range(values.shape[1])),
        LabelSpace(["a", "b"]),
        None,
        None if confidence is None else np.array(confidence, np.float32).T,
    )


@given(told_votes())
def test_features_and_their_spreads_agree_for_any_votes(votes: VoteMatrix) -> None:
    names = votes.names
    tiers = Ladder((names[0], "premium"), names[1:])
    evidence = gather(votes, tiers, [np.full((len(votes), len(votes.labels)), 1 / len(votes.labels))])
    features = evidence.features(np.arange(len(votes)))
    assert features.shape == (len(votes), len(votes.labels), len(evidence.spread))
    assert np.isfinite(features).all()
    assert (evidence.spread > 0).all()


@given(told_votes())
def test_sureness_is_a_rank_between_0_and_1(votes: VoteMatrix) -> None:
    for name in votes.names:
        rank = sureness(answers_of(votes, name))
        assert ((rank >= 0) & (rank <= 1)).all()


def test_sureness_follows_the_confidences_and_is_a_half_without_them() -> None:
    assert sureness(answers([0, 1, 0, -1], [0.2, 0.9, NAN, 0.99])).tolist() == [0.25, 0.75, 0.5, 0.5]
    assert sureness(answers([0, 1], [0.7, 0.7])).tolist() == [0.5, 0.5]


def test_a_source_that_is_not_there_was_never_asked() -> None:
    found = answers_of(votes_of([0, 1]), "nobody")
    assert not found.asked.any()
    assert not found.known.any()


def test_confidence_speaks_only_for_the_class_that_was_said() -> None:
    votes = votes_of([0, 1, -1], confidence=[[0.9, 0.2, NAN]])
    features = gather(votes, Ladder(("s0", "p")), []).features(np.arange(3))
    sure = features[:, :, -1]
    assert sure[0, 0] > 0 > sure[1, 1]
    assert sure[0, 1] == sure[1, 0] == 0
    assert (sure[2] == 0).all()


def test_the_premium_answers_are_no_evidence() -> None:
    one, two = (
        gather(votes_of([0, 1], said), Ladder(("s0", "s1")), []).features(np.arange(2)) for said in ([0, 0], [1, 1])
    )
    assert (one == two).all()


def test_one_tier_cannot_be_two() -> None:
    with pytest.raises(UsageError, match="expected different tiers, got a, b, a"):
        Ladder(("a", "b"), ("a",))
