"""Label models side by side on the same votes."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from simulated_votes import simulate
from strategies import told_votes, vote_matrices

from weaksup.cli.compare_text import tell
from weaksup.errors import UsageError
from weaksup.label_models import MODELS, MajorityVote, create
from weaksup.label_models.compare import Compared, Comparison, compare
from weaksup.metrics import accuracy, brier, ece, macro_f1, nll
from weaksup.votes import VoteMatrix

VOTES, TRUTH = simulate([0.6, 0.7, 0.75, 0.8, 0.9], k=3, n=400, coverage=0.5)
FAST = ("default", "majority", "weighted", "dawid-skene", "triplet")
OURS = tuple(name for name in MODELS if name != "snorkel")


def by_name(comparison: Comparison) -> dict[str, Compared]:
    return {model.name: model for model in comparison.models}


@settings(max_examples=20)
@given(votes=told_votes())
def test_any_votes_can_be_compared_and_the_result_is_plain_json(votes: VoteMatrix) -> None:
    gold = votes.values[:, 0].astype(np.int64)
    found = compare(votes, FAST, gold=gold)
    assert {model.name for model in found.models} | set(found.refused) == set(FAST)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False)) == found.to_json()
    tell(found)


@settings(max_examples=20)
@given(votes=vote_matrices())
def test_agreement_is_symmetric_and_each_model_agrees_with_itself(votes: VoteMatrix) -> None:
    found = compare(votes, FAST)
    assert np.array_equal(found.agreement, found.agreement.T, equal_nan=True)
    assert np.array_equal(found.kappa, found.kappa.T, equal_nan=True)
    assert np.isnan(found.agreement).all() == (found.covered == 0)
    assert not found.covered or (np.diag(found.agreement) == 1.0).all()
    assert np.diag(found.kappa)[~np.isnan(np.diag(found.kappa))] == pytest.approx(1.0)


@settings(max_examples=20)
@given(votes=vote_matrices())
def test_kappa_is_that_of_sklearn(votes: VoteMatrix) -> None:
    from sklearn.metrics import cohen_kappa_score

    found = compare(votes, FAST)
    labels = [create(m.name).fit(votes).predict(votes)[votes.covered] for m in found.models]
    for i, a in enumerate(labels):
        for j, b in enumerate(labels):
            if np.isnan(found.kappa[i, j]):
                assert len({*a.tolist(), *b.tolist()}) <= 1
            else:
                assert found.kappa[i, j] == pytest.approx(cohen_kappa_score(a, b))


def test_each_model_is_told_as_it_is_alone() -> None:
    found = compare(VOTES, FAST, gold=np.where(np.arange(400) < 300, TRUTH, -1), class_balance=[0.2, 0.3, 0.5])
    judged = (VOTES >= 0).any(axis=1) & (np.arange(400) < 300)
    assert (found.rows, found.covered, found.judged) == (400, int((VOTES >= 0).any(axis=1).sum()), int(judged.sum()))
    for name, told in by_name(found).items():
        model = create(name, 3).fit(VOTES, class_balance=[0.2, 0.3, 0.5])
        labels, proba = model.predict(VOTES), model.predict_proba(VOTES)
        drawn = model.predict(VOTES, tie_break_policy="random")
        assert told.score is not None
        assert told.score.accuracy == pytest.approx(accuracy(TRUTH[judged], drawn[judged]))
        assert told.score.low < told.score.accuracy < told.score.high
        assert told.score.macro_f1 == pytest.approx(macro_f1(TRUTH[judged], drawn[judged], 3))
        for measure, p in ((brier, proba), (nll, np.maximum(proba, np.finfo(float).eps)), (ece, proba)):
            assert getattr(told.score, measure.__name__) == pytest.approx(measure(TRUTH[judged], p[judged]))
        assert told.undecided == int(((labels < 0) & (VOTES >= 0).any(axis=1)).sum())
        assert told.shares["1"] == pytest.approx((labels == 1).sum() / (labels >= 0).sum())
    majority = by_name(found)["majority"]
    assert majority.differs_from_majority == 0
    assert majority.undecided > 0


def test_the_default_stands_first_then_the_best_where_there_is_gold() -> None:
    names = ("majority", "weighted", "dawid-skene", "default")
    found = compare(VOTES, names, gold=TRUTH)
    assert found.models[0].name == "default"
    accuracies = [m.score.accuracy for m in found.models[1:] if m.score]
    assert len(accuracies) == 3
    assert accuracies == sorted(accuracies, reverse=True)


def test_without_gold_models_stand_by_their_agreement_with_the_others() -> None:
    found = compare(VOTES, OURS)
    assert found.models[0].name == "default"
    sums = found.agreement.sum(axis=1)[1:]
    assert (np.diff(sums) <= 0).all()
    assert all(m.score is None for m in found.models)


def test_labels_follow_the_votes_and_not_the_order_of_the_names() -> None:
    one, two = compare(VOTES, FAST), compare(VOTES, FAST[::-1])
    assert [m.name for m in one.models] == [m.name for m in two.models]
    assert (one.agreement == two.agreement).all()


def test_a_model_that_refuses_is_listed_with_its_reason_and_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    class Careless(MajorityVote):
        name = "careless"

        def _learn(self, patterns: object, **_: object) -> None:
            raise ZeroDivisionError("no\nway")

    monkeypatch.setitem(MODELS, "careless", Careless)
    found = compare(VOTES[:, :2], ("default", "careless", "snorkel", "majority"))
    assert {m.name for m in found.models} == {"default", "majority"}
    assert found.refused["careless"] == "failed with ZeroDivisionError: no way"
    assert "expected votes of at least 3 sources, got 2" in found.refused["snorkel"]
    assert found.to_json()["refused"] == found.refused


def test_a_model_whose_package_is_missing_is_listed_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snorkel.labeling.model", None)
    assert "pip install snorkel" in compare(VOTES, ("majority", "snorkel")).refused["snorkel"]


def test_snorkel_is_left_out_where_it_is_slow_unless_it_is_named() -> None:
    wide = np.hstack([VOTES] * 40)
    seen: list[str] = []
    found = compare(wide, on_model=seen.append)
    assert seen == list(MODELS)
    assert "slow on 200 sources x 3 labels; name it" in found.refused["snorkel"]
    assert set(by_name(found)) == set(OURS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ("default", "oracle")}, 'expected one of default, .*; got "oracle"'),
        ({"class_balance": [0.5, 0.6, 0.1]}, "class balance: expected 3 shares"),
        ({"gold": [0]}, "gold: expected 400 class indices"),
    ],
)
def test_what_is_wrong_for_every_model_is_refused_at_once(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compare(VOTES, **options)  # type: ignore[arg-type]


def test_names_and_a_class_balance_by_name_reach_the_models() -> None:
    found = compare(VOTES, ("weighted",), class_balance={"0": 0.1, "1": 0.2, "2": 0.7})
    assert list(found.models[0].shares) == ["0", "1", "2"]


def test_the_text_shows_every_model_its_score_and_each_finding_once(capsys: pytest.CaptureFixture[str]) -> None:
    tell(compare(VOTES[:, :2], ("default", "majority", "weighted", "snorkel"), gold=TRUTH))
    text = capsys.readouterr().out
    assert "On " in text
    assert text.count("few sources (every model)") == 1
    assert "snorkel: no result\n  " in text
    for title in ("Models", "Labels", "Equal labels"):
        assert f"\n{title}" in text


def test_the_text_shows_the_most_frequent_labels_and_a_finding_of_some_models(
    capsys: pytest.CaptureFixture[str],
) -> None:
    votes, _ = simulate([0.8] * 5, k=9, n=300)
    tell(compare(votes, ("default", "majority")))
    assert "Labels, the 6 most frequent of 9" in capsys.readouterr().out
    one_sided = np.where(np.arange(5) % 3 == VOTES, VOTES, -1)
    tell(compare(one_sided, OURS))
    assert "one-coin" in capsys.readouterr().out


def test_the_text_of_no_models_at_all_tells_why(capsys: pytest.CaptureFixture[str]) -> None:
    tell(compare(VOTES[:, :2], ("snorkel",)))
    assert "0 models" in (text := capsys.readouterr().out)
    assert "at least 3 sources" in text
