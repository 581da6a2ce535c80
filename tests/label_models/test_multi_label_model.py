"""The multi-label model: as k models by themselves, and right where, as usual, nobody ever votes ABSENT."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import multi_votes

from weaksup.errors import UsageError
from weaksup.label_models.multi import MultiLabelModel
from weaksup.label_models.multi_reading import naming
from weaksup.label_models.present_only import hold_share
from weaksup.label_models.registry import create
from weaksup.labels import LabelSpace
from weaksup.multi_votes import MultiVotes


def positive_only(n: int, shares: dict[str, float], *, m: int = 5, recall: float = 0.4, seed: int = 0) -> Any:
    """Simulate functions that say PRESENT on some rows with the label, and on a few without; return votes and truth."""
    rng = np.random.default_rng(seed)
    truth = rng.random((n, len(shares))) < list(shares.values())
    false = [recall * share / (1 - share) / 9 for share in shares.values()]  # nine of ten votes are right
    fires = rng.random((n, m, len(shares))) < np.where(truth, recall, false)[:, None, :]
    return MultiVotes.from_array(np.where(fires, 1, -1), labels=list(shares)), truth


@settings(max_examples=40)
@given(multi_votes())
def test_it_is_k_models_fitted_one_by_one(votes: MultiVotes) -> None:
    model = MultiLabelModel().fit(votes)
    for c, name in enumerate(votes.labels.names):
        one = votes.for_label(name)
        alone = create("default", 2).fit(one)
        assert np.array_equal(model.predict_proba(votes)[:, c], alone.predict_proba(one)[:, 1])
        assert np.array_equal(model.predict(votes)[:, c], alone.predict(one))
        assert np.array_equal(model.source_accuracies(votes)[:, c], alone.source_accuracies(one), equal_nan=True)


@settings(max_examples=40)
@given(multi_votes(), st.randoms(use_true_random=False), st.booleans())
def test_permuting_labels_permutes_results(votes: MultiVotes, rng: Any, given_shares: bool) -> None:
    names = list(votes.labels.names)
    shares = {name: 0.1 + 0.2 * c for c, name in enumerate(names)} if given_shares else None
    order = rng.sample(range(len(names)), len(names))
    labels = LabelSpace([names[c] for c in order], multi=True)
    turned = MultiVotes(votes.values[:, :, order], votes.ids, votes.sources, labels, votes.asked)
    proba = MultiLabelModel().fit(votes, class_balance=shares).predict_proba(votes)
    assert np.array_equal(MultiLabelModel().fit(turned, class_balance=shares).predict_proba(turned), proba[:, order])


@settings(max_examples=40)
@given(multi_votes(), st.integers(0, 20), st.booleans())
def test_batches_give_what_all_rows_together_give(votes: MultiVotes, cut: int, given_shares: bool) -> None:
    shares = {votes.labels.names[0]: 0.2} if given_shares else None
    rows = np.arange(len(votes))
    batched = MultiLabelModel().partial_fit(votes.take(rows[:cut]), class_balance=shares)
    batched.partial_fit(votes.take(rows[cut:]))
    whole = MultiLabelModel().fit(votes, class_balance=shares)
    np.testing.assert_allclose(batched.predict_proba(votes), whole.predict_proba(votes), rtol=0, atol=1e-9)
    assert batched.shares_ == whole.shares_


@settings(max_examples=40)
@given(multi_votes(), st.floats(0.01, 0.99))
def test_with_its_share_given_the_mean_probability_of_a_label_equals_it(votes: MultiVotes, share: float) -> None:
    proba = MultiLabelModel().fit(votes, class_balance=[share] * len(votes.labels)).predict_proba(votes)
    assert np.isfinite(proba).all()
    assert ((proba >= 0) & (proba <= 1)).all()
    if len(votes):
        np.testing.assert_allclose(proba.mean(axis=0), share, atol=1e-6)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.integers(1, 1000)), min_size=1, max_size=9),
    st.floats(0.001, 0.999),
)
def test_a_share_is_held_for_any_probabilities(rows: list[tuple[float, bool, int]], share: float) -> None:
    proba, covered, counts = (np.array(column) for column in zip(*rows, strict=True))
    moved = hold_share(proba, covered, counts, share).move(proba, covered)
    assert np.average(moved, weights=counts) == pytest.approx(share, abs=1e-6)
    order = np.argsort(proba[covered])
    assert (np.diff(moved[covered][order]) >= 0).all()


def test_functions_that_only_say_present_find_the_rows_that_have_a_rare_label() -> None:
    shares = {"rare": 0.03, "common": 0.3}
    votes, truth = positive_only(4000, shares)
    model = MultiLabelModel().fit(votes, class_balance=shares)
    labels, proba = model.predict(votes), model.predict_proba(votes)
    for c, share in enumerate(shares.values()):
        assert proba[:, c].mean() == pytest.approx(share, abs=1e-6)
        present = labels[:, c] == 1
        assert truth[present, c].mean() > 0.75  # precision
        assert present[truth[:, c]].mean() > 0.85  # recall
        assert ((proba[:, c] - truth[:, c]) ** 2).mean() < 0.45 * share
        silent = ~votes.covered[:, c]
        assert (labels[silent, c] == -1).all()
        assert (proba[silent, c] < 0.2 * share + 0.05).all()


def test_a_label_that_is_only_voted_present_is_told_of() -> None:
    votes, _ = positive_only(500, {"a": 0.1, "b": 0.2})
    open_, closed = MultiLabelModel().fit(votes), MultiLabelModel().fit(votes, class_balance={"a": 0.1})
    assert set(open_.health(votes)) == {"a", "b"}
    finding = open_.health(votes)["a"][0]
    assert finding.name == "present-only"
    assert finding.text.startswith("a: nobody votes ABSENT, so all ")
    assert "--class-balance LABEL=SHARE" in finding.advice
    assert "the share given, 10.0%" in closed.health(votes)["a"][0].text
    assert not {"one-sided", "label without votes"} & {f.name for f in open_.health(votes)["a"]}
    assert closed.class_balance_ == {"a": 0.1, "b": 0.5}


def test_a_source_that_is_silent_on_a_label_is_no_finding_and_good_votes_have_none() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((2000, 2)) < 0.5
    right = rng.random((2000, 8, 2)) < 0.85
    values = np.where(right, truth[:, None, :], ~truth[:, None, :]).astype(np.int8)
    values[rng.random(values.shape) < 0.4] = -1
    values[:, :4, 0] = -1
    values[:, 4:, 1] = -1
    votes = MultiVotes.from_array(values, labels=["x", "y"])
    model = MultiLabelModel().fit(votes)
    assert model.health(votes) == {}
    assert np.isnan(model.source_accuracies(votes)[:4, 0]).all()
    assert "x" not in model.health(votes, gold=truth.astype(int))


def test_gold_is_learned_from() -> None:
    votes, truth = positive_only(600, {"a": 0.3})
    flipped = np.where(truth, 0, 1)
    with_gold = MultiLabelModel().fit(votes, gold=flipped).predict_proba(votes)
    assert with_gold[votes.covered].mean() < MultiLabelModel().fit(votes).predict_proba(votes)[votes.covered].mean()


@pytest.mark.parametrize("name", ["default", "majority", "dawid-skene"])
def test_saving_and_loading_gives_the_same_model(name: str, tmp_path: Path) -> None:
    votes, _ = positive_only(300, {"a": 0.1, "b": 0.4})
    model = MultiLabelModel(name, seed=3).fit(votes, class_balance={"a": 0.1})
    model.save(tmp_path / "model")
    back = MultiLabelModel.load(tmp_path / "model")
    assert back.predict_proba(votes).tobytes() == model.predict_proba(votes).tobytes()
    assert (back.name, back.seed, back.shares_, back.held_) == (name, 3, {"a": 0.1}, model.held_)
    more, _ = positive_only(50, {"a": 0.1, "b": 0.4}, seed=1)
    assert np.array_equal(back.partial_fit(more).predict_proba(more), model.partial_fit(more).predict_proba(more))


def test_soft_labels_carry_ids_and_what_was_said_of_each_label() -> None:
    votes, _ = positive_only(50, {"a": 0.3, "b": 0.3})
    soft = MultiLabelModel("majority").fit(votes).soft_labels(votes)
    assert soft.ids == votes.ids
    assert np.array_equal(soft.covered, votes.covered)
    assert np.array_equal(soft.hard() == 1, votes.covered)


@pytest.mark.parametrize(
    ("balance", "message"),
    [
        ({"c": 0.1}, 'expected labels out of a, b; got "c"'),
        ({"a": 0}, 'expected for "a" a share of rows between 0 and 1, got 0'),
        ({"a": "0.1"}, "between 0 and 1, got '0.1'"),
        ([0.1], "expected 2 shares of PRESENT, one a label, got 1"),
    ],
)
def test_a_wrong_class_balance_is_one_line(balance: Any, message: str) -> None:
    votes, _ = positive_only(20, {"a": 0.3, "b": 0.3})
    with pytest.raises(UsageError, match=message):
        MultiLabelModel().fit(votes, class_balance=balance)


def test_wrong_uses_are_one_line(tmp_path: Path) -> None:
    votes, truth = positive_only(20, {"a": 0.3, "b": 0.3}, m=2)
    model = MultiLabelModel()
    with pytest.raises(UsageError, match=r"call fit\(votes\) first"):
        model.predict_proba(votes)
    with pytest.raises(UsageError, match=r"gold: expected \[20, 2\]"):
        model.fit(votes, gold=truth)
    with pytest.raises(UsageError, match="expected MultiVotes, got VoteMatrix"):
        model.fit(votes.for_label("a"))
    with pytest.raises(UsageError, match='got "nothing"'):
        MultiLabelModel("nothing")
    with pytest.raises(UsageError, match='^label "a": too few$'), naming("a"):
        raise UsageError("too few")
    model.fit(votes)
    with pytest.raises(UsageError, match=r"expected votes over the labels of fit \(a, b\), got \(c\)"):
        model.predict(MultiVotes.from_array(np.zeros((1, 2, 1), int), labels=["c"]))
    with pytest.raises(UsageError, match="the 2 sources of fit in their order"):
        model.predict(MultiVotes.from_array(np.zeros((1, 1, 2), int), labels=["a", "b"]))
    with pytest.raises(UsageError, match="expected a folder with a saved multi-label model"):
        MultiLabelModel.load(tmp_path)
    model.save(tmp_path)
    saved = json.loads((tmp_path / "multi.json").read_text(encoding="utf-8"))
    (tmp_path / "multi.json").write_text(json.dumps({**saved, "format": 9}), encoding="utf-8")
    with pytest.raises(UsageError, match="expected format 1, got 9"):
        MultiLabelModel.load(tmp_path)
