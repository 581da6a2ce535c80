"""Analysis of multi-label votes: each label as votes by itself, what is so of many labels told once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import multi_votes

from weaksup.analysis import LFAnalysis, MultiLFAnalysis, analyze, analyze_multi
from weaksup.errors import UsageError
from weaksup.multi_votes import MultiVotes

VALUES = np.full((12, 4, 3), -1)
VALUES[:4, 0, 0] = VALUES[2:6, 1, 0] = VALUES[1:5, 2, 0] = 1  # "a": three sources say PRESENT
VALUES[8, 0, 0] = 0
VALUES[:5, 1, 1] = 1  # "b": one source, PRESENT only
VALUES[0, 2, 2] = 0  # "c": never PRESENT
VOTES = MultiVotes.from_array(VALUES, labels=["a", "b", "c"], sources=["s", "t", "u", "mute"])


@given(multi_votes(), st.integers(0, 2))
def test_each_label_is_analysed_as_votes_by_itself(votes: MultiVotes, examples: int) -> None:
    gold = np.random.default_rng(0).integers(-1, 2, votes.values.shape[::2])
    whole = analyze_multi(votes, gold=gold, examples=examples)
    assert list(whole.by_label) == list(votes.labels.names)
    for c, (name, one) in enumerate(whole.by_label.items()):
        alone = analyze(votes.for_label(name, silent=False), gold=gold[:, c], examples=examples)
        assert replace(one, findings=(), unlabeled=()) == replace(alone, findings=(), unlabeled=())
        assert set(one.findings) <= set(alone.findings)
    assert whole.covered.hits == votes.covered.any(axis=1).sum()
    assert json.loads(json.dumps(whole.to_json()))["rows"] == len(votes)


def test_findings_about_many_labels_are_told_once() -> None:
    whole = analyze_multi(VOTES, gold=np.ones((12, 3), int))
    told = {finding.name: finding.subjects for finding in whole.findings}
    assert told == {
        "never-votes": ("mute",),
        "unlabeled-rows": (),
        "label-without-source": ("c",),
        "few-sources": ("b",),
        "present-only": ("b",),
        "little-gold": ("a", "b", "c"),
    }
    assert whole.by_label["c"].findings == ()
    assert len(whole.unlabeled) == 5


def test_an_empty_matrix_has_one_finding() -> None:
    empty = analyze_multi(VOTES.take(np.zeros(12, bool)))
    assert [finding.name for finding in empty.findings] == ["empty"]


def test_texts_are_looked_up_once_for_all_labels() -> None:
    calls: list[Sequence[str]] = []

    def texts(ids: Sequence[str]) -> Mapping[str, str]:
        calls.append(ids)
        return {i: "x" * 1500 for i in ids if i != "0"}

    whole = analyze_multi(VOTES, texts=texts)
    assert len(calls) == 1
    assert len(set(calls[0])) == len(calls[0])
    shown = [e for one in whole.by_label.values() for s in one.sources for e in s.examples]
    assert {e.text for e in shown if e.id == "0"} == {None}
    assert {(e.text, e.left_out) for e in shown if e.id != "0"} == {("x" * 1000, 500)}
    assert whole.unlabeled[0].text == "x" * 1000


def test_a_label_that_is_never_voted_absent_is_no_problem_in_its_own_analysis() -> None:
    names = {finding.name: finding.level for finding in analyze(VOTES.for_label("b")).findings}
    assert names["present-only"] == "note"
    assert "label-without-source" not in names


def test_the_summary_has_a_line_for_each_label_and_source_that_speaks_of_it() -> None:
    gold = np.full((12, 3), -1)
    gold[:4, 0] = 1
    table = MultiLFAnalysis(VOTES).lf_summary(Y=gold)
    assert table.index.names == ["label", "source"]
    assert list(table.index) == [("a", "s"), ("a", "t"), ("a", "u"), ("b", "t"), ("c", "u")]
    assert table["j"].tolist() == [0, 1, 2, 1, 2]
    assert table.loc[("a", "s"), "Correct"] == 4
    alone = LFAnalysis(VOTES.for_label("a")).lf_summary()
    assert table.loc["a"]["Coverage"].tolist() == alone["Coverage"].tolist()[:3]
    assert "Correct" not in MultiLFAnalysis(VOTES).lf_summary()


def test_wrong_uses_are_one_line() -> None:
    with pytest.raises(UsageError, match="use MultiLFAnalysis"):
        LFAnalysis(VOTES)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="use analyze_multi"):
        analyze(VOTES)  # type: ignore[arg-type]
    for gold in (np.ones(12, int), np.ones((12, 3))):
        with pytest.raises(UsageError, match=r"analyze: expected gold \[12, 3\]"):
            analyze_multi(VOTES, gold=gold)
    with pytest.raises(UsageError, match=r"expected gold of -1 \(not known\) to 1"):
        analyze_multi(VOTES, gold=np.full((12, 3), 2))
