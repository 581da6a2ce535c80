"""What the default model hears besides votes: confidences, gold, groups, who was asked, the balance, more batches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import told_votes, vote_matrices

from weaksup import LabelSpace, Source, VoteMatrix
from weaksup.errors import UsageError
from weaksup.label_models import LabelModel, MajorityVote, load

SPACE = LabelSpace(["HAM", "SPAM"])
MIXED = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85)


def draw(
    seed: int, n: int = 3000, accuracies: tuple[float, ...] = MIXED, coverage: float = 0.6
) -> tuple[np.ndarray, np.ndarray]:
    """Return truth [n] and votes [n, m] of sources that err on their own."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    votes = np.where(rng.random((n, len(accuracies))) < accuracies, truth[:, None], 1 - truth[:, None])
    return truth, np.where(rng.random(votes.shape) < coverage, votes, -1)


def named(values: np.ndarray, **more: object) -> VoteMatrix:
    sources = tuple(Source(f"s{j}") for j in range(values.shape[1]))
    ids = tuple(f"r{i}" for i in range(len(values)))
    return VoteMatrix(values.astype(np.int16), ids, sources, SPACE, **more)  # type: ignore[arg-type]


def proba(votes: VoteMatrix | np.ndarray, **more: object) -> np.ndarray:
    model = LabelModel(None if isinstance(votes, VoteMatrix) else 2)
    return model.fit(votes, **more).predict_proba(votes)  # type: ignore[arg-type]


class TestLaws:
    """On any votes with anything a source can come with."""

    @given(votes=told_votes(), data=st.data())
    def test_probabilities_are_finite_distributions(self, votes: VoteMatrix, data: st.DataObject) -> None:
        k, n = len(votes.labels), len(votes)
        gold = data.draw(st.none() | st.lists(st.integers(-1, k - 1), min_size=n, max_size=n))
        balance = data.draw(st.none() | st.just([0.9] + [0.1 / (k - 1)] * (k - 1)))
        known = None if gold is None else np.array(gold, np.int64)
        p = LabelModel().fit(votes, gold=known, class_balance=balance).predict_proba(votes)
        assert np.isfinite(p).all()
        assert (p >= 0).all()
        assert np.allclose(p.sum(axis=1), 1.0)

    @given(votes=told_votes(), cut=st.integers(0, 25), data=st.data())
    def test_batches_give_the_model_of_one_fit_to_the_bit(
        self, votes: VoteMatrix, cut: int, data: st.DataObject
    ) -> None:
        k, n = len(votes.labels), len(votes)
        gold = np.array(data.draw(st.lists(st.integers(-1, k - 1), min_size=n, max_size=n)), np.int64)
        whole = LabelModel().fit(votes, gold=gold)
        parts = LabelModel()
        for rows in (np.arange(min(cut, n)), np.arange(min(cut, n), n)):
            parts.partial_fit(votes.take(rows), gold=gold[rows])
        assert parts.predict_proba(votes).tobytes() == whole.predict_proba(votes).tobytes()

    @given(votes=told_votes(), tmp=st.just(None))
    def test_a_model_that_was_saved_goes_on_learning(
        self, votes: VoteMatrix, tmp: None, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        folder = tmp_path_factory.mktemp("model")
        half = np.arange(len(votes)) < len(votes) // 2
        gold = np.where(np.arange(len(votes)) % 3 == 0, 0, -1)
        model = LabelModel().fit(votes.take(half), gold=gold[half])
        model.save(folder)
        again = load(folder).partial_fit(votes.take(~half), gold=gold[~half])
        model.partial_fit(votes.take(~half), gold=gold[~half])
        assert again.predict_proba(votes).tobytes() == model.predict_proba(votes).tobytes()

    @given(votes=told_votes(), seed=st.integers(0, 5))
    def test_the_order_of_sources_changes_nothing(self, votes: VoteMatrix, seed: int) -> None:
        order = np.random.default_rng(seed).permutation(len(votes.sources))
        shuffled = replace(
            votes,
            values=votes.values[:, order],
            sources=tuple(votes.sources[j] for j in order),
            asked=None if votes.asked is None else votes.asked[:, order],
            confidence=None if votes.confidence is None else votes.confidence[:, order],
        )
        assert proba(shuffled) == pytest.approx(proba(votes), abs=1e-6)

    @given(votes=vote_matrices(), confidence=st.sampled_from([1.0, 0.7, float("nan")]))
    def test_votes_of_one_confidence_are_plain_votes(self, votes: VoteMatrix, confidence: float) -> None:
        soft = replace(votes, confidence=np.full(votes.values.shape, confidence, np.float32))
        assert (
            LabelModel().fit(soft).predict_proba(soft).tobytes()
            == LabelModel().fit(votes).predict_proba(votes).tobytes()
        )

    @given(votes=vote_matrices())
    def test_an_abstain_and_a_failed_answer_on_few_rows_are_alike(self, votes: VoteMatrix) -> None:
        asked = np.ones(votes.values.shape, np.bool_)
        asked[: len(votes) // 3] = votes.values[: len(votes) // 3] != -1
        missing = replace(votes, asked=asked)
        assert (LabelModel().fit(missing).predict_proba(missing) == LabelModel().fit(votes).predict_proba(votes)).all()


class TestSoftVotes:
    """Confidences."""

    @staticmethod
    def drawn(*, informed: bool) -> tuple[np.ndarray, VoteMatrix]:
        rng = np.random.default_rng(1)
        truth = rng.integers(0, 2, 3000)
        chance = rng.beta(6, 2.5, (3000, 5))
        votes = np.where(rng.random((3000, 5)) < chance, truth[:, None], 1 - truth[:, None])
        stated = chance if informed else rng.permuted(chance, axis=0)
        return truth, named(votes, confidence=stated.astype(np.float32))

    def test_confidences_that_tell_right_from_wrong_are_heeded(self) -> None:
        truth, votes = self.drawn(informed=True)
        model = LabelModel().fit(votes)
        plain = (proba(replace(votes, confidence=None)).argmax(axis=1) == truth).mean()
        assert (model.predict_proba(votes).argmax(axis=1) == truth).mean() > plain + 0.04
        assert (model.slopes_ > 0.5).all()
        assert (model.predict(votes) == model.predict_proba(votes).argmax(axis=1)).mean() > 0.99

    def test_confidences_that_tell_nothing_change_next_to_nothing(self) -> None:
        _, votes = self.drawn(informed=False)
        model = LabelModel().fit(votes)
        assert model.slopes_.mean() < 0.15
        assert np.abs(model.predict_proba(votes) - proba(replace(votes, confidence=None))).mean() < 0.03

    def test_gold_teaches_confidences_of_a_lone_source(self) -> None:
        truth, votes = self.drawn(informed=True)
        lone = VoteMatrix(votes.values[:, :1], votes.ids, votes.sources[:1], SPACE, confidence=votes.confidence[:, :1])  # type: ignore[index]
        without, taught = (LabelModel().fit(lone, gold=g).slopes_[0] for g in (None, truth))
        assert without == pytest.approx(0.3, abs=0.06)  # the prior
        assert taught > 0.8

    def test_a_statement_moves_only_its_own_row(self) -> None:
        _, votes = self.drawn(informed=True)
        model = LabelModel().fit(votes)
        assert votes.confidence is not None
        other = votes.confidence.copy()
        other[7] = 0.99
        moved = np.abs(model.predict_proba(replace(votes, confidence=other)) - model.predict_proba(votes)).max(axis=1)
        assert moved[7] > 0
        assert np.delete(moved, 7).max() == 0

    def test_a_group_states_its_confidence_once(self) -> None:
        _, votes = self.drawn(informed=True)
        assert votes.confidence is not None
        twice = VoteMatrix(
            np.hstack([votes.values, votes.values[:, :1]]),
            votes.ids,
            (*votes.sources, Source("copy")),
            SPACE,
            confidence=np.hstack([votes.confidence, votes.confidence[:, :1]]),
        )
        assert np.abs(proba(twice) - proba(votes)).max() < 0.02


class TestGroups:
    """Sources that share a cause."""

    @pytest.mark.parametrize("coverage", [1.0, 0.5, 0.1])
    @pytest.mark.parametrize("seed", range(3))
    def test_a_copy_under_another_name_moves_no_posterior(self, coverage: float, seed: int) -> None:
        _, votes = draw(seed, coverage=coverage)
        twice = np.column_stack([votes, votes[:, 2]])
        assert np.abs(proba(twice) - proba(votes)).max() < 1e-9
        assert LabelModel(2).fit(twice).groups_.tolist() == [0, 1, 2, 3, 4, 5, 2]

    def test_a_copy_among_sources_of_one_label_is_found_by_the_rows_it_speaks_on(self) -> None:
        _, votes = draw(0, coverage=0.2)
        votes = np.where(votes == np.arange(6) % 2, votes, -1)
        assert np.abs(proba(np.column_stack([votes, votes[:, 1]])) - proba(votes)).max() < 1e-9
        assert LabelModel(2).fit(votes).groups_.tolist() == list(range(6))

    def test_a_copy_with_a_few_other_votes_is_found(self) -> None:
        _, votes = draw(0, coverage=0.5)
        rng = np.random.default_rng(0)
        changed = np.where((rng.random(3000) < 0.03) & (votes[:, 0] >= 0), 1 - votes[:, 0], votes[:, 0])
        model = LabelModel(2).fit(np.column_stack([votes, changed]))
        assert model.groups_.tolist() == [0, 1, 2, 3, 4, 5, 0]

    @pytest.mark.parametrize("seed", range(5))
    def test_good_sources_that_err_on_their_own_are_no_copies(self, seed: int) -> None:
        _, votes = draw(seed, accuracies=(0.99, 0.985, 0.98, 0.98, 0.7), coverage=0.9)
        assert LabelModel(2).fit(votes).groups_.tolist() == [0, 1, 2, 3, 4]

    def test_sources_that_are_always_right_are_no_copies(self) -> None:
        _, votes = draw(0, accuracies=(1.0, 1.0, 1.0, 0.7, 0.8), coverage=1.0)
        assert LabelModel(2).fit(votes).groups_.tolist() == [0, 1, 2, 3, 4]

    def test_a_group_that_was_told_votes_once_and_not_where_it_is_torn(self) -> None:
        _, votes = draw(0)
        told = replace(
            named(votes), sources=tuple(Source(f"s{j}", group="one model" if j < 2 else "") for j in range(6))
        )
        merged = votes.copy()
        first, second = votes[:, 0], votes[:, 1]
        merged[:, 0] = np.where(
            first == second, first, np.where(first == -1, second, np.where(second == -1, first, -1))
        )
        merged[:, 1] = -1
        assert LabelModel().fit(told).groups_.tolist() == [0, 0, 2, 3, 4, 5]
        covered = (merged >= 0).any(axis=1)
        assert proba(told)[covered] == pytest.approx(proba(merged)[covered])

    def test_three_of_a_group_vote_by_majority(self) -> None:
        votes = np.array([[0, 0, 1, -1], [1, 0, -1, 1], [1, 1, 1, 0]] * 10)
        told = replace(named(votes), sources=tuple(Source(f"s{j}", group="g" if j < 3 else "") for j in range(4)))
        merged = np.column_stack([[0, -1, 1] * 10, votes[:, 3]])
        assert proba(told) == pytest.approx(proba(merged))

    def test_a_tier_and_a_function_are_never_one_group(self) -> None:
        _, votes = draw(0)
        kinds = ("lf", "lf", "lf", "lf", "lf", "tier")
        told = replace(named(votes), sources=tuple(Source(f"s{j}", kind, group="g") for j, kind in enumerate(kinds)))  # type: ignore[arg-type]
        assert LabelModel().fit(told).groups_.tolist() == [0, 0, 0, 0, 0, 5]

    def test_copies_are_found_among_many_sources(self) -> None:
        rng = np.random.default_rng(0)
        truth, accuracies = rng.integers(0, 3, 1500), rng.uniform(0.5, 0.8, 60)
        votes = np.where(rng.random((1500, 60)) < accuracies, truth[:, None], rng.integers(0, 3, (1500, 60)))
        votes = np.where(rng.random((1500, 60)) < 0.3, votes, -1)
        votes[:, 41] = votes[:, 7]
        groups = LabelModel(3).fit(votes).groups_
        assert np.flatnonzero(groups != np.arange(60)).tolist() == [41]
        assert groups[41] == 7


class TestGold:
    """Gold rows pin what the votes alone get wrong."""

    def test_gold_outweighs_many_rows_that_agree_on_an_error(self) -> None:
        rng = np.random.default_rng(0)
        truth, votes = draw(0, 6000, (0.75, 0.75, 0.75), 1.0)
        misled = np.where(rng.random(6000) < 0.8, 0, truth)  # two sources share a weakness for class 0
        noisy = [np.where(rng.random(6000) < 0.9, misled, 1 - misled) for _ in range(3)]
        matrix = np.column_stack([votes, *noisy])
        gold = np.where(np.arange(6000) < 200, truth, -1)
        without, taught = (
            (LabelModel(2).fit(matrix, gold=g).predict(matrix, tie_break_policy="random") == truth)[200:].mean()
            for g in (None, gold)
        )
        assert taught > without + 0.03

    def test_gold_corrects_the_accuracy_of_votes_in_general(self) -> None:
        truth, votes = draw(0, 2000, (0.6,) * 4, 1.0)
        same = np.column_stack([votes[:, 0]] * 2 + [np.where(votes[:, 1] >= 0, votes[:, 0], -1), votes[:, 3]])
        same[::17, 1:3] = 1 - same[::17, 1:3]
        free, taught = (LabelModel(2).fit(same, gold=g).accuracy_ for g in (None, truth))
        assert taught == pytest.approx((same == truth[:, None]).mean(), abs=0.02)
        assert free > taught


class TestBalance:
    """A class balance that is given, and class weights."""

    @staticmethod
    def positives_only(seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        truth = (rng.random(4000) < 0.1).astype(int)
        votes = rng.random((4000, 5)) < np.where(truth[:, None] == 1, [0.3, 0.4, 0.5, 0.6, 0.7], 0.04)
        return truth, np.where(votes, 1, -1)

    @pytest.mark.parametrize("seed", range(3))
    def test_sources_that_only_find_positives_report_the_share_that_was_given(self, seed: int) -> None:
        _, votes = self.positives_only(seed)
        model = LabelModel(2).fit(votes, class_balance=[0.9, 0.1])
        p = model.predict_proba(votes)[:, 1]
        assert p.mean() == pytest.approx(0.1, abs=1e-3)
        assert (p > 0.5).mean() == pytest.approx(0.1, abs=0.05)
        assert p[(votes < 0).all(axis=1)].max() < 0.1

    def test_a_balance_holds_for_later_batches_until_another_is_given(self) -> None:
        _, votes = self.positives_only(0)
        model = LabelModel(2).partial_fit(votes[:2000], class_balance=[0.9, 0.1]).partial_fit(votes[2000:])
        assert (
            model.predict_proba(votes) == LabelModel(2).fit(votes, class_balance=[0.9, 0.1]).predict_proba(votes)
        ).all()
        model.partial_fit(votes[:0], class_balance=[0.8, 0.2])
        assert model.class_balance_.tolist() == [0.8, 0.2]

    def test_class_weights_decide_what_a_doubtful_row_is_called(self) -> None:
        _, votes = draw(0)
        model = LabelModel().fit(named(votes))
        p = model.predict_proba(votes)
        costly = model.predict(named(votes), class_weights={"HAM": 1, "SPAM": 9})
        assert (costly[(votes >= 0).any(axis=1)] == (p[:, 1] > 0.1)[(votes >= 0).any(axis=1)]).all()
        assert (model.predict(votes, class_weights=[2, 2]) == model.predict(votes)).all()

    @pytest.mark.parametrize(
        ("weights", "message"),
        [([1.0], "expected 2 numbers"), ([0, 1], "above 0"), ({"X": 1}, "a number for each of"), (["a", 1], "numbers")],
    )
    def test_class_weights_that_are_none_are_refused(self, weights: object, message: str) -> None:
        _, votes = draw(0, 50)
        with pytest.raises(UsageError, match=message):
            LabelModel().fit(named(votes)).predict(votes, class_weights=weights)  # type: ignore[arg-type]


class TestHardRows:
    """Sources asked on few rows."""

    @staticmethod
    def tier(
        seed: int, accuracy: float, n: int = 6000, kind: str = "tier"
    ) -> tuple[VoteMatrix, np.ndarray, np.ndarray]:
        truth, votes = draw(seed, n, MIXED, 0.5)
        asked = np.argsort(proba(votes).max(axis=1), kind="stable")[: n // 10]
        rng = np.random.default_rng(seed + 100)
        said = np.where(rng.random(len(asked)) < accuracy, truth[asked], 1 - truth[asked])
        base = named(votes)
        answers = {base.ids[i]: int(v) for i, v in zip(asked, said, strict=True)}
        return base.with_source(Source("tier", kind), answers), truth, asked  # type: ignore[arg-type]

    @pytest.mark.parametrize("kind", ["tier", "lf"])
    def test_a_good_tier_is_found_good_where_it_was_asked_and_decides_there(self, kind: str) -> None:
        learned = []
        for seed in range(4):
            votes, truth, asked = self.tier(seed, 0.9, kind=kind)
            model = LabelModel().fit(votes)
            learned.append(model.answer_accuracies_[0])
            assert (model.predict_proba(votes)[asked].argmax(axis=1) == truth[asked]).mean() >= 0.87
        assert np.mean(learned) == pytest.approx(0.9, abs=0.03)

    def test_a_poor_tier_is_noticed_without_gold(self) -> None:
        assert LabelModel().fit(self.tier(0, 0.6, 30000)[0]).answer_accuracies_[0] < 0.75

    def test_other_tiers_show_which_one_is_poor(self) -> None:
        votes, truth, asked = self.tier(0, 0.9)
        rng = np.random.default_rng(5)
        for name, accuracy in (("second", 0.9), ("poor", 0.6)):
            said = np.where(rng.random(len(asked)) < accuracy, truth[asked], 1 - truth[asked])
            answers = {votes.ids[i]: int(v) for i, v in zip(asked, said, strict=True)}
            votes = votes.with_source(Source(name, "tier"), answers)
        good, second, poor = LabelModel().fit(votes).answer_accuracies_
        assert [good, second] == pytest.approx([0.9, 0.9], abs=0.05)
        assert poor == pytest.approx(0.6, abs=0.08)

    def test_rows_chosen_by_something_else_than_doubt_do_not_condemn_a_tier(self) -> None:
        truth, votes = draw(0, 6000, MIXED, 0.5)
        rng = np.random.default_rng(0)
        poor = np.where(rng.random(votes.shape) < 0.52, truth[:, None], 1 - truth[:, None])
        hard = np.arange(6000) < 600
        votes = np.where(hard[:, None] & (votes >= 0), poor, votes)  # all functions fail there, without a sign
        said = np.where(rng.random(600) < 0.9, truth[:600], 1 - truth[:600])
        more = named(votes).with_source(Source("tier", "tier"), {f"r{i}": int(v) for i, v in enumerate(said)})
        model = LabelModel().fit(more)
        assert model.answer_accuracies_[0] > 0.8
        assert model.trust_ < 0.6
        assert (model.predict_proba(more)[:600].argmax(axis=1) == truth[:600]).mean() > 0.87

    @pytest.mark.parametrize(("accuracy", "seed"), [(0.55, 0), (0.7, 1), (0.9, 2)])
    def test_a_tier_asked_at_random_is_judged_by_good_functions_not_they_by_it(
        self, accuracy: float, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 2, 3000)
        votes = np.where(rng.random((3000, 5)) < 0.87, truth[:, None], 1 - truth[:, None])
        asked = np.flatnonzero(rng.random(3000) < 1 / 3)
        said = np.where(rng.random(len(asked)) < accuracy, truth[asked], 1 - truth[asked])
        more = named(votes).with_source(
            Source("tier", "tier"), {f"r{i}": int(v) for i, v in zip(asked.tolist(), said.tolist(), strict=True)}
        )
        model = LabelModel().fit(more)
        assert model.answer_accuracies_[0] == pytest.approx(accuracy, abs=0.06)
        assert model.trust_ > 0.9
        assert (model.predict_proba(more).argmax(axis=1) == truth)[asked].mean() > 0.96

    def test_a_seldom_asked_source_is_no_answerer_where_nobody_else_votes(self) -> None:
        votes, _, _ = self.tier(0, 0.9)
        alone = VoteMatrix(votes.values[:, 6:], votes.ids, votes.sources[6:], SPACE, asked=votes.asked[:, 6:])  # type: ignore[index]
        assert LabelModel().fit(alone).answerers_.tolist() == []


class TestPartialFit:
    """What more rows may not be."""

    def test_batches_of_other_sources_or_labels_are_refused(self) -> None:
        _, votes = draw(0, 40)
        model = LabelModel(2).partial_fit(votes)
        before = model.predict_proba(votes)
        for wrong in (votes[:, :3], votes + 5):
            with pytest.raises(UsageError):
                model.partial_fit(wrong)
        assert (model.predict_proba(votes) == before).all()

    def test_every_model_learns_in_batches(self, tmp_path: Path) -> None:
        _, votes = draw(0, 60)
        model = MajorityVote(2).partial_fit(votes[:30])
        model.save(tmp_path)
        assert (load(tmp_path).partial_fit(votes[30:]).predict_proba(votes) == model.predict_proba(votes)).all()


@pytest.mark.parametrize("seed", range(3))
def test_people_on_unequal_classes_are_not_taken_to_err_on_the_larger_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = (rng.random(1500) < 0.2).astype(int)
    skill = rng.beta(8, 2, 60)
    votes = np.where(rng.random((1500, 60)) < skill, truth[:, None], 1 - truth[:, None])
    share = rng.pareto(1.0, 60) + 0.2  # few people answer much, most a little
    votes = np.where(rng.random((1500, 60)) < np.minimum(5 * share / share.sum(), 0.9), votes, -1)
    covered = (votes >= 0).any(axis=1)
    model = LabelModel(2).fit(votes)
    majority = MajorityVote(2).fit(votes).predict(votes, tie_break_policy="random")
    right = model.predict(votes, tie_break_policy="random") == truth
    assert model.shape_ == "crowd"
    assert right[covered].mean() >= (majority == truth)[covered].mean() - 0.01
    assert model.class_balance_[1] == pytest.approx(0.2, abs=0.05)
