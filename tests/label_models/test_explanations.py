"""Explanations: what each vote on a row adds to its label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from simulated_votes import simulate
from strategies import told_votes, vote_matrices

from weaksup import VoteMatrix
from weaksup.errors import UsageError
from weaksup.label_models import BaseLabelModel, DawidSkene, LabelModel, MajorityVote, OneCoinModel, Triplet
from weaksup.label_models.explain import Explanation, explain


def parts(row: Explanation) -> float:
    return row.balance + sum(c.nats for c in row.contributions)


@given(votes=told_votes(), place=st.integers(0, 24), kind=st.sampled_from([LabelModel, MajorityVote, DawidSkene]))
def test_an_explanation_tells_of_the_label_that_the_model_gives(
    votes: VoteMatrix, place: int, kind: type[BaseLabelModel]
) -> None:
    assume(place < len(votes))
    model = kind().fit(votes)
    row, proba = explain(model, votes, place), model.predict_proba(votes)[place]
    label = int(model.predict(votes)[place])
    assert row.label == (None if label < 0 else votes.labels.names[label])
    assert row.probability == pytest.approx(proba.max(), abs=1e-9)
    assert proba[votes.labels.index(row.runner_up)] == pytest.approx(np.sort(proba)[-2], abs=1e-9)
    said = {votes.names[j]: votes.labels.names[v] for j, v in enumerate(votes.values[place].tolist()) if v >= 0}
    assert {c.source: c.vote for c in row.contributions} == said
    assert parts(row) + row.together == pytest.approx(row.log_odds, abs=1e-9)


@given(
    votes=vote_matrices(),
    place=st.integers(0, 29),
    kind=st.sampled_from([DawidSkene, OneCoinModel, Triplet]),
    given_balance=st.booleans(),
)
def test_where_votes_are_independent_evidence_the_parts_add_up(
    votes: VoteMatrix, place: int, kind: type[BaseLabelModel], given_balance: bool
) -> None:
    assume(place < len(votes))
    k = len(votes.labels)
    balance = np.arange(1, k + 1) / (k * (k + 1) / 2)
    row = explain(kind().fit(votes, class_balance=balance.tolist() if given_balance else None), votes, place)
    assert row.together == pytest.approx(0, abs=1e-9)
    assert parts(row) == pytest.approx(row.log_odds, abs=1e-9)


def test_a_vote_adds_its_log_likelihood_ratio_and_the_balance_its_log_odds() -> None:
    values, _ = simulate([0.9, 0.8, 0.7, 0.6], n=500)
    votes = VoteMatrix.from_array(values)
    model = DawidSkene().fit(votes, class_balance=[0.2, 0.8])
    row = explain(model, votes, "7")
    first, second = votes.labels.index(row.first), votes.labels.index(row.runner_up)
    assert row.balance == pytest.approx(np.log(model.class_balance_[first] / model.class_balance_[second]))
    cells = zip(model.voters_.tolist(), model.said_.tolist(), strict=True)
    ratios = dict(zip(cells, (model.log_confusion_[:, first] - model.log_confusion_[:, second]).tolist(), strict=True))
    for c in row.contributions:
        assert c.nats == pytest.approx(ratios[votes.names.index(c.source), votes.labels.index(c.vote)])


def test_two_copies_that_count_once_share_what_they_say() -> None:
    values, _ = simulate([0.9, 0.8, 0.7, 0.8, 0.75], n=1000)
    votes = VoteMatrix.from_array(np.hstack([values, values[:, :1]]))
    model = LabelModel().fit(votes)
    assert model.groups_[5] == 0
    place = int(np.flatnonzero((values[:, 0] >= 0) & ((values >= 0).sum(axis=1) > 2))[0])
    row = {c.source: c.nats for c in explain(model, votes, place).contributions}
    assert row["source_0"] == pytest.approx(row["source_5"])
    assert row["source_0"] != 0


def test_the_strongest_vote_comes_first_and_votes_against_are_below_zero() -> None:
    values, _ = simulate([0.95, 0.8, 0.8, 0.7, 0.6], n=1000, coverage=1.0)
    votes = VoteMatrix.from_array(values)
    model = LabelModel().fit(votes)
    for place in range(50):
        row = explain(model, votes, place)
        sizes = [abs(c.nats) for c in row.contributions]
        assert sizes == sorted(sizes, reverse=True)
        assert all((c.nats > 0) == (c.vote == row.first) for c in row.contributions)


def test_a_confidence_is_named_and_moves_its_votes_part() -> None:
    values, truth = simulate([0.7, 0.8, 0.8, 0.75], n=2000, coverage=1.0)
    sure = np.full(values.shape, np.nan, np.float32)
    sure[:, 0] = np.where(values[:, 0] == truth, 0.9, 0.6)
    votes = replace(VoteMatrix.from_array(values), confidence=sure)
    model = LabelModel().fit(votes)
    assert model.slopes_[0] > 0.1
    row = explain(model, votes, 0)
    named = {c.source: c for c in row.contributions}
    assert named["source_0"].confidence == pytest.approx(float(sure[0, 0]))
    assert named["source_1"].confidence is None
    doubtful = replace(votes, confidence=np.where(np.isnan(sure), sure, np.float32(0.3)))
    other = {c.source: c for c in explain(model, doubtful, 0).contributions}
    assert abs(other["source_0"].nats - named["source_0"].nats) > 0.1
    assert abs(other["source_1"].nats) == pytest.approx(abs(named["source_1"].nats), abs=0.05)


def test_ties_and_rows_without_a_vote_have_no_label() -> None:
    votes = VoteMatrix.from_array([[0, 1], [-1, -1], [0, 0]])
    model = MajorityVote().fit(votes)
    tie, silent = explain(model, votes, 0), explain(model, votes, 1)
    assert (tie.label, tie.majority, tie.log_odds) == (None, None, 0)
    assert (silent.label, silent.contributions, silent.probability) == (None, (), 0.5)


def test_a_row_is_named_by_id_or_position_and_bare_arrays_will_do() -> None:
    values, _ = simulate([0.9, 0.8, 0.7], n=50)
    model = LabelModel().fit(values)
    assert explain(model, values, 3) == explain(model, values, "3")
    named = VoteMatrix.from_array(values, sources=["a", "b", "c"])
    fitted = LabelModel().fit(named)
    assert {c.source for c in explain(fitted, values, 3).contributions} <= set(named.names)
    assert set(explain(model, values, 3).to_json()) >= {"id", "label", "contributions", "balance", "together"}


@pytest.mark.parametrize("row", ["nobody", 50, -1])
def test_an_unknown_row_is_refused_in_one_line(row: int | str) -> None:
    values, _ = simulate([0.9, 0.8, 0.7], n=50)
    with pytest.raises(UsageError, match="explain: expected") as caught:
        explain(LabelModel().fit(values), values, row)
    assert "\n" not in str(caught.value)


def test_parts_of_many_strong_votes_add_up() -> None:
    values, _ = simulate([0.9] * 60, n=400, coverage=1.0)
    votes = VoteMatrix.from_array(values)
    row = explain(DawidSkene(2).fit(votes), votes, 0)
    assert row.log_odds > 30
    assert parts(row) == pytest.approx(row.log_odds, rel=1e-9)
