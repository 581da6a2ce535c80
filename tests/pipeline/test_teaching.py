"""A student and its honest numbers: what is kept from training, and what gold may score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from weaksup.distill import load_bundle
from weaksup.labels import SoftLabels
from weaksup.pipeline.scorecard import majority_of
from weaksup.pipeline.scores import compare
from weaksup.pipeline.teaching import Lesson, keep_out, teach
from weaksup.votes import Source, VoteMatrix

TEXTS, GOLD = make_corpus(200)
IDS = tuple(f"r{i}" for i in range(200))
SOFT = SoftLabels(IDS, 0.85 * np.eye(3)[GOLD] + 0.05, np.arange(200) % 5 > 0, SPACE)


def gold_on(rows: np.ndarray) -> np.ndarray:
    return np.where(rows, GOLD, -1).astype(np.int16)


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60), st.floats(0, 1), st.integers(0, 99), st.booleans()
)
def test_what_is_kept_out_has_no_text_in_common_with_what_is_learned(
    texts: list[str], share: float, seed: int, learned: bool
) -> None:
    truth = np.where(np.random.default_rng(seed).random(len(texts)) < share, 0, -1).astype(np.int16)
    out = keep_out(texts, truth, also_learned=learned)
    inside = {text for text, kept in zip(texts, out.tolist(), strict=True) if kept}
    assert not inside & {text for text, kept in zip(texts, out.tolist(), strict=True) if not kept}
    assert not out.all()
    assert all((truth[[t == text for t in texts]] >= 0).any() for text in inside)


@pytest.mark.parametrize("gold", [np.arange(200) < 3, (GOLD == 0) & (np.arange(200) < 60), np.arange(200) == 7])
def test_few_gold_rows_or_one_class_alone_are_scored_without_promises(gold: np.ndarray, tmp_path: Path) -> None:
    lesson = Lesson(TEXTS, SOFT, truth=gold_on(gold), votes=None)
    taught = teach(lesson, keep_out(TEXTS, lesson.truth))
    assert taught.card.metrics["gold"]["rows"] == gold.sum()
    assert taught.card.thresholds is not None
    assert all(wanted["threshold"] is None for wanted in taught.card.thresholds["wanted"][1:])
    assert taught.save(tmp_path / "s") > 1000
    assert load_bundle(tmp_path / "s").metrics["gold"]["rows"] == gold.sum()


def test_labels_that_learned_from_gold_are_not_scored_by_it() -> None:
    truth = gold_on(np.arange(200) % 2 == 0)
    honest, learned = (
        teach(Lesson(TEXTS, SOFT, truth=truth, learned=learned), keep_out(TEXTS, truth)).card.metrics
        for learned in (False, True)
    )
    assert "votes_on_covered" in honest
    assert "votes_on_covered" not in learned
    assert learned["labels_learned_from_gold"]
    assert learned["gold"] == honest["gold"]


def test_a_tier_is_scored_beside_the_student_on_the_rows_that_it_answered() -> None:
    said = np.where(np.arange(200) % 3 == 0, GOLD, -1)
    said[:30] = np.where(said[:30] >= 0, (GOLD[:30] + 1) % 3, -1)
    values = np.column_stack([np.where(SOFT.covered, GOLD, -1), said]).astype(np.int16)
    votes = VoteMatrix(values, IDS, (Source("lf"), Source("model/ask", "tier")), SPACE)
    truth = gold_on(GOLD >= 0)
    out = keep_out(TEXTS, truth)
    (tier,) = teach(Lesson(TEXTS, SOFT, truth=truth, votes=votes), out).card.metrics["tiers"]
    assert tier["name"] == "model/ask"
    assert tier["rows"] == (out & (said >= 0)).sum()
    assert tier["source_correct"] == (out & (said == GOLD)).sum()


def test_ties_of_majority_vote_are_drawn_not_given_to_the_first_class() -> None:
    votes = VoteMatrix.from_array(np.tile(np.array([[0, 1]], np.int16), (300, 1)), labels=SPACE)
    first = (majority_of(votes).argmax(axis=1) == 0).mean()
    assert 0.3 < first < 0.7
    assert np.allclose(majority_of(votes)[:, :2], 0.5, atol=1e-5)


def test_majority_vote_has_one_score_wherever_it_is_told() -> None:
    values = np.column_stack([GOLD, (GOLD + np.arange(200) % 2) % 3]).astype(np.int16)  # every other row ties
    votes = VoteMatrix(values, IDS, (Source("one"), Source("other")), SPACE)
    truth = gold_on(np.arange(200) % 6 == 0)
    soft = replace(SOFT, covered=np.ones(200, np.bool_))
    taught = teach(Lesson(TEXTS, soft, truth=truth, votes=votes), keep_out(TEXTS, truth))
    assert taught.card.metrics["majority_on_covered"]["rows"] == (truth >= 0).sum()
    told = compare(soft, votes, truth)["majority"]["accuracy"]
    assert taught.card.metrics["majority_on_covered"]["accuracy"] == told
