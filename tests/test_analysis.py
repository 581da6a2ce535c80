"""Analysis: Snorkel and brute force as oracles, laws of permutation, then findings and edges."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from strategies import vote_matrices

from weaksup.analysis import Analysis, LFAnalysis, analyze
from weaksup.analysis.tally import columns
from weaksup.errors import UsageError, VoteError, WeaksupError
from weaksup.labels import LabelSpace
from weaksup.metrics import wilson
from weaksup.votes import Source, VoteMatrix

SPAM = LabelSpace(["HAM", "SPAM"])


@st.composite
def judged_votes(draw: st.DrawFn) -> tuple[VoteMatrix, np.ndarray]:
    votes = draw(vote_matrices())
    return votes, draw(hnp.arrays(np.int16, len(votes), elements=st.integers(-1, len(votes.labels) - 1)))


snorkel_warns = pytest.mark.filterwarnings("ignore")  # its sparse matrices are written for an older scipy


def _snorkel(values: np.ndarray, lfs: Sequence[object] | None = None) -> Any:
    from snorkel.labeling import LFAnalysis as Oracle

    return Oracle(values.astype(np.int64), lfs)


# --- LFAnalysis against Snorkel -------------------------------------------------------------------------------------


@snorkel_warns
@given(vote_matrices())
def test_every_figure_equals_snorkels_to_the_last_bit(votes: VoteMatrix) -> None:
    if not len(votes):
        return  # Snorkel divides by zero rows
    ours, theirs = LFAnalysis(votes), _snorkel(votes.values)
    with np.errstate(all="ignore"):
        for name in ("label_coverage", "label_overlap", "label_conflict"):
            assert getattr(ours, name)() == getattr(theirs, name)(), name
        for name in ("lf_coverages", "lf_overlaps", "lf_conflicts"):
            np.testing.assert_array_equal(getattr(ours, name)(), getattr(theirs, name)(), err_msg=name)
        np.testing.assert_array_equal(ours.lf_overlaps(True), theirs.lf_overlaps(normalize_by_coverage=True))
        np.testing.assert_array_equal(ours.lf_conflicts(True), theirs.lf_conflicts(normalize_by_overlaps=True))
    assert ours.lf_polarities() == theirs.lf_polarities()


@snorkel_warns
@given(judged_votes())
@settings(max_examples=50)
def test_the_summary_equals_snorkels_when_all_gold_is_known(case: tuple[VoteMatrix, np.ndarray]) -> None:
    votes, gold = case
    if not len(votes):
        return
    gold = np.maximum(gold, 0)
    lfs = [_Named(name) for name in votes.names]
    weights = np.linspace(0.1, 0.9, len(lfs))
    theirs = _snorkel(votes.values, lfs).lf_summary(gold.astype(np.int64), weights)
    pd.testing.assert_frame_equal(LFAnalysis(votes).lf_summary(gold, weights), theirs, check_exact=True)
    pd.testing.assert_frame_equal(LFAnalysis(votes.values, lfs).lf_summary(gold, weights), theirs, check_exact=True)


class _Named:
    def __init__(self, name: str) -> None:
        self.name = name


@snorkel_warns
def test_an_array_without_names_is_numbered_as_snorkel_does() -> None:
    values = np.array([[0, -1], [1, 1], [-1, -1]])
    pd.testing.assert_frame_equal(LFAnalysis(values).lf_summary(), _snorkel(values).lf_summary(), check_exact=True)


@snorkel_warns
def test_rows_without_gold_are_left_out_where_snorkel_counts_them_as_wrong() -> None:
    values, gold = np.array([[0], [0], [0], [1]]), np.array([0, 0, 0, -1])
    assert _snorkel(values).lf_empirical_accuracies(gold).tolist() == [0.75]
    assert LFAnalysis(values).lf_empirical_accuracies(gold).tolist() == [1.0]
    assert LFAnalysis(values).lf_summary(gold)[["Correct", "Incorrect"]].to_numpy().tolist() == [[3, 0]]


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.float64])
def test_an_array_of_any_number_type_gives_the_same_summary(dtype: type) -> None:
    values = np.array([[0, -1, 1], [1, 1, -1], [-1, 0, 0]])
    pd.testing.assert_frame_equal(LFAnalysis(values.astype(dtype)).lf_summary(), LFAnalysis(values).lf_summary())


@pytest.mark.parametrize("k", [2, 10, 11, 300])
def test_many_labels_and_many_rows_are_counted_right(k: int) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(-1, k, (70_000, 3))
    analysis = LFAnalysis(VoteMatrix.from_array(values, cardinality=k))
    expected = [[int((values[:, j] == c).sum()) for c in range(k)] for j in range(3)]
    assert analysis.tally.votes.tolist() == expected
    assert analysis.lf_coverages().tolist() == (values >= 0).mean(axis=0).tolist()
    assert sum(block.shape[1] for _, block in columns(values)) == 70_000


def test_no_rows_give_zeros_not_a_crash() -> None:
    summary = LFAnalysis(np.empty((0, 2), np.int16)).lf_summary(np.empty(0, np.int64))
    assert summary[["Coverage", "Emp. Acc."]].to_numpy().tolist() == [[0, 0], [0, 0]]
    assert LFAnalysis(np.empty((0, 2), np.int16)).label_coverage() == 0


@pytest.mark.parametrize(
    "values", [np.array([0, 1]), np.array([[0.5]]), np.array([[np.nan]]), np.array([[-2]]), np.array([[70_000]])]
)
def test_what_is_no_vote_matrix_is_refused(values: np.ndarray) -> None:
    with pytest.raises((UsageError, VoteError), match="LFAnalysis: expected"):
        LFAnalysis(values)


def test_names_and_gold_of_the_wrong_length_are_refused() -> None:
    values = np.array([[0, 1]])
    with pytest.raises(UsageError, match="one LF for each of the 2 columns, got 1"):
        LFAnalysis(values, lfs=["only_one"])
    with pytest.raises(UsageError, match="gold for each of the 1 rows"):
        LFAnalysis(values).lf_summary([0, 1])


# --- analyze: laws ---------------------------------------------------------------------------------------------------


@given(judged_votes())
def test_every_count_equals_a_count_row_by_row(case: tuple[VoteMatrix, np.ndarray]) -> None:
    votes, gold = case
    a = analyze(votes, gold=gold)
    rows = votes.values.tolist()
    k, m = len(votes.labels), len(votes.sources)
    said = [[c for c in row if c >= 0] for row in rows]
    assert a.covered.hits == sum(bool(s) for s in said)
    assert a.overlapped.hits == sum(len(s) > 1 for s in said)
    assert a.conflicted.hits == sum(len(set(s)) > 1 for s in said)
    assert a.gold == sum(g >= 0 for g in gold)
    for i in range(m):
        for j in range(m):
            both = [(row[i], row[j]) for row in rows if row[i] >= 0 and row[j] >= 0]
            assert a.overlaps[i][j] == len(both)
            assert a.conflicts[i][j] == sum(x != y for x, y in both)
    winners = [_winner(s) for s in said]
    for c in range(k):
        assert a.balance[c].votes == sum(row.count(c) for row in rows)
        assert a.balance[c].sources == sum(any(row[j] == c for row in rows) for j in range(m))
        assert a.balance[c].majority == winners.count(c)
        assert a.balance[c].gold == gold.tolist().count(c)
    assert a.tied == sum(bool(s) for s in said) - sum(w is not None for w in winners)


def _winner(said: list[int]) -> int | None:
    top = Counter(said).most_common(2)
    return None if not top or (len(top) == 2 and top[0][1] == top[1][1]) else top[0][0]


@given(judged_votes())
def test_every_score_of_a_source_equals_a_count_row_by_row(case: tuple[VoteMatrix, np.ndarray]) -> None:
    votes, gold = case
    for j, source in enumerate(analyze(votes, gold=gold).sources):
        pairs = list(zip(votes.values[:, j].tolist(), gold.tolist(), strict=True))
        judged = [(v, g) for v, g in pairs if v >= 0 and g >= 0]
        right = sum(v == g for v, g in judged)
        assert source.accuracy is not None
        assert (source.accuracy.hits, source.accuracy.n) == (right, len(judged))
        assert (source.accuracy.low, source.accuracy.high) == wilson(right, len(judged))
        assert source.coverage.hits == sum(v >= 0 for v, _ in pairs)
        for score in source.labels:
            c = votes.labels.index(score.label)
            hits = sum(v == g == c for v, g in judged)
            of_votes, of_gold = sum(v == c for v, _ in judged), sum(g == c for g in gold)
            assert score.votes == sum(v == c for v, _ in pairs)
            assert score.precision == (hits / of_votes if of_votes else None)
            assert score.recall == (hits / of_gold if of_gold else None)
            assert score.f1 == (2 * hits / (of_votes + of_gold) if of_votes + of_gold else None)


@given(judged_votes(), st.randoms(use_true_random=False))
def test_shuffled_rows_give_the_same_analysis(case: tuple[VoteMatrix, np.ndarray], random: Random) -> None:
    votes, gold = case
    order = np.array(random.sample(range(len(votes)), len(votes)), np.int64)
    first = analyze(votes, gold=gold, texts=_texts)
    assert analyze(votes.take(order), gold=gold[order], texts=_texts) == first


def _texts(ids: Sequence[str]) -> dict[str, str]:
    return {i: f"text of {i}" for i in ids}


@given(judged_votes())
def test_permuted_sources_give_permuted_results(case: tuple[VoteMatrix, np.ndarray]) -> None:
    votes, gold = case
    turned = replace(votes, values=votes.values[:, ::-1].copy(), sources=votes.sources[::-1])
    first, second = analyze(votes, gold=gold), analyze(turned, gold=gold)
    assert first.overlaps == tuple(row[::-1] for row in second.overlaps[::-1])
    assert first.conflicts == tuple(row[::-1] for row in second.conflicts[::-1])
    assert first.balance == second.balance
    plain = [replace(s, examples=()) for s in first.sources]
    assert plain == [replace(s, examples=()) for s in second.sources[::-1]]
    assert {f.name for f in first.findings} == {f.name for f in second.findings}


@given(vote_matrices())
def test_a_source_that_never_votes_changes_no_count_of_the_others(votes: VoteMatrix) -> None:
    silent = np.full((len(votes), 1), -1, np.int16)
    more = replace(votes, values=np.hstack([votes.values, silent]), sources=(*votes.sources, Source("silent")))
    first, second = analyze(votes), analyze(more)
    assert (first.covered, first.overlapped, first.conflicted) == (second.covered, second.overlapped, second.conflicted)
    assert [s.conflicts for s in first.sources] == [s.conflicts for s in second.sources[:-1]]
    assert first.balance == second.balance


@given(judged_votes(), st.integers(0, 3))
def test_examples_show_what_they_claim(case: tuple[VoteMatrix, np.ndarray], size: int) -> None:
    votes, gold = case
    a = analyze(votes, gold=gold, examples=size)
    for source in a.sources:
        assert len(source.examples) == min(size, source.coverage.hits)
        wrong = [e.gold is not None and dict(e.votes)[source.name] != e.gold for e in source.examples]
        assert wrong == sorted(wrong, reverse=True)
        assert source.accuracy is not None
        assert sum(wrong) == min(size, source.accuracy.n - source.accuracy.hits)
    for fight in a.fights:
        assert len(fight.examples) == min(size, fight.rows)
        assert fight.rows == sum(rows for _, _, rows in fight.sides) > 0
        for example in fight.examples:
            said = dict(example.votes)
            assert (said[fight.first], said[fight.second]) in {side[:2] for side in fight.sides}
            assert said[fight.first] != said[fight.second]
    assert all(not example.votes for example in a.unlabeled)
    assert len(a.unlabeled) == min(4 * size, len(votes) - a.covered.hits)


@given(judged_votes())
def test_the_analysis_is_plain_json(case: tuple[VoteMatrix, np.ndarray]) -> None:
    votes, gold = case
    data = analyze(votes, gold=gold, texts=lambda ids: {}).to_json()
    assert json.loads(json.dumps(data, allow_nan=False))["rows"] == len(votes)


# --- analyze: examples and faults -------------------------------------------------------------------------------------


def test_texts_are_asked_for_once_and_only_for_the_rows_shown() -> None:
    calls: list[list[str]] = []

    def texts(ids: Sequence[str]) -> Mapping[str, str]:
        calls.append(list(ids))
        return {i: "x" * 1200 for i in ids if i != ids[0]}

    votes = VoteMatrix.from_array(np.random.default_rng(0).integers(-1, 2, (5000, 4)))
    a = analyze(votes, texts=texts, examples=2)
    parts = [*(s.examples for s in a.sources), *(f.examples for f in a.fights), a.unlabeled]
    examples = {example.id: example for part in parts for example in part}
    assert len(calls) == 1
    assert set(calls[0]) == examples.keys()
    assert len(calls[0]) == len(examples) < 40
    assert examples[calls[0][0]].text is None
    assert {(len(e.text), e.left_out) for e in examples.values() if e.text} == {(1000, 200)}


def test_no_texts_are_asked_for_when_nothing_is_shown() -> None:
    def never(ids: Sequence[str]) -> Mapping[str, str]:
        raise AssertionError(ids)

    assert analyze(VoteMatrix.from_array([[0, 1]]), texts=never, examples=0).sources[0].examples == ()


def test_rows_that_a_source_was_not_asked_about_are_not_seen_by_it() -> None:
    votes = VoteMatrix.from_array([[0], [1], [0]], ids=["a", "b", "c"]).with_source(Source("tier", "tier"), {"b": 0})
    sources = analyze(votes).sources
    assert [(s.kind, s.asked, s.coverage.hits) for s in sources] == [("lf", 3, 3), ("tier", 1, 1)]


def test_more_pairs_than_can_be_shown_keep_the_worst() -> None:
    values = np.random.default_rng(0).integers(-1, 3, (400, 16))
    a = analyze(VoteMatrix.from_array(values))
    rows = sorted((a.conflicts[i][j] for i in range(16) for j in range(i)), reverse=True)
    assert [fight.rows for fight in a.fights] == rows[:100]
    assert all(fight.both >= fight.rows for fight in a.fights)


@pytest.mark.parametrize("gold", [[0], [0, 5], [0, -2], [[0, 1]], [0.0, 1.0]])
def test_gold_of_another_shape_or_range_is_refused(gold: Any) -> None:
    with pytest.raises(UsageError, match="analyze: expected gold"):
        analyze(VoteMatrix.from_array([[0], [1]]), gold=gold)


def test_a_negative_number_of_examples_is_refused() -> None:
    with pytest.raises(WeaksupError, match="expected 0 or more examples, got -1"):
        analyze(VoteMatrix.from_array([[0], [1]]), examples=-1)


# --- findings ---------------------------------------------------------------------------------------------------------


def _findings(a: Analysis) -> dict[str, tuple[str, ...]]:
    assert all(f.says.endswith(".") and f.advice.endswith(".") and "\n" not in f.says for f in a.findings)
    return {finding.name: finding.subjects for finding in a.findings}


def _matrix(columns: Mapping[str, list[int]], labels: LabelSpace = SPAM) -> VoteMatrix:
    return VoteMatrix.from_array(np.array(list(columns.values())).T, labels=labels, sources=list(columns))


def test_healthy_votes_give_no_finding() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 2, 400)
    flip = rng.random((400, 4)) < 0.1
    values = np.where(flip, 1 - gold[:, None], gold[:, None])
    values[rng.random((400, 4)) < 0.2] = -1
    values[(values == -1).all(axis=1), 0] = 0
    assert _findings(analyze(VoteMatrix.from_array(values, labels=SPAM), gold=gold)) == {}


def test_silent_constant_and_twin_sources_and_labels_without_source_are_found() -> None:
    votes = _matrix(
        {
            "silent": [-1, -1, -1, -1],
            "also_silent": [-1, -1, -1, -1],
            "always_ham": [0, 0, 0, 0],
            "some_ham": [0, -1, -1, 0],
            "twin": [0, -1, -1, 0],
            "third_twin": [0, -1, -1, 0],
        }
    )
    found = _findings(analyze(votes))
    assert found["never-votes"] == ("silent", "also_silent")
    assert found["votes-on-everything"] == ("always_ham",)
    assert found["identical-votes"] == ("some_ham", "twin", "third_twin")
    assert found["label-without-source"] == ("SPAM",)


def test_a_source_worse_than_chance_is_a_problem_only_when_the_interval_says_so() -> None:
    gold = np.array([0] * 40 + [1] * 40)
    bad = np.where(np.arange(80) % 8, 1 - gold, gold)
    rare = np.full(80, -1)
    rare[[0, 1]] = [1, 0]  # one of two right: nothing is proven
    a = analyze(_matrix({"bad": bad.tolist(), "rare": rare.tolist(), "good": gold.tolist()}), gold=gold)
    found = [f for f in a.findings if f.name == "below-chance"]
    assert all("below:" not in f.advice and "--html" in f.advice for f in found)  # a terminal shows no rows of a source
    assert [f.subjects for f in found] == [("bad",)]
    assert found[0].level == "problem"
    assert "10 of 80" in found[0].says
    assert "50%" in found[0].says
    assert a.findings[0] is found[0]


def test_chance_for_a_rare_label_is_its_share_not_one_in_k() -> None:
    gold = np.array([1] * 10 + [0] * 90)
    votes = np.full(100, -1)
    votes[[0, 1, 2, *range(20, 27)]] = 1  # right on 30%: below 50%, yet three times better than random rows
    a = analyze(_matrix({"rare": votes.tolist(), "ham": [0] * 100}), gold=gold)
    assert "below-chance" not in _findings(a)


def test_contradicted_lonely_failed_and_few_sources_are_found() -> None:
    values = np.full((40, 3), -1, np.int16)
    values[:20, 0], values[:20, 1] = 0, 1
    values[30:35, 2] = 1
    votes = VoteMatrix.from_array(values, labels=SPAM, sources=["ham", "spam", "alone"])
    asked = np.ones((40, 3), np.bool_)
    asked[39, 2] = False
    a = analyze(replace(votes, asked=asked), gold=[0] * 10 + [-1] * 30)
    found = _findings(a)
    assert found["often-contradicted"] == ("ham", "spam")
    assert found["meets-nobody"] == ("alone",)
    assert found["failed-rows"] == ("alone",)
    assert {f.name: f.level for f in a.findings}["unlabeled-rows"] == "note"
    assert "little-gold" in found
    few = _findings(analyze(votes.take(np.arange(25, 40))))
    assert "few-sources" in few
    assert "unlabeled-rows" in few


def test_an_empty_corpus_is_one_finding() -> None:
    a = analyze(VoteMatrix.from_array(np.empty((0, 2), np.int16)))
    assert list(_findings(a)) == ["empty"]
    assert (a.rows, a.covered.share, a.covered.high) == (0, 0.0, 1.0)


def test_gold_for_no_row_is_counted_as_none() -> None:
    a = analyze(VoteMatrix.from_array([[0, 1], [1, 1]]), gold=[-1, -1])
    assert a.gold == 0
    assert a.sources[0].accuracy is not None
    assert a.sources[0].accuracy.n == 0
    assert "little-gold" in _findings(a)
