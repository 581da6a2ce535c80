"""The generative model: its likelihood by brute force, its gradient, what it finds in simulated votes."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import approx_fprime
from strategies import vote_matrices

from weaksup.errors import UsageError
from weaksup.label_models import load
from weaksup.label_models.cast import CastVotes, cast_votes
from weaksup.label_models.dependencies import find_dependencies
from weaksup.label_models.generative import Evidence, Generative, _Loss
from weaksup.label_models.tree_likelihood import edge_evidence, log_likelihood, meet
from weaksup.patterns import find_patterns
from weaksup.votes import VoteMatrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WAYS = ("both", "neither", "first", "second", "none")


def simulate(
    seed: int, k: int, n: int, accuracies: list[float], coverage: float = 0.7, copies: int = 0, noise: float = 0.0
) -> tuple[Ints, Ints]:
    """Draw votes [n, m + copies] and truth [n]; the copies repeat the last source, but for a share of noise."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    shape = (n, len(accuracies))
    votes = np.where(rng.random(shape) < accuracies, truth[:, None], (truth[:, None] + rng.integers(1, k, shape)) % k)
    for _ in range(copies):
        again = np.where(rng.random(n) < noise, rng.integers(0, k, n), votes[:, len(accuracies) - 1])
        votes = np.column_stack([votes, again])
    return np.where(rng.random(votes.shape) < coverage, votes, -1), truth


def cast(votes: Ints, k: int) -> CastVotes:
    return cast_votes(find_patterns(votes), k)


def joint_by_hand(row: list[int], y: int, k: int, weights: Floats, shared: Floats, edges: Ints) -> float:
    """Return P(votes | y, who votes), from the definition."""
    a = np.exp(weights) / (np.exp(weights) + k - 1)

    def alone(j: int) -> float:
        return float(a[j] if row[j] == y else (1 - a[j]) / (k - 1))

    def together(i: int, j: int, s: float) -> float:
        both = (1 - s) * a[i] * a[j] + s * min(a[i], a[j])
        equal = s + (1 - s) / (k - 1)
        wrong = 1 - a[i] - a[j] + both
        if row[i] == row[j]:
            return float(both if row[i] == y else wrong * equal / (k - 1))
        if y in (row[i], row[j]):
            return float((a[i] if row[i] == y else a[j]) - both) / (k - 1)
        return float(wrong * (1 - equal) / ((k - 1) * (k - 2)))

    result = np.prod([alone(j) for j, v in enumerate(row) if v >= 0])
    for (i, j), s in zip(edges.tolist(), shared.tolist(), strict=True):
        if row[i] >= 0 and row[j] >= 0:
            result *= together(i, j, s) / (alone(i) * alone(j))
    return float(result)


PARAMETERS = {
    "weights": np.array([0.4, 1.5, -0.3, 2.0]),
    "shared": np.array([0.8, 0.3]),
    "edges": np.array([[0, 1], [1, 3]]),
}


@pytest.mark.parametrize("k", [2, 3, 4])
def test_the_likelihood_is_the_product_of_its_definition(k: int) -> None:
    rows = np.array(list(product(range(-1, k), repeat=4)))[1:]
    balance = np.arange(1.0, k + 1) / (k * (k + 1) / 2)
    tree = meet(cast(rows, k), PARAMETERS["edges"])
    weights, shared = (torch.from_numpy(PARAMETERS[name]) for name in ("weights", "shared"))
    option, rest = log_likelihood(tree, PARAMETERS["edges"], weights, shared, balance)
    values = find_patterns(rows).values.tolist()
    for o, (p, label) in enumerate(zip(tree.row.tolist(), tree.label.tolist(), strict=True)):
        expected = balance[label] * joint_by_hand(values[p], label, k, **PARAMETERS)
        assert option[o].exp().item() == pytest.approx(expected, rel=1e-9)
    for p, row in enumerate(values):
        others = [y for y in range(k) if y not in row]
        expected = sum(balance[y] * joint_by_hand(row, y, k, **PARAMETERS) for y in others)
        assert rest[p].exp().item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("k", [2, 3, 4])
def test_a_forest_of_dependent_pairs_is_normed_and_keeps_every_accuracy(k: int) -> None:
    a = np.exp(PARAMETERS["weights"]) / (np.exp(PARAMETERS["weights"]) + k - 1)
    rows = [list(row) for row in product(range(k), repeat=4)]
    for y in range(k):
        chances = np.array([joint_by_hand(row, y, k, **PARAMETERS) for row in rows])
        assert chances.sum() == pytest.approx(1.0)
        assert chances.min() >= 0
        assert [chances[[row[j] == y for row in rows]].sum() for j in range(4)] == pytest.approx(a.tolist())


@pytest.mark.parametrize(("k", "with_gold"), [(2, False), (3, False), (3, True), (4, True)])
def test_the_gradient_equals_finite_differences(k: int, with_gold: bool) -> None:
    votes, truth = simulate(0, k, 60, [0.9, 0.7, 0.6, 0.8])
    patterns = find_patterns(votes)
    gold = None
    if with_gold:
        gold = np.zeros((len(patterns), k))
        np.add.at(gold, (patterns.index[:20], truth[:20]), 1)
    balance = np.arange(1.0, k + 1) / (k * (k + 1) / 2)
    loss = _Loss(cast(votes, k), PARAMETERS["edges"], balance, gold=gold, prior=1.0, counts_for=60.0)
    at = np.array([0.4, 1.5, -0.3, 2.0, 1.0, -0.5])
    value, gradient = loss(at)
    assert np.isfinite(value)
    assert gradient == pytest.approx(approx_fprime(at, lambda x: loss(x)[0], 1e-7), abs=1e-4)


def test_gold_rows_count_with_their_label_and_the_others_with_all() -> None:
    k, edges = 3, PARAMETERS["edges"]
    votes = np.array([[0, 0, 1, 0], [1, 2, -1, 0], [0, 0, 1, 0]])
    patterns, balance = find_patterns(votes), np.array([0.2, 0.3, 0.5])
    gold = np.zeros((2, 3))
    gold[patterns.index[0], 2] = 1  # a label that no vote gives on that row
    gold[patterns.index[1], 0] = 1
    loss = _Loss(cast(votes, k), edges, balance, gold=gold, prior=0.5, counts_for=3.0)
    at = np.concatenate([PARAMETERS["weights"], [0.0, 0.0]])
    parameters = {**PARAMETERS, "shared": np.array([0.5, 0.5])}
    joint = [[balance[y] * joint_by_hand(row, y, k, **parameters) for y in range(k)] for row in votes.tolist()]
    expected = np.log([joint[0][2], joint[1][0], sum(joint[2])]).sum() - ((PARAMETERS["weights"] - 0.5) ** 2).sum() / 2
    assert loss(at)[0] == pytest.approx(-expected)


def test_plain_maximum_likelihood_recovers_accuracies_and_propensities() -> None:
    accuracies = [0.9, 0.8, 0.7, 0.6, 0.55]
    for k in (2, 4):
        votes, _ = simulate(1, k, 20_000, accuracies, 0.6)
        model = Generative(k, evidence="rows").fit(votes)
        assert model.accuracies_ == pytest.approx(accuracies, abs=0.02)
        assert model.propensities_ == pytest.approx(np.full(5, 0.6), abs=0.02)
        assert len(model.edges_) == 0
        assert model.converged_


def test_a_planted_copy_is_detected_and_does_not_double_its_weight() -> None:
    votes, _ = simulate(2, 2, 5000, [0.8, 0.75, 0.75, 0.7, 0.7], 0.8, copies=1, noise=0.05)
    kinds: tuple[Evidence, ...] = ("sources", "rows")
    for evidence in kinds:
        model = Generative(2, evidence=evidence).fit(votes)
        alone = Generative(2, evidence=evidence).fit(votes[:, :5])
        assert model.edges_.tolist() == [[4, 5]]
        assert model.shared_[0] > 0.8
        one, two = ([[-1, -1, -1, -1, 0, -1]], [[-1, -1, -1, -1, 0, 0]])
        odds = [float(np.log(p / (1 - p))) for p in (model.predict_proba(votes)[0, 0] for votes in (one, two))]
        assert odds[0] < odds[1] < 1.35 * odds[0]
        assert odds[0] == pytest.approx(float(alone.weights_[4]), abs=0.25)
        # Two others of about its accuracy outvote source and copy together.
        assert model.predict(np.array([[1, 1, -1, -1, 0, 0]])).tolist() == [1]


def test_exact_copies_move_no_posterior_by_more_than_two_points() -> None:
    votes, _ = simulate(3, 3, 3000, [0.85, 0.75, 0.7, 0.6], 0.7)
    copied = np.column_stack([votes, votes[:, 1], votes[:, 1]])
    before, after = Generative(3).fit(votes), Generative(3).fit(copied)
    assert len(after.edges_) == 2
    assert np.abs(after.predict_proba(copied) - before.predict_proba(votes)).max() <= 0.02


def test_independent_sources_and_sources_of_one_label_never_depend() -> None:
    votes, _ = simulate(4, 2, 5000, [0.95, 0.95, 0.9, 0.6, 0.6], 0.9)
    assert len(find_dependencies(cast(votes, 2), 5)) == 0
    positive = np.where(votes == 1, 1, -1)
    assert len(find_dependencies(cast(positive, 2), 5)) == 0
    assert find_dependencies(cast(votes[:, :1], 2), 1).shape == (0, 2)
    assert find_dependencies(cast(np.full((5, 3), -1), 2), 3).shape == (0, 2)


def test_dependent_pairs_are_a_forest() -> None:
    votes, _ = simulate(5, 2, 4000, [0.8, 0.7, 0.7, 0.7], 0.9, copies=3, noise=0.05)
    edges = find_dependencies(cast(votes, 2), 7)
    assert len(edges) == 3
    assert set(edges.ravel().tolist()) == {3, 4, 5, 6}


def test_labeling_functions_of_one_label_do_not_collapse_unless_asked_to() -> None:
    votes, truth = simulate(6, 2, 4000, [0.8] * 8, 0.5)
    votes = np.where(votes == np.arange(8) % 2, votes, -1)
    covered = (votes >= 0).any(axis=1)
    labels = Generative(2).fit(votes).predict(votes, tie_break_policy="random")
    assert (labels[covered] == truth[covered]).mean() > 0.75


def test_gold_teaches_which_source_is_wrong() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 800)
    good = np.where(rng.random(800) < 0.9, truth, 1 - truth)
    bad = np.where(rng.random((800, 2)) < 0.1, truth[:, None], 1 - truth[:, None])
    votes = np.column_stack([good, bad])
    gold = np.where(np.arange(800) < 200, truth, -1)
    model = Generative(2).fit(votes, gold=gold)
    assert (model.predict(votes) == truth).mean() > 0.88
    assert model.weights_[0] > 0 > model.weights_[1]


def test_the_number_of_threads_changes_no_bit() -> None:
    votes, _ = simulate(7, 3, 30_000, [0.8, 0.7, 0.7, 0.6, 0.6, 0.6, 0.6, 0.6], 0.7, copies=1)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(Generative(3).fit(votes).predict_proba(votes).tobytes())
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert found[0] == found[1]


@given(votes=vote_matrices(), evidence=st.sampled_from(["sources", "rows"]))
@settings(max_examples=60, deadline=None)
def test_any_votes_give_finite_distributions(votes: VoteMatrix, evidence: str) -> None:
    model = Generative(evidence=evidence).fit(votes)  # type: ignore[arg-type]
    proba = model.predict_proba(votes)
    assert np.isfinite(proba).all()
    assert (proba >= 0).all()
    assert np.allclose(proba.sum(axis=1), 1.0)
    assert np.isfinite(model.weights_).all()
    assert ((model.accuracies_ >= 0) & (model.accuracies_ <= 1)).all()


@given(
    weights=st.lists(st.floats(-12, 12), min_size=2, max_size=2), shared=st.floats(0.001, 0.999), k=st.integers(2, 9)
)
def test_evidence_of_a_pair_is_finite_whatever_the_parameters(weights: list[float], shared: float, k: int) -> None:
    found = edge_evidence(
        torch.tensor(weights, dtype=torch.float64), torch.tensor([shared], dtype=torch.float64), np.array([[0, 1]]), k
    )
    assert set(found) == set(WAYS)
    assert all(torch.isfinite(value).all() for value in found.values())


def test_many_classes_cost_what_their_votes_cost() -> None:
    votes, truth = simulate(8, 1500, 400, [0.9, 0.8, 0.8])
    covered = (votes >= 0).any(axis=1)
    labels = Generative(1500).fit(votes).predict(votes, tie_break_policy="random")
    assert (labels == truth)[covered].mean() > 0.85


def test_a_saved_model_answers_the_same(tmp_path: Path) -> None:
    votes, _ = simulate(9, 3, 300, [0.9, 0.8, 0.7], copies=1)
    model = Generative(3, evidence="rows").fit(votes, class_balance=[0.2, 0.3, 0.5])
    model.save(tmp_path)
    again = load(tmp_path)
    assert isinstance(again, Generative)
    assert again.evidence == "rows"
    assert vars(again).keys() == vars(model).keys()
    assert again.predict_proba(votes).tobytes() == model.predict_proba(votes).tobytes()


def test_an_unknown_kind_of_evidence_is_refused() -> None:
    with pytest.raises(UsageError, match='expected evidence "sources" or "rows", got "votes"'):
        Generative(2, evidence="votes")  # type: ignore[arg-type]
