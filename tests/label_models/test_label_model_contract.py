"""What callers may hand to a label model, what they get, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import vote_matrices

from weaksup import LabelSpace, Source, VoteMatrix
from weaksup.errors import DiskError, UsageError, VoteError
from weaksup.label_models import MODELS, LabelModel, MajorityVote, create, load
from weaksup.label_models.seen import pack
from weaksup.label_models.ties import choose

VOTES = np.array([[0, 0, 1], [1, 1, -1], [0, 1, 0], [-1, -1, -1], [1, 1, 1]])
SPACE = LabelSpace(["HAM", "SPAM"])


def named(values: np.ndarray, kinds: tuple[str, ...] = ()) -> VoteMatrix:
    m = values.shape[1]
    sources = tuple(Source(f"s{j}", kinds[j] if kinds else "lf") for j in range(m))  # type: ignore[arg-type]
    return VoteMatrix(values.astype(np.int16), tuple(f"r{i}" for i in range(len(values))), sources, SPACE)


@given(votes=vote_matrices())
def test_a_bare_array_and_a_vote_matrix_give_the_same(votes: VoteMatrix) -> None:
    k = len(votes.labels)
    bare = (
        LabelModel(k).fit(np.asarray(votes)).predict_proba(np.asarray(votes).tolist() if len(votes) else votes.values)
    )
    assert (bare == LabelModel().fit(votes).predict_proba(votes)).all()


@given(votes=vote_matrices())
def test_save_and_load_keep_every_bit(votes: VoteMatrix, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("model")
    model = LabelModel(seed=3).fit(votes)
    model.save(folder)
    again = load(folder)
    assert type(again) is LabelModel
    assert (again.cardinality, again.seed) == (None, 3)
    assert again.predict_proba(votes).tobytes() == model.predict_proba(votes).tobytes()
    assert vars(again).keys() == vars(model).keys()
    for name, value in vars(model).items():
        if name.endswith("_"):
            assert np.array_equal(vars(again)[name], value), name
    for name, value in pack(model._seen).items():
        assert np.array_equal(pack(again._seen)[name], value), name


@pytest.mark.parametrize("name", [name for name in MODELS if name not in ("default", "snorkel")])
def test_every_registered_model_is_saved_whole_and_learns_in_batches(name: str, tmp_path: Path) -> None:
    votes = np.random.default_rng(0).integers(-1, 3, (80, 5))
    model = create(name, 3, seed=2).fit(votes)
    model.save(tmp_path)
    again = load(tmp_path)
    assert type(again) is type(model)
    assert {option: getattr(again, option) for option in again.options} == {o: getattr(model, o) for o in model.options}
    assert again.predict_proba(votes).tobytes() == model.predict_proba(votes).tobytes()
    batches = create(name, 3, seed=2).fit(votes[:30]).partial_fit(votes[30:])
    assert batches.predict_proba(votes) == pytest.approx(model.predict_proba(votes))


@given(
    proba=st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3).filter(any), min_size=1, max_size=20),
    policy=st.sampled_from(["random", "abstain"]),
)
def test_ties_are_broken_as_snorkel_breaks_them(proba: list[list[int]], policy: str) -> None:
    from snorkel.utils import probs_to_preds

    p = np.array(proba, float) / np.sum(proba, axis=1, keepdims=True)
    ours = choose(p, np.arange(len(p)), np.ones(len(p), bool), policy)  # type: ignore[arg-type]
    assert ours.tolist() == probs_to_preds(p, policy).tolist()


def test_true_random_takes_one_of_the_tied() -> None:
    p = np.array([[0.4, 0.2, 0.4]])
    labels = choose(p, np.zeros(300, np.int64), np.array([True]), "true-random")
    assert set(labels.tolist()) == {0, 2}


def test_a_difference_below_a_billionth_is_a_tie() -> None:
    covered = np.array([True, True])
    p = np.array([[0.5 + 4e-10, 0.5 - 4e-10], [0.5 + 1e-8, 0.5 - 1e-8]])
    assert choose(p, np.arange(2), covered).tolist() == [-1, 0]


def test_uncovered_rows_abstain_or_go_by_the_class_balance() -> None:
    model = MajorityVote(2).fit(VOTES, class_balance=[0.2, 0.8])
    assert model.predict(VOTES)[3] == -1
    assert model.predict(VOTES, tie_break_policy="random")[3] == 1
    assert model.predict_proba(VOTES)[3].tolist() == [0.2, 0.8]


def test_majority_vote_gives_shares_of_the_votes() -> None:
    assert MajorityVote(2).fit(VOTES).predict_proba(VOTES)[:2].tolist() == [[2 / 3, 1 / 3], [0.0, 1.0]]


def test_soft_labels_carry_ids_names_and_coverage() -> None:
    soft = LabelModel().fit(named(VOTES)).soft_labels(named(VOTES))
    assert soft.ids == ("r0", "r1", "r2", "r3", "r4")
    assert soft.labels == SPACE
    assert soft.covered.tolist() == [True, True, True, False, True]
    bare = LabelModel(2).fit(VOTES).soft_labels(VOTES)
    assert (bare.proba == soft.proba).all()


def test_a_class_balance_may_be_given_by_name_and_fills_uncovered_rows() -> None:
    votes = named(VOTES)
    by_name = LabelModel().fit(votes, class_balance={"SPAM": 0.25, "HAM": 0.75})
    assert by_name.class_balance_.tolist() == [0.75, 0.25]
    assert (
        by_name.predict_proba(votes) == LabelModel().fit(votes, class_balance=[0.75, 0.25]).predict_proba(votes)
    ).all()


def test_a_higher_share_raises_the_probability_of_its_class() -> None:
    rng = np.random.default_rng(0)
    votes = rng.integers(-1, 2, (200, 4))
    low, high = (
        LabelModel(2).fit(votes, class_balance=[1 - s, s]).predict_proba(votes)[:, 1].mean() for s in (0.3, 0.7)
    )
    assert high > low


def test_source_accuracies_are_the_mean_probability_of_what_they_said() -> None:
    model = LabelModel(2).fit(VOTES)
    proba = model.predict_proba(VOTES)
    said = [proba[i, v] for i, v in enumerate(VOTES[:, 1]) if v >= 0]
    assert model.source_accuracies(VOTES)[1] == pytest.approx(np.mean(said))
    silent = np.hstack([VOTES, np.full((5, 1), -1)])
    assert np.isnan(LabelModel(2).fit(silent).source_accuracies(silent)[3])


def test_gold_rows_teach_which_source_is_wrong() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 600)
    good = np.where(rng.random(600) < 0.9, truth, 1 - truth)
    votes = np.column_stack([good, 1 - truth, 1 - truth])  # two sources that are always wrong, together
    gold = np.where(np.arange(600) < 300, truth, -1)
    without, taught = (
        (LabelModel(2).fit(votes, gold=g).predict(votes, tie_break_policy="random") == truth)[300:].mean()
        for g in (None, gold)
    )
    assert without < 0.6
    assert taught > 0.9


class TestAnswerers:
    """A tier asked on the rows in doubt."""

    @staticmethod
    def hard(seed: int = 0) -> tuple[VoteMatrix, VoteMatrix, np.ndarray, np.ndarray]:
        """Return votes without and with a tier (accuracy .9 on the hardest tenth), truth, and the rows asked."""
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 2, 6000)
        right = rng.random((6000, 6)) < [0.6, 0.65, 0.7, 0.75, 0.8, 0.85]
        values = np.where(right, truth[:, None], 1 - truth[:, None])
        votes = named(np.where(rng.random((6000, 6)) < 0.5, values, -1))
        soft = LabelModel().fit(votes).soft_labels(votes)
        asked = np.argsort(soft.confidence + ~soft.covered, kind="stable")[:600]
        says = np.where(rng.random(600) < 0.9, truth[asked], 1 - truth[asked])
        answers = {votes.ids[i]: int(v) for i, v in zip(asked.tolist(), says.tolist(), strict=True)}
        return votes, votes.with_source(Source("tier", "tier"), answers), truth, asked

    def test_answers_decide_the_rows_they_were_given_for_and_move_no_other(self) -> None:
        votes, more, truth, asked = self.hard()
        before, after = (LabelModel().fit(v).predict_proba(v) for v in (votes, more))
        elsewhere = np.setdiff1d(np.arange(len(truth)), asked)
        assert after[elsewhere] == pytest.approx(before[elsewhere])
        assert (after[asked].argmax(axis=1) == truth[asked]).mean() >= 0.88
        assert after[asked].max(axis=1).mean() == pytest.approx(0.9, abs=0.03)

    def test_gold_rows_correct_what_an_answer_is_taken_for(self) -> None:
        _, more, truth, asked = self.hard()
        flipped = more.values.copy()
        flipped[asked, 6] = 1 - flipped[asked, 6]
        liar = named(flipped, ("lf",) * 6 + ("tier",))
        gold = np.full(len(truth), -1)
        gold[asked[:300]] = truth[asked[:300]]
        assumed = LabelModel().fit(liar).answer_accuracies_[0]
        assert assumed == pytest.approx(0.9, abs=0.01)  # nothing but gold can say that a model lies
        assert LabelModel().fit(liar, gold=gold).answer_accuracies_[0] == pytest.approx(0.1, abs=0.08)

    @pytest.mark.parametrize("seed", range(3))
    def test_functions_that_are_wrong_where_they_fight_do_not_turn_answers_around(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        truth = (rng.random(4000) < 0.15).astype(int)
        fires = rng.random((4000, 10)) < np.where(truth[:, None] == 1, [0.3] * 6 + [0.002] * 4, [0.001] * 6 + [0.3] * 4)
        values = np.where(fires, [1] * 6 + [0] * 4, -1)
        fights = np.flatnonzero(truth == 0)[:30]
        values[fights] = -1
        values[fights, 0], values[fights, 6] = 1, 0
        votes = VoteMatrix.from_array(values, cardinality=2)
        asked = np.append(fights, np.flatnonzero((values < 0).all(axis=1))[:400])
        says = np.where(rng.random(len(asked)) < 0.95, truth[asked], 1 - truth[asked])
        answers = {votes.ids[i]: int(v) for i, v in zip(asked.tolist(), says.tolist(), strict=True)}
        more = votes.with_source(Source("tier", "tier"), answers)
        proba = LabelModel().fit(more).predict_proba(more)
        assert (proba[asked].argmax(axis=1) == truth[asked]).mean() >= 0.9

    def test_tiers_alone_are_ordinary_sources(self) -> None:
        tiers = named(VOTES, ("tier",) * 3)
        assert (LabelModel().fit(tiers).predict_proba(tiers) == LabelModel(2).fit(VOTES).predict_proba(VOTES)).all()

    def test_a_model_with_answerers_is_saved_whole(self, tmp_path: Path) -> None:
        _, more, _, _ = self.hard()
        model = LabelModel().fit(more)
        model.save(tmp_path / "m")
        assert (load(tmp_path / "m").predict_proba(more) == model.predict_proba(more)).all()


@pytest.mark.parametrize(
    ("votes", "message"),
    [
        (np.array([0, 1]), "expected a matrix"),
        (np.array([[0.5, 1.0]]), "expected whole numbers"),
        (np.array([[np.nan, 1.0]]), "expected whole numbers"),
        (np.array([[np.inf, 1.0]]), "row 0, source 0: expected 0 to 1"),
        (np.array([["a", "b"]]), "expected whole numbers"),
        (np.array([[0, 2]]), "row 0, source 1: expected 0 to 1"),
        (np.array([[0, -2]]), "row 0, source 1: expected 0 to 1"),
        ([[0, 1], [1]], "rows of unequal length"),
        (np.array([[0, 99999]]), "row 0, source 1: expected 0 to 1"),
        (VoteMatrix.from_array([[0, 2]], cardinality=3), "expected votes over 2 labels"),
    ],
)
def test_votes_that_are_none_are_refused_in_one_line(votes: object, message: str) -> None:
    with pytest.raises((UsageError, VoteError), match=message) as refused:
        LabelModel(2).fit(votes)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("balance", "message"),
    [
        ([0.5, 0.6], "that sum to 1"),
        ([1.0, 0.0], "above 0"),
        ([1.0], "expected 2 shares"),
        ([float("nan"), 0.5], "above 0"),
        (["x", 1], "expected 2 numbers"),
        ({"HAM": 1.0}, "a share for each of 0, 1; got HAM"),
    ],
)
def test_a_class_balance_that_is_none_is_refused(balance: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        LabelModel(2).fit(VOTES, class_balance=balance)  # type: ignore[arg-type]


@pytest.mark.parametrize("gold", [[0, 1], [0, 1, 2, 0, 1], [0.0, 1.0, 0.0, 0.0, 1.0], [-2, 0, 0, 0, 0]])
def test_gold_that_is_none_is_refused(gold: object) -> None:
    with pytest.raises(UsageError, match="gold: expected"):
        LabelModel(2).fit(VOTES, gold=gold)  # type: ignore[arg-type]


def test_using_a_model_before_fit_or_on_other_sources_is_refused() -> None:
    with pytest.raises(UsageError, match="call fit"):
        LabelModel().predict_proba(VOTES)
    model = LabelModel(2).fit(VOTES)
    with pytest.raises(UsageError, match="votes of 3 sources, as in fit, got 2"):
        model.predict_proba(VOTES[:, :2])
    with pytest.raises(UsageError, match="tie_break_policy"):
        model.predict(VOTES, tie_break_policy="coin")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="cardinality of at least 2"):
        LabelModel(1)
    swapped = VoteMatrix(named(VOTES).values, named(VOTES).ids, tuple(map(Source, ("s1", "s0", "s2"))), SPACE)
    with pytest.raises(UsageError, match=r'expected the sources of fit in their order \("s0"\), got "s1"'):
        LabelModel().fit(named(VOTES)).predict(swapped)


def test_a_fit_that_fails_leaves_no_half_model() -> None:
    model = create("snorkel", 2)
    with pytest.raises(UsageError, match="at least 3 sources, got 2"):
        model.fit(VOTES[:, :2])
    with pytest.raises(UsageError, match="call fit"):
        model.predict(VOTES[:, :2])


def test_models_are_made_by_name_and_an_unknown_name_lists_them() -> None:
    assert [type(create(name)).name for name in MODELS] == list(MODELS)
    with pytest.raises(UsageError, match='expected one of default, majority, .*snorkel.*; got "oracle"'):
        create("oracle")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected a folder with a saved label model"):
        load(tmp_path)
    LabelModel(2).fit(VOTES).save(tmp_path / "m")
    with pytest.raises(UsageError, match='expected a saved "majority" model'):
        MajorityVote.load(tmp_path / "m")
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match="cannot make the folder"):
        LabelModel(2).fit(VOTES).save(tmp_path / "file")


@pytest.mark.parametrize("change", [{"format": 9}, {"learned": {"fit": 1}}, {"arrays": ["none"]}, {"model": 5}])
def test_a_changed_model_file_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    LabelModel(2).fit(VOTES).save(tmp_path)
    path = tmp_path / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(UsageError):
        load(tmp_path)


def test_a_cut_array_file_is_refused(tmp_path: Path) -> None:
    LabelModel(2).fit(VOTES).save(tmp_path)
    path = tmp_path / "arrays.npz"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UsageError, match="expected a folder with a saved label model"):
        load(tmp_path)
