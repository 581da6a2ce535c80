"""The minimax model: its game against a linear program and a brute-force search, its bounds, its limits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog
from strategies import vote_matrices

from weaksup.errors import UsageError
from weaksup.label_models import load
from weaksup.label_models.accuracy_game import MOST_WEIGHT, Game, Solution, answer, solve, solve_by_weights
from weaksup.label_models.default import LabelModel
from weaksup.label_models.minimax import Minimax
from weaksup.patterns import find_patterns
from weaksup.votes import VoteMatrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def simulate(seed: int, k: int, n: int, accuracies: list[float], coverage: float = 0.7) -> tuple[Ints, Ints]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)[:, None]
    shape = (n, len(accuracies))
    votes = np.where(rng.random(shape) < accuracies, truth, (truth + rng.integers(1, k, shape)) % k)
    votes = np.where(rng.random(shape) < coverage, votes, -1)
    seen = (votes >= 0).any(axis=1)
    return votes[seen], truth[seen, 0]


def tiny_game(seed: int, k: int, width: float) -> tuple[Game, Ints, Floats]:
    """Return a game whose bounds hold for some labeling, its votes [n, m], and the bounds [2, m]."""
    votes, truth = simulate(seed, k, 12, [0.9, 0.7, 0.6])
    right = np.array([(v[v >= 0] == truth[v >= 0]).mean() if (v >= 0).any() else 0.5 for v in votes.T])
    bounds = np.array([right - width, right + width]).clip(0, 1)
    patterns = find_patterns(votes)
    return Game.build(patterns.values, patterns.counts, np.full(k, 1 / k), *bounds), votes, bounds


def error_by_linprog(votes: Ints, k: int, bounds: Floats) -> float:
    """Return the 0-1 game's value, one variable for each row and class; no patterns, no merged options, no slack."""
    n, m = votes.shape
    cost = np.concatenate([np.zeros(n * k), np.full(n, 1 / n)])
    limits, at_most = [], []
    for j in range(m):
        right = np.zeros((n, k))
        rows = np.flatnonzero(votes[:, j] >= 0)
        right[rows, votes[rows, j].astype(int)] = 1
        line = np.concatenate([right.ravel(), np.zeros(n)])
        limits += [line, -line]
        at_most += [bounds[1, j] * len(rows), -bounds[0, j] * len(rows)]
    for i in range(n):
        for c in range(k):
            line = np.zeros(n * k + n)
            line[i * k + c], line[n * k + i] = 1, -1
            limits.append(line)
            at_most.append(0.0)
    whole = np.hstack([np.kron(np.eye(n), np.ones(k)), np.zeros((n, n))])
    found = linprog(cost, np.array(limits), np.array(at_most), whole, np.ones(n), bounds=(0, None))
    assert found.status == 0
    return 1.0 - float(found.fun)


@pytest.mark.parametrize(("k", "seed"), [(2, 0), (2, 1), (3, 2), (5, 3)])
@pytest.mark.parametrize("width", [0.02, 0.2])
def test_the_value_under_error_is_that_of_the_linear_program_over_all_rows(k: int, seed: int, width: float) -> None:
    game, votes, bounds = tiny_game(seed, k, width)
    found = solve(game, "error")
    assert found is not None
    assert found.value == pytest.approx(error_by_linprog(votes, k, bounds), abs=1e-6)
    assert found.excess.max() < 1e-6


@pytest.mark.parametrize("loss", ["log", "error"])
@pytest.mark.parametrize("k", [2, 3])
def test_no_labeling_within_the_bounds_costs_the_answer_more_than_the_value(k: int, loss: str) -> None:
    game, votes, bounds = tiny_game(4, k, 0.1)
    found = solve(game, loss)  # type: ignore[arg-type]
    assert found is not None
    scores = np.array([[found.weights[row == c].sum() for c in range(k)] for row in votes])
    answers = answer(scores, np.full(k, 1 / k), loss)  # type: ignore[arg-type]
    losses = 1 - answers if loss == "error" else -np.log(answers) - np.log(k)
    n, m = votes.shape
    limits = np.array([[(votes[i, j] == c) for i in range(n) for c in range(k)] for j in range(m)], float)
    voting = (votes >= 0).sum(axis=0)
    worst = linprog(
        -losses.ravel() / n,
        np.vstack([limits, -limits]),
        np.concatenate([bounds[1] * voting, -bounds[0] * voting]),
        np.kron(np.eye(n), np.ones(k)),
        np.ones(n),
        bounds=(0, None),
    )
    assert -worst.fun == pytest.approx(found.value, abs=1e-5)


@given(seed=st.integers(0, 10_000), k=st.integers(2, 4), width=st.floats(0.01, 0.3))
@settings(max_examples=10, deadline=None)
def test_both_sides_of_the_game_have_one_value(seed: int, k: int, width: float) -> None:
    game, _, _ = tiny_game(seed, k, width)
    by_clarabel, by_weights = solve(game, "log"), solve_by_weights(game)
    assert by_clarabel is not None
    assert by_clarabel.value == pytest.approx(by_weights.value, abs=1e-6)
    assert solve_by_weights(game, by_clarabel.weights).value == pytest.approx(by_weights.value, abs=1e-9)


def test_the_learned_labeling_keeps_the_bounds_and_every_weight_stands_at_one() -> None:
    votes, _ = simulate(0, 3, 600, [0.9, 0.8, 0.7, 0.5])
    model = Minimax(3).fit(votes)
    proba = model.predict_proba(votes)
    for j in range(4):
        rows = votes[:, j] >= 0
        right = proba[rows, votes[rows, j].astype(int)].mean()
        assert model.lower_[j] - 1e-6 <= right <= model.upper_[j] + 1e-6
        if abs(model.weights_[j]) > 1e-4:  # a bound that binds
            assert right == pytest.approx(model.lower_[j] if model.weights_[j] > 0 else model.upper_[j], abs=1e-6)
    assert model.note_ == ""
    assert model.upper_ - model.lower_ == pytest.approx(np.full(4, 0.1))


def test_the_nearest_point_of_the_simplex_is_the_clipped_vote_for_two_classes() -> None:
    scores = np.array([[0.3, 0.1], [2.0, 0.5], [-3.0, 4.0], [0.0, 0.0]])
    clipped = np.clip((1 + scores[:, 0] - scores[:, 1]) / 2, 0, 1)
    assert answer(scores, np.array([0.5, 0.5]), "error")[:, 0] == pytest.approx(clipped)
    assert answer(np.array([[0.5, 0.4, -9.0]]), np.full(3, 1 / 3), "error")[0] == pytest.approx([0.55, 0.45, 0.0])


def test_a_better_source_weighs_more_and_its_vote_wins() -> None:
    votes, _ = simulate(1, 2, 3000, [0.95, 0.65, 0.65, 0.6], 0.8)
    for loss in ("log", "error"):
        model = Minimax(2, loss=loss).fit(votes)
        assert model.weights_.argmax() == 0
        assert model.predict(np.array([[0, 1, -1, -1], [-1, 1, -1, 0]])).tolist()[0] == 0


def test_gold_bounds_a_source_that_the_votes_alone_get_wrong() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 800)
    good = np.where(rng.random(800) < 0.9, truth, 1 - truth)
    bad = np.where(rng.random((800, 2)) < 0.1, truth[:, None], 1 - truth[:, None])
    votes = np.column_stack([good, bad])
    gold = np.where(np.arange(800) < 200, truth, -1)
    alone, taught = Minimax(2).fit(votes), Minimax(2).fit(votes, gold=gold)
    assert (alone.predict(votes, tie_break_policy="random") == truth).mean() < 0.2
    assert (taught.predict(votes) == truth).mean() > 0.95
    assert taught.upper_[1] < 0.2
    assert taught.weights_[1] < 0


def test_gold_that_fits_the_estimate_narrows_the_bounds_and_no_gold_row_leaves_them() -> None:
    votes, truth = simulate(2, 2, 4000, [0.8, 0.8, 0.8], 1.0)
    plain, taught = Minimax(2).fit(votes), Minimax(2).fit(votes, gold=truth)
    assert ((taught.upper_ - taught.lower_) < (plain.upper_ - plain.lower_)).all()
    nothing = Minimax(2).fit(votes, gold=np.full(len(truth), -1))
    assert nothing.lower_.tolist() == plain.lower_.tolist()


@given(seed=st.integers(0, 1000), k=st.integers(2, 3), share=st.floats(0, 1))
@settings(max_examples=25)
def test_bounds_keep_the_labels_that_gold_has_given(seed: int, k: int, share: float) -> None:
    votes, truth = simulate(seed, k, 60, [0.9, 0.6, 0.4])
    known = np.random.default_rng(seed).random(len(truth)) < share
    model = Minimax(k).fit(votes, gold=np.where(known, truth, -1))
    said = (votes >= 0).sum(axis=0)
    right = ((votes == truth[:, None]) & known[:, None]).sum(axis=0)
    wrong = ((votes >= 0) & (votes != truth[:, None]) & known[:, None]).sum(axis=0)
    spoke = said > 0
    assert (model.lower_ * said >= right - 1e-9)[spoke & (right + wrong > 0)].all()
    assert (model.upper_ * said <= said - wrong + 1e-9)[spoke & (right + wrong > 0)].all()


def test_gold_on_every_row_leaves_one_accuracy() -> None:
    votes, truth = simulate(0, 3, 300, [0.9, 0.6, 0.4])
    model = Minimax(3).fit(votes, gold=truth)
    measured = [(votes[votes[:, j] >= 0, j] == truth[votes[:, j] >= 0]).mean() for j in range(3)]
    assert model.lower_ == pytest.approx(measured)
    assert model.upper_ == pytest.approx(measured)


def test_gold_that_knows_nothing_changes_nothing() -> None:
    votes, _ = simulate(0, 2, 300, [0.9, 0.6, 0.7])
    plain, told = (Minimax(2).fit(votes, gold=gold) for gold in (None, np.full(len(votes), -1)))
    assert told.predict_proba(votes).tobytes() == plain.predict_proba(votes).tobytes()


def test_bounds_that_cannot_all_hold_give_way_and_the_model_says_whose() -> None:
    truth = np.tile([0, 1], 200)
    votes = np.column_stack([truth, 1 - truth, truth])  # on the first half both are right by gold: they cannot be
    model = Minimax(2)
    game = Game.build(*_counted(votes), np.full(2, 0.5), np.full(3, 0.8), np.full(3, 0.9))
    found = solve(game, "log")
    assert found is not None
    assert found.excess.max() > 0.1
    assert np.abs(found.weights).max() <= MOST_WEIGHT + 1e-5
    named = VoteMatrix.from_array(votes, sources=["a", "b", "c"])
    gold = np.where(np.arange(400) < 4, truth, -1)
    model.fit(named, gold=gold)
    model.excess_, model.names_ = np.array([0.0, 0.3, 0.0]), ("a", "b", "c")
    assert 'cannot all hold: those of 1 of 3 sources gave way, most that of "b" by 0.300' in model._tell_excess(3)[0]
    model.names_ = None
    assert "source 1 by" in model._tell_excess(3)[0]


def _counted(votes: Ints) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    patterns = find_patterns(votes)
    return patterns.values, patterns.counts


def test_gold_that_contradicts_itself_through_two_sources_is_noted() -> None:
    votes = np.tile([[0, 1], [1, 0]], (300, 1))  # always apart, each right on every gold row shown for it
    extra = np.array([[0, -1], [1, -1], [-1, 0], [-1, 1]] * 30)
    gold = np.concatenate([np.full(600, -1), np.tile([0, 1], 60)])
    model = Minimax(2).fit(np.vstack([votes, extra]), gold=gold)
    assert "the accuracy bounds cannot all hold" in model.note_
    assert model.excess_.max() > 0.1


def test_beyond_the_limit_log_loss_is_solved_as_well_and_error_on_frequent_votes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    votes, truth = simulate(3, 3, 2000, [0.9, 0.8, 0.7, 0.6])
    small = Minimax(3).fit(votes)
    monkeypatch.setattr("weaksup.label_models.minimax._MOST_OPTIONS", 100)
    large = Minimax(3).fit(votes)
    assert "solved by L-BFGS-B" in large.note_
    assert large.predict_proba(votes) == pytest.approx(small.predict_proba(votes), abs=1e-6)
    part = Minimax(3, loss="error").fit(votes)
    assert "rows with the most frequent votes" in part.note_
    assert (part.predict(votes, tie_break_policy="random") == truth).mean() > 0.8


def test_a_solver_that_gives_up_is_noted_and_leaves_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    votes, _ = simulate(4, 2, 200, [0.9, 0.8, 0.7])
    expected = Minimax(2).fit(votes).predict_proba(votes)
    monkeypatch.setattr("weaksup.label_models.minimax.solve", lambda game, loss: None)
    model = Minimax(2).fit(votes)
    assert "Clarabel gave up" in model.note_
    assert model.predict_proba(votes) == pytest.approx(expected, abs=1e-6)
    majority = Minimax(2, loss="error").fit(votes)
    assert "this is majority vote" in majority.note_
    assert majority.predict(np.array([[1, 0, 0]])).tolist() == [0]


def test_clarabel_is_left_when_it_fails_or_doubts(monkeypatch: pytest.MonkeyPatch) -> None:
    import cvxpy as cp

    game, _, _ = tiny_game(0, 2, 0.1)

    def refuse(problem: object, solver: str) -> None:
        assert solver == "CLARABEL"
        raise cp.SolverError

    monkeypatch.setattr(cp.Problem, "solve", refuse)
    assert solve(game, "log") is None
    monkeypatch.setattr(cp.Problem, "solve", lambda problem, solver: None)
    assert solve(game, "log") is None


@given(votes=vote_matrices(max_rows=15))
@settings(max_examples=40, deadline=None)
def test_any_votes_give_finite_distributions_and_the_balance_of_the_default(votes: VoteMatrix) -> None:
    for loss in ("log", "error"):
        model = Minimax(loss=loss).fit(votes)
        proba = model.predict_proba(votes)
        assert np.isfinite(proba).all()
        assert (proba >= 0).all()
        assert np.allclose(proba.sum(axis=1), 1.0)
        assert np.isfinite(model.weights_).all()
        assert model.class_balance_ == pytest.approx(LabelModel().fit(votes).class_balance_)


def test_many_classes_cost_what_their_votes_cost() -> None:
    votes, truth = simulate(5, 1500, 400, [0.9, 0.8, 0.8])
    model = Minimax(1500).fit(votes)
    assert (model.predict(votes, tie_break_policy="random") == truth).mean() > 0.85


def test_a_saved_model_answers_the_same(tmp_path: Path) -> None:
    votes, _ = simulate(6, 2, 100, [0.9, 0.8, 0.7])
    model = Minimax(2, loss="error").fit(votes, class_balance=[0.3, 0.7])
    model.save(tmp_path)
    again = load(tmp_path)
    assert isinstance(again, Minimax)
    assert again.loss == "error"
    assert vars(again).keys() == vars(model).keys()
    assert again.predict_proba(votes).tobytes() == model.predict_proba(votes).tobytes()


def test_an_unknown_loss_is_refused() -> None:
    with pytest.raises(UsageError, match='expected loss "log" or "error", got "hinge"'):
        Minimax(2, loss="hinge")  # type: ignore[arg-type]


def test_the_solution_is_a_value_with_weights() -> None:
    game, _, _ = tiny_game(0, 2, 0.1)
    found = solve_by_weights(game)
    assert isinstance(found, Solution)
    assert found.value <= 0
