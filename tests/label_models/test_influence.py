"""Influence: what happens to the labels without one source."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_votes import simulate
from strategies import told_votes

from weaksup import VoteMatrix
from weaksup.errors import UsageError, WeaksupError
from weaksup.label_models import (
    BaseLabelModel,
    DawidSkene,
    LabelModel,
    MajorityVote,
    accuracy_intervals,
    balance_sensitivity,
    health,
)
from weaksup.label_models.explain import explain
from weaksup.label_models.influence import influence
from weaksup.label_models.what_if import silence


@given(
    votes=told_votes(),
    kind=st.sampled_from([LabelModel, MajorityVote, DawidSkene]),
    options=st.sampled_from(["", "gold", "balance", "both"]),
)
@settings(max_examples=60)
def test_influence_is_what_fitting_by_hand_without_the_source_gives(
    votes: VoteMatrix, kind: type[BaseLabelModel], options: str
) -> None:
    k, n = len(votes.labels), len(votes)
    more: dict[str, Any] = {}
    if options in ("gold", "both"):
        more["gold"] = np.arange(n) % (k + 1) - 1
    if options in ("balance", "both"):
        more["class_balance"] = (np.arange(1, k + 1) / (k * (k + 1) / 2)).tolist()
    model = kind().fit(votes, **more)
    before = model.predict(votes)
    found = {s.source: s for s in influence(model, votes)}
    for j, name in enumerate(votes.names):
        quiet = silence(votes, np.array([j]))
        after = kind().fit(quiet, **more).predict(quiet)
        lost = votes.covered & ~quiet.covered
        s = found[name]
        assert s.votes == (votes.values[:, j] >= 0).sum()
        assert s.uncovered == lost.sum()
        assert s.changed == ((before >= 0) & (after >= 0) & (before != after)).sum()
        assert s.undecided == ((before >= 0) & (after < 0) & ~lost).sum()
        assert s.decided == ((before < 0) & (after >= 0)).sum()


def test_the_source_that_turns_most_labels_comes_first() -> None:
    values, _ = simulate([0.7, 0.7, 0.7, 0.7, 0.95], n=1000, coverage=0.5)
    found = influence(LabelModel().fit(values), values)
    assert [s.changed for s in found] == sorted((s.changed for s in found), reverse=True)
    assert found[0].source == "source_4"
    assert found[0].to_json()["changed"] == found[0].changed > 0


def test_sources_can_be_chosen_and_the_model_stays_as_it_was() -> None:
    values, _ = simulate([0.9, 0.8, 0.7, 0.6], n=300)
    model = LabelModel().fit(values)
    before = model.predict_proba(values)
    assert [s.source for s in influence(model, values, sources=["source_2"])] == ["source_2"]
    assert (model.predict_proba(values) == before).all()
    with pytest.raises(UsageError, match='got "nobody"'):
        influence(model, values, sources=["nobody"])


def _row_zero(model: BaseLabelModel, votes: Any) -> object:
    return explain(model, votes, 0)


@pytest.mark.parametrize("kind", [LabelModel, MajorityVote])
@pytest.mark.parametrize("ask", [influence, health, balance_sensitivity, accuracy_intervals, _row_zero])
@pytest.mark.parametrize("wrong", ["order", "sources", "classes", "bare sources", "bare classes"])
def test_votes_of_other_sources_or_classes_are_refused_as_predict_proba_refuses_them(
    kind: type[BaseLabelModel], ask: Any, wrong: str
) -> None:
    values, _ = simulate([0.9, 0.8, 0.7], n=60, coverage=1.0)
    model = kind().fit(VoteMatrix.from_array(values, sources=["a", "b", "c"]))
    wider, third = np.hstack([values, values[:, :1]]), np.where(values == 1, 2, values)
    votes: Any = {
        "order": VoteMatrix.from_array(values[:, ::-1], sources=["c", "b", "a"]),
        "sources": VoteMatrix.from_array(wider, sources=["a", "b", "c", "d"]),
        "classes": VoteMatrix.from_array(third, sources=["a", "b", "c"]),
        "bare sources": wider,
        "bare classes": third,
    }[wrong]
    with pytest.raises(WeaksupError) as expected:
        model.predict_proba(votes)
    with pytest.raises(WeaksupError) as refused:
        ask(model, votes)
    assert (type(refused.value), str(refused.value)) == (type(expected.value), str(expected.value))
    assert "\n" not in str(refused.value)
