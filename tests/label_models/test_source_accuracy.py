"""Accuracies of sources with intervals: measured, or the model's opinion."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_votes import simulate
from strategies import told_votes

from weaksup import VoteMatrix
from weaksup.label_models import LabelModel
from weaksup.label_models.source_accuracy import accuracy_intervals
from weaksup.metrics import wilson


@given(votes=told_votes(), known=st.booleans())
def test_every_accuracy_lies_in_its_interval_and_says_what_it_is(votes: VoteMatrix, known: bool) -> None:
    k, n = len(votes.labels), len(votes)
    gold = np.arange(n) % (k + 1) - 1
    model = LabelModel().fit(votes)
    found = accuracy_intervals(model, votes, gold=gold if known else None)
    believed = model.source_accuracies(votes)
    for j, (a, name) in enumerate(zip(found, votes.names, strict=True)):
        said = votes.values[:, j]
        judged = (said >= 0) & (gold >= 0)
        assert (a.source, set(a.to_json())) == (
            name,
            {"source", "votes", "accuracy", "low", "high", "basis"},
        )
        if known and judged.any():
            hits = int((said == gold)[judged].sum())
            assert (a.basis, a.votes, a.accuracy) == ("gold", judged.sum(), hits / judged.sum())
            assert (a.low, a.high) == wilson(hits, a.votes)
        elif not (said >= 0).any():
            assert np.isnan(a.accuracy)
            assert (a.votes, a.low, a.high) == (0, 0.0, 1.0)
        else:
            assert (a.basis, a.votes) == ("opinion", (said >= 0).sum())
            assert a.accuracy == pytest.approx(believed[j])
            assert 0 <= a.low <= a.accuracy <= a.high <= 1


def test_more_sources_narrow_the_models_opinion_and_more_rows_hardly_do() -> None:
    def width(m: int, n: int) -> float:
        values, _ = simulate([0.8] * m, n=n)
        found = accuracy_intervals(LabelModel().fit(values), values)
        return float(np.mean([a.high - a.low for a in found]))

    assert width(40, 2000) < 0.7 * width(6, 2000)
    assert width(6, 20000) == pytest.approx(width(6, 2000), rel=0.1)


def test_opinions_of_sources_that_err_on_their_own_hold_the_truth() -> None:
    for seed in range(5):
        values, truth = simulate([0.9, 0.8, 0.7, 0.75, 0.6, 0.85], n=2000, seed=seed)
        for j, a in enumerate(accuracy_intervals(LabelModel().fit(values), values)):
            said = values[:, j]
            assert a.low <= (said == truth)[said >= 0].mean() <= a.high


def test_few_votes_have_a_wide_interval_however_sure_the_model_is() -> None:
    values, _ = simulate([0.95] * 6, n=500, coverage=1.0)
    values[3:, 5] = -1
    few = accuracy_intervals(LabelModel().fit(values), values)[5]
    assert few.votes == 3
    assert few.high - few.low > 0.4


def test_votes_without_rows_have_no_accuracy() -> None:
    votes = VoteMatrix.from_array(np.empty((0, 2), int))
    assert [a.votes for a in accuracy_intervals(LabelModel().fit(votes), votes)] == [0, 0]


def test_an_opinion_is_the_mean_of_the_probabilities_that_the_model_gives_confidences_heeded() -> None:
    values, truth = simulate([0.7, 0.8, 0.8, 0.75], n=1000, coverage=0.8)
    sure = np.where(values == truth[:, None], np.float32(0.9), np.float32(0.2))
    votes = replace(VoteMatrix.from_array(values), confidence=sure)
    model = LabelModel().fit(votes)
    proba = model.predict_proba(votes)
    for j, a in enumerate(accuracy_intervals(model, votes)):
        rows = np.flatnonzero(values[:, j] >= 0)
        assert a.accuracy == pytest.approx(proba[rows, values[rows, j]].mean())
        assert a.accuracy == pytest.approx(model.source_accuracies(votes)[j])


def test_the_accuracy_of_a_silent_source_is_null_in_json() -> None:
    values, _ = simulate([0.8, 0.7, 0.8], n=50)
    values[:, 1] = -1
    silent = [a.to_json() for a in accuracy_intervals(LabelModel().fit(values), values)][1]
    assert silent["accuracy"] is None
    assert json.loads(json.dumps(silent, allow_nan=False)) == silent
