"""Health: when a label model should not be trusted."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_votes import simulate
from strategies import told_votes

from weaksup import Source, VoteMatrix
from weaksup.label_models import BaseLabelModel, DawidSkene, Finding, LabelModel, MajorityVote, OneCoinModel, health
from weaksup.label_models.base import Floats2d
from weaksup.label_models.health import balance_sensitivity
from weaksup.label_models.what_if import read_rows
from weaksup.patterns import Patterns

RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 2, 400)
GOOD = np.where(RNG.random((400, 4)) < 0.85, TRUTH[:, None], 1 - TRUTH[:, None])
KINDS = [LabelModel, MajorityVote, DawidSkene, OneCoinModel]


def found(model: BaseLabelModel, votes: Any, **more: Any) -> dict[str, Finding]:
    findings = health(model, votes, **more)
    once = [f.name for f in findings if f.name not in {"poor answers", "contradicting answers", "label without votes"}]
    assert len(set(once)) == len(once)
    return {finding.name: finding for finding in findings}


def names(votes: np.ndarray, k: int = 2) -> list[str]:
    return [finding.name for finding in health(LabelModel(k).fit(votes), votes)]


def positives(seed: int, n: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    """Draw five sources that find positives, a tenth of the rows, and nothing else."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.1).astype(np.int64)
    recall, alarm = rng.uniform(0.3, 0.7, 5), rng.uniform(0.02, 0.06, 5)
    return truth, np.where(rng.random((n, 5)) < np.where(truth[:, None] == 1, recall, alarm), 1, -1)


@given(votes=told_votes(), known=st.booleans(), kind=st.sampled_from(KINDS))
def test_health_answers_for_any_votes(votes: VoteMatrix, known: bool, kind: type[BaseLabelModel]) -> None:
    gold = np.arange(len(votes)) % (len(votes.labels) + 1) - 1
    for finding in health(kind().fit(votes), votes, gold=gold if known else None):
        assert finding.text
        assert finding.advice
        assert set(finding.to_json()) == {"name", "text", "advice", "numbers"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("k", "coverage", "m"), [(2, 1.0, 6), (2, 0.4, 5), (3, 0.6, 10), (5, 0.3, 25)])
def test_good_votes_have_no_finding(kind: type[BaseLabelModel], k: int, coverage: float, m: int) -> None:
    for seed in range(2):
        accuracies = np.random.default_rng(seed).uniform(0.6, 0.95, m).tolist()
        votes, truth = simulate(accuracies, k=k, n=800, coverage=coverage, seed=seed)
        model = kind().fit(votes)
        assert found(model, votes) == {}
        assert found(model, votes, gold=truth) == {}


def test_functions_for_one_label_each_with_a_good_tier_beside_them_have_no_finding() -> None:
    votes, truth = simulate([0.8, 0.85, 0.75, 0.9, 0.8, 0.85], k=3, n=1500, coverage=0.8)
    single = VoteMatrix.from_array(np.where(votes == np.arange(6) % 3, votes, -1))
    asked = np.flatnonzero(single.values.max(axis=1) < 0)[:150]
    answers = {single.ids[i]: int(truth[i]) if i % 12 else int(truth[i] + 1) % 3 for i in asked.tolist()}
    whole = single.with_source(Source("cheap", "tier"), answers)
    assert found(LabelModel().fit(single), single) == {}
    assert found(LabelModel().fit(whole), whole) == {}


@pytest.mark.parametrize(
    ("votes", "k", "expected"),
    [
        (np.full((5, 3), -1), 2, ["no votes"]),
        (GOOD[:, :2], 2, ["few sources"]),
        (np.where(GOOD == 1, 1, -1), 2, ["one-sided"]),
        (GOOD, 3, ["label without votes"]),
        (GOOD, 5, ["label without votes"]),
        (np.hstack([GOOD, np.full((400, 1), -1)]), 2, ["source without votes"]),
        (np.hstack([GOOD, GOOD[:, :1]]), 2, ["copies"]),
        (np.hstack([GOOD[:, :2], GOOD[:, :1]]), 2, ["few sources", "far from majority vote", "copies"]),
        (np.hstack([GOOD, np.where(RNG.random((400, 1)) < 0.8, 1 - TRUTH[:, None], -1)]), 2, ["worse than chance"]),
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
    findings = found(_AllOnes(2).fit(GOOD), GOOD)
    assert list(findings) == ["collapse", "far from majority vote", "not converged"]
    assert findings["collapse"].numbers["model"] == 1.0
    assert "--model majority" in findings["collapse"].advice


def test_gold_says_which_of_model_and_majority_vote_is_right_where_they_differ() -> None:
    far = found(_AllOnes(2).fit(GOOD), GOOD, gold=TRUTH)["far from majority vote"]
    assert far.numbers["majority_right"] > far.numbers["model_right"]
    assert far.numbers["judged"] == far.numbers["rows"]
    assert "majority vote on" in far.text


def test_the_limit_of_disagreement_can_be_moved() -> None:
    assert "far from majority vote" not in found(_AllOnes(2).fit(GOOD), VoteMatrix.from_array(GOOD), disagreement=0.9)


def test_positive_only_functions_are_found_where_no_balance_is_given() -> None:
    for seed in range(3):
        _, votes = positives(seed)
        finding = found(LabelModel(2).fit(votes), votes)["one-sided"]
        assert 'every covered row is labeled "1"' in finding.text
        assert "--class-balance" in finding.advice


def test_positive_only_functions_report_the_balance_that_is_given_within_five_points() -> None:
    for seed in range(3):
        truth, votes = positives(seed)
        model = LabelModel(2).fit(votes, class_balance=[0.9, 0.1])
        assert model.predict_proba(votes)[:, 1].mean() == pytest.approx(truth.mean(), abs=0.05)
        labels = model.predict(votes, tie_break_policy="random")
        assert (labels == 1).mean() == pytest.approx(truth.mean(), abs=0.05)
        assert found(model, votes) == {}


def test_a_model_that_lets_one_sided_votes_have_their_way_is_found_in_spite_of_the_balance() -> None:
    _, votes = positives(0)
    finding = found(MajorityVote(2).fit(votes, class_balance=[0.9, 0.1]), votes)["one-sided"]
    assert "the model does not let the class balance change that" in finding.text
    assert "default model" in finding.advice


def test_a_class_balance_that_the_votes_contradict_is_a_prior_mismatch() -> None:
    rng = np.random.default_rng(1)
    truth = (rng.random(1000) < 0.13).astype(np.int64)
    votes = np.where(rng.random((1000, 6)) < 0.85, truth[:, None], 1 - truth[:, None])
    right = LabelModel().fit(votes, class_balance=[0.87, 0.13])
    swapped = LabelModel().fit(votes, class_balance=[0.13, 0.87])
    assert found(right, votes) == {}
    mismatch = found(swapped, votes)["prior mismatch"]
    assert mismatch.numbers["balance"] == pytest.approx(0.13)
    assert mismatch.numbers["votes"] == pytest.approx((votes == 0).mean(), abs=0.06)
    assert "--class-balance" in mismatch.advice


@pytest.mark.parametrize("coverage", [1.0, 0.5])
def test_a_mismatch_says_what_the_votes_speak_for_and_not_what_the_doubted_balance_makes_of_it(coverage: float) -> None:
    rng = np.random.default_rng(3)
    truth = (rng.random(2000) < 0.1).astype(np.int64)
    votes = np.where(rng.random((2000, 5)) < 0.9, truth[:, None], 1 - truth[:, None])
    votes[rng.random(2000) >= coverage] = -1
    mismatch = found(LabelModel(2).fit(votes, class_balance=[0.1, 0.9]), votes)["prior mismatch"]
    assert (mismatch.numbers["label"], mismatch.numbers["balance"]) == ("0", pytest.approx(0.1))
    covered = votes[(votes >= 0).all(axis=1)]
    assert mismatch.numbers["votes"] == pytest.approx((covered.mean(axis=1) < 0.5).mean(), abs=0.08)


@pytest.mark.parametrize(("accuracy", "coverage"), [(0.7, 1.0), (0.6, 1.0), (0.7, 0.2), (0.9, 0.3)])
def test_weak_or_few_votes_do_not_contradict_a_balance_that_is_right(accuracy: float, coverage: float) -> None:
    rng = np.random.default_rng(3)
    truth = (rng.random(2000) < 0.05).astype(np.int64)
    votes = np.where(rng.random((2000, 5)) < accuracy, truth[:, None], 1 - truth[:, None])
    votes = np.where(rng.random((2000, 5)) < coverage, votes, -1)
    assert "prior mismatch" not in found(LabelModel(2).fit(votes, class_balance=[0.95, 0.05]), votes)


def test_functions_that_seek_the_rare_class_do_not_contradict_a_balance_that_is_right() -> None:
    rng = np.random.default_rng(3)
    truth = (rng.random(3000) < 0.15).astype(np.int64)
    fires = rng.random((3000, 6)) < np.where(truth[:, None] == 1, [0.5] * 5 + [0.0], [0.02] * 5 + [0.1])
    votes = np.where(fires, [1] * 5 + [0], -1)
    assert "prior mismatch" not in found(LabelModel(2).fit(votes, class_balance=[0.85, 0.15]), votes)


def test_of_many_rows_a_sample_is_tried_under_other_balances_and_speaks_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    truth = (rng.random(4000) < 0.3).astype(np.int64)
    weak = np.where(rng.random((4000, 2)) < 0.6, truth[:, None], 1 - truth[:, None])
    matrix = VoteMatrix.from_array(np.hstack([weak, np.where(rng.random((4000, 1)) < 0.3, 1, -1)]))
    matrix = replace(matrix, confidence=np.full((4000, 3), 0.5, np.float32))  # which says nothing
    model = LabelModel().fit(matrix)
    whole = balance_sensitivity(model, matrix, odds=(2 / 3, 3 / 2))
    monkeypatch.setattr(sys.modules[health.__module__], "_MOST_ROWS", 2000)
    finding = found(model, matrix)["class balance matters"]
    assert finding.numbers == found(model, matrix)["class balance matters"].numbers
    assert "about" in finding.text
    for sampled, exact in zip(finding.numbers["shifts"], whole, strict=True):
        assert sampled["changed"] == pytest.approx(exact.changed, abs=0.05 * exact.labels)
        assert sampled["labels"] == pytest.approx(exact.labels, rel=0.05)


@pytest.mark.parametrize("sure", [False, True])
def test_a_sample_of_rows_is_drawn_evenly_and_always_the_same(sure: bool) -> None:
    values, _ = simulate([0.8] * 14, k=3, n=6000)
    values[:2000] = values[0]
    matrix = VoteMatrix.from_array(values)
    if sure:
        matrix = replace(matrix, confidence=np.full(values.shape, 0.5, np.float32))
    rows = read_rows(MajorityVote().fit(matrix), matrix)
    sample, again = rows.sample(600), rows.sample(600)
    assert (sample.values == again.values).all()
    assert sample.counts.sum() == 600
    assert len(sample.counts) <= 600
    equal = (sample.values == values[0]).all(axis=1)
    assert sample.counts[equal].sum() == pytest.approx(200, abs=1)
    assert sample.counts @ (sample.values == 2) / 600 == pytest.approx((values == 2).mean(axis=0), abs=0.06)
    assert rows.sample(6000) is rows


class _Counting(LabelModel):
    """A default model that counts how often it weighs votes."""

    weighed = 0

    def _evidence(self, patterns: Patterns) -> Floats2d:
        type(self).weighed += 1
        return super()._evidence(patterns)


def test_health_weighs_the_votes_a_few_times_however_many_balances_it_tries() -> None:
    votes, _ = simulate([0.8] * 6, k=8, n=500)
    model = _Counting().fit(votes)
    _Counting.weighed = 0
    health(model, votes)
    assert _Counting.weighed <= 4


@pytest.mark.parametrize("seed", range(3))
def test_a_class_balance_given_is_met_or_health_says_so(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    votes, _ = simulate([0.92] * 60, n=400, coverage=1.0, seed=seed)
    model = LabelModel().fit(votes, class_balance=[0.4, 0.6])
    assert model.converged_
    assert "not converged" not in found(model, votes)
    monkeypatch.setattr("weaksup.label_models.default.match_balance", lambda balance, *_: np.log(balance))
    finding = found(LabelModel().fit(votes, class_balance=[0.4, 0.6]), votes)["not converged"]
    assert "class balance given is not met" in finding.text


def test_copies_are_judged_by_rows_and_not_by_patterns() -> None:
    both = np.hstack([GOOD, GOOD[:, :1]])
    rare = both[:8].copy()
    rare[:, 4] = -1  # eight patterns of their own in a thousand rows hide no twin
    votes = np.vstack([np.tile(both, (3, 1)), rare])
    assert found(LabelModel().fit(votes), votes)["copies"].numbers == {"groups": [["source_0", "source_4"]]}


class _AssumesTooMuch(DawidSkene):
    """A model whose balance is off and tips many rows."""

    def _learn(self, patterns: Patterns, *, balance: Any, gold: Any) -> None:
        super()._learn(patterns, balance=balance, gold=gold)
        if balance is None:
            self.class_balance_ = np.array([0.01, 0.99])


def test_a_balance_that_was_assumed_is_a_mismatch_only_where_it_decides_labels() -> None:
    rng = np.random.default_rng(1)
    truth = (rng.random(1000) < 0.5).astype(np.int64)
    weak = np.where(rng.random((1000, 4)) < 0.85, truth[:, None], 1 - truth[:, None])
    assert "prior mismatch" in found(_AssumesTooMuch().fit(weak), weak)
    assert "prior mismatch" not in found(DawidSkene().fit(weak), weak)


def test_labels_that_hang_on_a_balance_nobody_gave_are_found() -> None:
    rng = np.random.default_rng(1)
    truth = (rng.random(2000) < 0.3).astype(np.int64)
    # Two sources that speak on every row and settle little, and one for the rarer class: their patterns lie close.
    weak = np.where(rng.random((2000, 2)) < 0.6, truth[:, None], 1 - truth[:, None])
    votes = np.hstack([weak, np.where(rng.random((2000, 1)) < 0.3, 1, -1)])
    model = LabelModel().fit(votes)
    matters = found(model, votes)["class balance matters"]
    assert "would change" in matters.text
    assert matters.numbers["shifts"] == [s.to_json() for s in balance_sensitivity(model, votes, odds=(2 / 3, 3 / 2))]
    assert "class balance matters" not in found(LabelModel().fit(votes, class_balance=[0.7, 0.3]), votes)


@pytest.mark.parametrize("kind", KINDS)
def test_no_shift_of_the_balance_changes_no_label(kind: type[BaseLabelModel]) -> None:
    for given_balance in (None, [0.3, 0.7]):
        votes, _ = simulate([0.7, 0.65, 0.8, 0.6], n=600)
        model = kind().fit(votes, class_balance=given_balance)
        assert [s.changed for s in balance_sensitivity(model, votes, odds=(1.0,))] == [0]


def test_the_labels_that_change_are_those_that_fitting_with_that_balance_changes() -> None:
    votes, _ = simulate([0.8, 0.75, 0.7, 0.8, 0.7], n=2000)
    model = LabelModel().fit(votes)
    before = model.predict(votes)
    shifts = balance_sensitivity(model, votes)
    assert [round(s.share, 2) for s in shifts] == sorted(round(s.share, 2) for s in shifts)
    for s in shifts:
        balance = [s.share, 1 - s.share] if s.label == "0" else [1 - s.share, s.share]
        after = LabelModel().fit(votes, class_balance=balance).predict(votes)
        changed = ((after != before) & (before >= 0)).sum()
        assert s.changed == pytest.approx(changed, abs=0.02 * s.labels)
        assert s.labels == (before >= 0).sum()
        assert set(s.to_json()) == {"label", "now", "share", "changed", "labels"}


def test_majority_vote_does_not_depend_on_the_balance_and_many_classes_show_the_largest() -> None:
    votes, _ = simulate([0.8] * 5, k=8, n=500)
    assert {s.changed for s in balance_sensitivity(MajorityVote().fit(votes), votes)} == {0}
    assert len({s.label for s in balance_sensitivity(LabelModel().fit(votes), votes)}) == 5
    nothing = np.full((4, 3), -1)
    assert balance_sensitivity(LabelModel(2).fit(nothing), nothing) == []


def test_copies_of_one_told_group_are_no_finding() -> None:
    told = VoteMatrix.from_array(np.hstack([GOOD, GOOD[:, :1]]))
    sources = tuple(replace(s, group="one" if j in (0, 4) else "") for j, s in enumerate(told.sources))
    told = replace(told, sources=sources)
    assert found(LabelModel().fit(told), told) == {}


def test_copies_are_named_and_other_models_count_each_of_them() -> None:
    votes = np.hstack([GOOD, GOOD[:, :1]])
    assert found(LabelModel().fit(votes), votes)["copies"].numbers == {"groups": [["source_0", "source_4"]]}
    copies = found(MajorityVote().fit(votes), votes)["copies"]
    assert "source_0 = source_4" in copies.text
    assert "the model counts every one" in copies.text


def test_a_source_worse_than_chance_is_measured_where_gold_is_given() -> None:
    votes = np.hstack([GOOD, 1 - GOOD[:, :1]])
    for gold, measured in ((None, False), (TRUTH, True), (np.where(np.arange(400) < 20, TRUTH, -1), False)):
        finding = found(LabelModel().fit(votes), votes, gold=gold)["worse than chance"]
        (bad,) = finding.numbers["sources"]
        assert (bad["source"], bad["measured"]) == ("source_4", measured)
        assert bad["low"] <= bad["accuracy"] <= bad["high"] < bad["chance"]
        assert ("measured" in finding.text) == measured


def test_a_rare_label_found_better_than_at_random_is_not_worse_than_chance() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(2000) < 0.05).astype(np.int64)
    votes = np.where(rng.random((2000, 5)) < 0.9, truth[:, None], 1 - truth[:, None])
    rare = np.where(rng.random(2000) < np.where(truth == 1, 0.6, 0.1), 1, -1)  # right on a quarter of its votes
    votes = np.hstack([votes, rare[:, None]])
    assert "worse than chance" not in found(LabelModel().fit(votes), votes, gold=truth)


def asked_tier(accuracy: float, kind: Any = "tier") -> tuple[VoteMatrix, np.ndarray]:
    votes, truth = simulate([0.8, 0.8, 0.75, 0.85, 0.8], n=2000, coverage=0.5, seed=2)
    matrix = VoteMatrix.from_array(votes)
    proba = LabelModel().fit(matrix).predict_proba(matrix)
    hard = np.argsort(proba.max(axis=1), kind="stable")[:300]
    right = np.random.default_rng(1).random(2000) < accuracy
    answers = {matrix.ids[i]: int(truth[i] if right[i] else 1 - truth[i]) for i in hard.tolist()}
    return matrix.with_source(Source("cheap", kind), answers), truth


@pytest.mark.parametrize("kind", KINDS)
def test_a_tier_that_is_worse_than_the_functions_is_found_when_measured(kind: type[BaseLabelModel]) -> None:
    poor, truth = asked_tier(0.3)
    finding = found(kind().fit(poor), poor, gold=truth)["poor answers"]
    assert finding.numbers["accuracy"] == pytest.approx(0.3, abs=0.06)
    assert 'tier "cheap"' in finding.text
    assert "with gold" in finding.text


@pytest.mark.parametrize("kind", ["tier", "person"])
def test_a_tier_or_person_of_the_accuracy_it_is_taken_for_is_no_finding(kind: str) -> None:
    good, truth = asked_tier(0.93, kind)
    model = LabelModel().fit(good)
    assert found(model, good) == {}
    assert found(model, good, gold=truth) == {}


def test_a_tier_that_contradicts_sure_functions_is_found_without_gold() -> None:
    votes, truth = simulate([0.9, 0.9, 0.85, 0.9, 0.9], n=2000, coverage=0.9, seed=2)
    matrix = VoteMatrix.from_array(votes)
    for accuracy, poor in ((0.55, True), (0.9, False)):
        right = np.random.default_rng(0).random(2000) < accuracy
        answers = {matrix.ids[i]: int(truth[i] if right[i] else 1 - truth[i]) for i in range(0, 2000, 3)}
        whole = matrix.with_source(Source("cheap", "tier"), answers)
        findings = found(LabelModel().fit(whole), whole)
        assert ("contradicting answers" in findings) == poor
        if poor:
            numbers: Mapping[str, Any] = findings["contradicting answers"].numbers
            assert numbers["agree"] < 0.6 < 0.8 < numbers["expected"]
            assert "poor answers" in found(LabelModel().fit(whole), whole, gold=truth)


def test_confidences_are_heeded_and_names_of_sources_known() -> None:
    votes, truth = simulate([0.7, 0.8, 0.8, 0.75], n=1000, coverage=1.0)
    sure = np.where(votes == truth[:, None], np.float32(0.9), np.float32(0.1))
    matrix = replace(VoteMatrix.from_array(votes, sources=["a", "b", "c", "d"]), confidence=sure)
    model = LabelModel().fit(matrix)
    far = found(model, matrix, disagreement=0.0)["far from majority vote"]
    majority = MajorityVote().fit(matrix).predict(matrix)
    labels = model.predict(matrix)
    assert far.numbers["rows"] == ((labels != majority) & (labels >= 0) & (majority >= 0)).sum()
    assert health(model, votes, disagreement=0.5) == []  # a bare array, of a model that knows names


def test_gold_says_when_majority_vote_is_better() -> None:
    model = OneCoinModel(2).fit(GOOD)
    model.accuracies_ = 1 - model.accuracies_  # a model that turns every vote around
    finding = found(model, GOOD, gold=TRUTH)["majority vote is better"]
    assert finding.numbers["majority"] > 0.9 > 0.1 > finding.numbers["model"]
    assert "majority vote is better" not in found(model, GOOD)
    assert "majority vote is better" not in found(MajorityVote(2).fit(GOOD), GOOD, gold=TRUTH)
