"""`fit_labels` and `summarize`: what is learned from gold never judges itself."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaksup import LabelModel, MultiVotes, VoteMatrix, fit_labels
from weaksup.errors import UsageError
from weaksup.label_models import summarize


def draw(seed: int, n: int = 120) -> tuple[VoteMatrix, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    votes = np.where(rng.random((n, 4)) < 0.75, truth[:, None], 1 - truth[:, None])
    return VoteMatrix.from_array(np.where(rng.random((n, 4)) < 0.6, votes, -1)), truth


class TestLaws:
    """Whatever the votes and the gold."""

    @given(st.integers(0, 20), st.booleans(), st.sampled_from([None, "temperature", "isotonic"]), st.integers(0, 69))
    def test_a_rows_own_gold_has_no_part_in_what_judges_it(
        self, seed: int, learn: bool, calibration: str | None, row: int
    ) -> None:
        votes, truth = draw(seed)
        gold = np.where(np.arange(120) < 70, truth, -1)
        other = gold.copy()
        other[row] = 1 - gold[row]
        judged = [
            fit_labels(votes, "dawid-skene", gold=g, learn=learn, calibration=calibration).judged[row]  # type: ignore[arg-type]
            for g in (gold, other)
        ]
        assert np.allclose(judged[0], judged[1], atol=1e-12)

    @given(st.integers(0, 20), st.booleans(), st.sampled_from([None, "auto"]))
    def test_labels_are_distributions_and_learned_gold_is_their_label(
        self, seed: int, learn: bool, calibration: str | None
    ) -> None:
        votes, truth = draw(seed)
        gold = np.where(np.arange(120) % 3 == 0, truth, -1)
        fitted = fit_labels(votes, "majority", gold=gold, learn=learn, calibration=calibration)  # type: ignore[arg-type]
        assert np.allclose(fitted.soft.proba.sum(axis=1), 1)
        assert fitted.learned == (40 if learn else 0)
        if learn:
            assert (fitted.soft.hard()[::3] == truth[::3]).all()

    def test_without_learning_gold_changes_nothing(self) -> None:
        votes, truth = draw(0)
        plain, judged = fit_labels(votes), fit_labels(votes, gold=truth)
        assert (plain.soft.proba == judged.soft.proba).all()
        assert (plain.soft.proba == LabelModel(2).fit(votes).predict_proba(votes)).all()


def test_a_summary_is_json_and_scores_the_calibrated_labels() -> None:
    votes, truth = draw(3, 600)
    gold = np.where(np.arange(600) < 300, truth, -1)
    fitted = fit_labels(votes, gold=gold, learn=True, calibration="temperature")
    told = json.loads(json.dumps(summarize(fitted, votes, gold=gold), allow_nan=False))
    assert told["gold"]["calibrated"] == "temperature"
    assert told["gold"]["model"]["brier"] == pytest.approx(
        told["gold"]["calibration"]["after"]["brier"]["value"], abs=0.02
    )
    assert {source["basis"] for source in told["sources"]} == {"gold"}


@pytest.mark.parametrize("options", [{"learn": True}, {"calibration": "auto"}])
def test_learning_without_gold_on_a_row_with_a_vote_is_refused(options: dict[str, object]) -> None:
    votes, _ = draw(0)
    silent = np.where(votes.covered, -1, 0)
    for gold in (None, silent):
        with pytest.raises(UsageError, match="gold: expected a known label on at least one row with a vote"):
            fit_labels(votes, gold=gold, **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="at least one row with a vote, to score"):
        summarize(fit_labels(votes), votes, gold=np.full(120, -1))


def test_what_cannot_be_fitted_is_one_line() -> None:
    votes, truth = draw(0)
    with pytest.raises(UsageError, match="isotonic: expected gold on 50 rows or more, got 3; use temperature"):
        fit_labels(
            votes, gold=np.where(votes.covered & (np.cumsum(votes.covered) < 4), truth, -1), calibration="isotonic"
        )
    several = MultiVotes.from_array(np.zeros((2, 2, 2), np.int8), labels=["a", "b"])
    for fit in (fit_labels, LabelModel().fit):
        with pytest.raises(UsageError, match="use MultiLabelModel"):
            fit(several)  # type: ignore[arg-type]


def test_a_bare_array_is_fitted_as_its_matrix() -> None:
    votes, _ = draw(0)
    assert (fit_labels(votes.values).soft.proba == fit_labels(votes).soft.proba).all()
